package hub_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/services/hub"
)

var errPoison = errs.New(codes.Internal, "INTERNAL", "internal error")

func TestOneAttemptFromClaimToDurable(t *testing.T) {
	h := newHouse(t)
	p := h.join()
	w := p.connect(hello(2))
	require.EqualValues(t, 1, w.GetEpoch())
	one, two := p.task(1), p.task(2)
	p.give(one, two)
	offer := next(p, (*hubv1.HubMessage).GetOffer)
	require.Equal(t, one.GetSpec().GetSignature(), offer.GetSpec().GetSignature())
	require.Equal(t, page, offer.GetPage())
	require.Equal(t, "d", offer.GetKnown()[0].GetDigest())
	require.Empty(t, next(p, (*hubv1.HubMessage).GetOffer).GetPage(), "a page is sent once")
	p.accept(one)
	p.accept(two)
	p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_CredentialRequest{CredentialRequest: &hubv1.CredentialRequest{
		Attempt: refOf(one), Spec: one.GetSpec(),
	}}})
	require.NotEmpty(t, next(p, (*hubv1.HubMessage).GetCredentialGrant).GetGrant().GetCertificate(), "the certificate of the connection")
	ack := p.send(backup(one))
	require.Equal(t, hubv1.ResultAck_DURABLE, ack.GetOutcome(), ack)
	require.Equal(t, "r1", h.store.items[0].GetDeviceName())
	require.Equal(t, "schedule/elsewhere", h.store.items[0].GetTrigger()+"/"+h.store.items[0].GetRepository(), "the commit says what started it")
	require.True(t, h.job.finished[0].GetChanged())
	require.True(t, h.targets.seen[0].GetBackedUp())
	require.True(t, h.targets.seen[0].GetHostKeyPinned())
	require.EqualValues(t, 1, h.vault.used[0].GetFence())
	require.Equal(t, []jobv1.ReportAttemptsRequest_Event_Kind{
		jobv1.ReportAttemptsRequest_Event_ACCEPTED, jobv1.ReportAttemptsRequest_Event_STARTED,
	}, []jobv1.ReportAttemptsRequest_Event_Kind{h.job.events[0].GetKind(), h.job.events[1].GetKind()})

	failed := backup(two)
	failed.Succeeded, failed.Failure = false, &jobv1.Failure{Class: jobv1.Failure_AUTH, DeviceSaid: "a\x00b"}
	require.Equal(t, hubv1.ResultAck_DURABLE, p.send(failed).GetOutcome())
	require.Len(t, h.store.items, 1, "a failure stores nothing")
	require.Equal(t, "ab", h.job.finished[1].GetFailure().GetDeviceSaid())
}

func TestStoreOutcomes(t *testing.T) { // FAILURES 31, 33
	h := newHouse(t)
	p := h.join()
	p.connect(hello(10))
	for outcome, want := range map[gitstorev1.StoreResultsResponse_Item_Outcome]hubv1.ResultAck_Outcome{
		gitstorev1.StoreResultsResponse_Item_NEED_CONTENT: hubv1.ResultAck_NEED_CONTENT,
		gitstorev1.StoreResultsResponse_Item_RETRY_LATER:  hubv1.ResultAck_RETRY_LATER,
		gitstorev1.StoreResultsResponse_Item_REJECTED:     hubv1.ResultAck_REJECT,
	} {
		h.store.mu.Lock()
		h.store.outcome = outcome
		h.store.mu.Unlock()
		c := p.task(5)
		ack := p.send(backup(c))
		require.Equal(t, want, ack.GetOutcome())
		require.Equal(t, "TEST", ack.GetReason())
	}
	require.Len(t, h.job.finished, 1, "only the refused one has ended")
	require.Equal(t, jobv1.Failure_STORE, h.job.finished[0].GetFailure().GetClass())
}

func TestJobAwayMeansLater(t *testing.T) { // FAILURES 8
	h := newHouse(t)
	p := h.join()
	p.connect(hello(1))
	h.job.away = errs.New(codes.Unavailable, "UNAVAILABLE", "away")
	c := p.task(1)
	require.Equal(t, hubv1.ResultAck_RETRY_LATER, p.send(backup(c)).GetOutcome())
	h.job.mu.Lock()
	h.job.away = nil
	h.job.mu.Unlock()
	require.Equal(t, hubv1.ResultAck_DURABLE, p.send(backup(c)).GetOutcome())
}

func TestStaleFinishIsDurable(t *testing.T) { // FAILURES 26, 27
	h := newHouse(t)
	p := h.join()
	p.connect(hello(1))
	h.job.stale = true
	require.Equal(t, hubv1.ResultAck_DURABLE, p.send(backup(p.task(1))).GetOutcome())
	require.Len(t, h.store.items, 1, "the store keeps it as an observation")
}

func TestPoisonedResultHoldsUpNoOther(t *testing.T) {
	h := newHouse(t)
	p := h.join()
	p.connect(hello(10))
	bad, good := p.task(1), p.task(2)
	h.store.poison = bad.GetView().GetDeviceId()
	for _, c := range []*jobv1.ClaimTasksResponse_Claim{bad, good} {
		p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Result{Result: backup(c)}})
	}
	got := map[int64]hubv1.ResultAck_Outcome{}
	for range 2 {
		ack := next(p, (*hubv1.HubMessage).GetResultAck)
		got[ack.GetAttempt().GetFence()] = ack.GetOutcome()
	}
	require.Equal(t, map[int64]hubv1.ResultAck_Outcome{1: hubv1.ResultAck_RETRY_LATER, 2: hubv1.ResultAck_DURABLE}, got)
}

func TestResultOfAnotherAgentIsRefused(t *testing.T) { // FAILURES 62
	h := newHouse(t)
	p, q := h.join(), h.join()
	p.connect(hello(1))
	c := q.task(1) // q's, in p's hands
	ack := p.send(backup(c))
	require.Equal(t, hubv1.ResultAck_REJECT, ack.GetOutcome())
	require.Equal(t, "ATTEMPT_NOT_HELD", ack.GetReason())
	mine := p.task(1)
	r := backup(mine)
	r.Attempt = &jobv1.AttemptRef{TaskId: uuid.NewString(), Fence: 1}
	require.Equal(t, hubv1.ResultAck_REJECT, p.send(r).GetOutcome(), "another task under a good signature")
	r = backup(mine)
	r.Spec = nil
	require.Equal(t, hubv1.ResultAck_REJECT, p.send(r).GetOutcome(), "no proof")
	require.Empty(t, h.store.items)
	p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_CredentialRequest{CredentialRequest: &hubv1.CredentialRequest{Attempt: refOf(c), Spec: c.GetSpec()}}})
	require.Equal(t, "ATTEMPT_NOT_HELD", next(p, (*hubv1.HubMessage).GetCredentialGrant).GetRefused())
}

func TestResumeAndAborted(t *testing.T) { // FAILURES 2, 3, 7
	h := newHouse(t)
	p := h.join()
	running, spooled, aborted := p.task(1), p.task(2), p.task(3)
	first := hello(4)
	first.Running, first.More = []*jobv1.AttemptRef{refOf(running)}, true
	ctx := context.Background()
	stream, err := p.client.Connect(ctx)
	require.NoError(t, err)
	p.stream, p.cancel = stream, func() {}
	p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Hello{Hello: first}})
	p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Hello{Hello: &hubv1.Hello{
		Spooled: []*jobv1.AttemptRef{refOf(spooled)}, Aborted: []*jobv1.AttemptRef{refOf(aborted)},
	}}})
	next(p, (*hubv1.HubMessage).GetWelcome)
	require.Equal(t, jobv1.ResumeAgentResponse_CONTINUE, next(p, (*hubv1.HubMessage).GetResumeVerdict).GetVerdict())
	require.Equal(t, jobv1.ResumeAgentResponse_SEND_RESULT, next(p, (*hubv1.HubMessage).GetResumeVerdict).GetVerdict())
	require.Equal(t, jobv1.Failure_LEASE_LOST, h.job.finished[0].GetFailure().GetClass())
	p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_CredentialRequest{CredentialRequest: &hubv1.CredentialRequest{Attempt: refOf(running), Spec: running.GetSpec()}}})
	require.NotNil(t, next(p, (*hubv1.HubMessage).GetCredentialGrant).GetGrant(), "a resumed attempt is held")
	require.Equal(t, hubv1.ResultAck_DURABLE, p.send(backup(spooled)).GetOutcome())
}

func TestLargeResultByUpload(t *testing.T) { // FAILURES 30, 63
	h := newHouse(t, func(c *hub.Config) { c.ResultLimit = 1 << 20 })
	p := h.join()
	p.connect(hello(1))
	r := backup(p.task(1))
	r.Artifacts[0].Sealed = make([]byte, 700<<10)
	ack, err := p.upload(r, nil)
	require.NoError(t, err)
	require.Equal(t, hubv1.ResultAck_DURABLE, ack.GetOutcome(), ack)
	require.Len(t, h.store.items[0].GetArtifacts()[0].GetSealed(), 700<<10)
	_, err = p.upload(r, func(c *hubv1.UploadChunk) { c.Sha256 = make([]byte, 32) })
	require.Equal(t, "DIGEST_MISMATCH", errs.Reason(err))
	_, err = p.upload(r, func(c *hubv1.UploadChunk) { c.Offset++ })
	require.Equal(t, "UPLOAD_INVALID", errs.Reason(err))
	_, err = p.upload(r, func(c *hubv1.UploadChunk) { c.Total = 2 << 20 })
	require.Equal(t, "TOO_LARGE", errs.Reason(err))
	big := backup(p.task(2))
	big.Artifacts[0].Sealed = make([]byte, 70<<10)
	require.Equal(t, "TOO_LARGE", p.send(big).GetReason(), "not on the control stream")
}

func (p *peer) upload(r *hubv1.Result, change func(first *hubv1.UploadChunk)) (*hubv1.ResultAck, error) {
	stream, err := p.client.Upload(context.Background())
	require.NoError(p.h.t, err)
	data, err := proto.Marshal(r)
	require.NoError(p.h.t, err)
	sum := sha256.Sum256(data)
	for at := 0; at < len(data); at += 256 << 10 {
		c := &hubv1.UploadChunk{Offset: int32(at), Data: data[at:min(at+256<<10, len(data))]}
		if at == 0 {
			c.Attempt, c.Total, c.Sha256 = r.GetAttempt(), int32(len(data)), sum[:]
			if change != nil {
				change(c)
			}
		}
		if stream.Send(c) != nil {
			break
		}
	}
	return stream.CloseAndRecv()
}

func TestOffersAreDeclinedAndTakenBack(t *testing.T) { // FAILURES 1
	h := newHouse(t)
	p := h.join()
	p.connect(hello(1))
	c := p.task(1)
	p.give(c)
	next(p, (*hubv1.HubMessage).GetOffer)
	p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_OfferReply{OfferReply: &hubv1.OfferReply{Attempt: refOf(c), Reason: "NEED_PAGE"}}})
	eventually(t, "job hears of it", func() bool {
		h.job.mu.Lock()
		defer h.job.mu.Unlock()
		return len(h.job.events) == 1 && h.job.events[0].GetKind() == jobv1.ReportAttemptsRequest_Event_DECLINED
	})
	c = p.task(2)
	p.give(c)
	require.Equal(t, page, next(p, (*hubv1.HubMessage).GetOffer).GetPage(), "asked for, so sent again")
	go p.beat()
	require.Equal(t, c.GetView().GetTaskId(), next(p, (*hubv1.HubMessage).GetOfferRevoked).GetAttempt().GetTaskId())
}

// beat keeps the stream alive until it ends.
func (p *peer) beat() {
	for tick := time.NewTicker(200 * time.Millisecond); p.stream.Context().Err() == nil; <-tick.C {
		if p.stream.Send(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Heartbeat{Heartbeat: &hubv1.Heartbeat{}}}) != nil {
			return
		}
	}
}

func TestStaleHeartbeatAndCancellation(t *testing.T) { // FAILURES 27, 74
	h := newHouse(t)
	p := h.join()
	p.connect(hello(1))
	c := p.task(1)
	h.job.ready <- &jobv1.ClaimTasksResponse{Claims: []*jobv1.ClaimTasksResponse_Claim{c}}
	next(p, (*hubv1.HubMessage).GetOffer)
	p.accept(c)
	h.job.mu.Lock()
	h.job.stale = true
	h.job.mu.Unlock()
	p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Heartbeat{Heartbeat: &hubv1.Heartbeat{Sequence: 3, Running: []*jobv1.AttemptRef{refOf(c)}}}})
	require.EqualValues(t, 3, next(p, (*hubv1.HubMessage).GetHeartbeatAck).GetSequence())
	require.Equal(t, "LEASE_LOST", next(p, (*hubv1.HubMessage).GetCancel).GetReason())
	h.job.ready <- &jobv1.ClaimTasksResponse{Cancelled: []*jobv1.AttemptRef{refOf(c)}}
	next(p, func(m *hubv1.HubMessage) *hubv1.Cancel {
		if c := m.GetCancel(); c.GetReason() == "CANCELLED" {
			return c
		}
		return nil
	})
}

func TestNewestStreamWins(t *testing.T) { // FAILURES 26, 49
	h := newHouse(t)
	p := h.join()
	p.connect(hello(1))
	q := *p
	w := q.connect(hello(1))
	require.EqualValues(t, 2, w.GetEpoch())
	require.Equal(t, "SESSION_REPLACED", errs.Reason(p.end()))
	require.Equal(t, hubv1.ResultAck_DURABLE, q.send(backup(q.task(1))).GetOutcome())
	list, err := h.people.ListAgents(context.Background(), &hubv1.ListAgentsRequest{})
	require.NoError(t, err)
	require.Equal(t, hubv1.Agent_ONLINE, list.GetItems()[0].GetState(), "the old stream's end does not hide the new one")
}

func TestRevocationCutsTheStream(t *testing.T) { // FAILURES 50
	h := newHouse(t)
	p := h.join()
	p.connect(hello(1))
	a, err := h.people.RevokeAgent(context.Background(), &hubv1.RevokeAgentRequest{Id: p.name.AgentID})
	require.NoError(t, err)
	require.Equal(t, hubv1.Agent_REVOKED, a.GetState())
	require.Equal(t, "AGENT_REVOKED", errs.Reason(p.end()))
	stream, err := p.client.Connect(context.Background())
	require.NoError(t, err)
	_, err = stream.Recv()
	require.Equal(t, "AGENT_REVOKED", errs.Reason(err))
	_, err = p.upload(backup(p.task(1)), nil)
	require.Equal(t, "AGENT_REVOKED", errs.Reason(err))
	_, err = h.people.RevokeAgent(context.Background(), &hubv1.RevokeAgentRequest{Id: uuid.NewString()})
	require.Equal(t, "AGENT_NOT_FOUND", errs.Reason(err))
}

func TestSilentAgentIsLeft(t *testing.T) { // FAILURES 18, 19
	h := newHouse(t)
	p := h.join()
	p.connect(hello(1))
	require.Equal(t, "SILENT", errs.Reason(p.end()))
	eventually(t, "offline", func() bool {
		list, err := h.people.ListAgents(context.Background(), &hubv1.ListAgentsRequest{})
		return err == nil && list.GetItems()[0].GetState() == hubv1.Agent_OFFLINE
	})
}

func TestSlowConsumerIsClosed(t *testing.T) { // FAILURES 22
	h := newHouse(t, func(c *hub.Config) { c.Heartbeat = 60 * time.Second })
	p, other := h.join(), h.join()
	p.connect(hello(1))
	other.connect(hello(1))
	line := strings.Repeat("x", 60_000)
	sent := make(chan struct{})
	go func() { // each refusal is answered, and nobody reads the answers
		defer close(sent)
		for i := range 200 {
			if p.stream.Send(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_CredentialRequest{CredentialRequest: &hubv1.CredentialRequest{
				Attempt: &jobv1.AttemptRef{TaskId: line + fmt.Sprint(i)},
			}}}) != nil {
				return
			}
		}
	}()
	eventually(t, "the slow one is closed", func() bool {
		list, err := h.people.ListAgents(context.Background(), &hubv1.ListAgentsRequest{})
		require.NoError(t, err)
		for _, a := range list.GetItems() {
			if a.GetId() == p.name.AgentID {
				return a.GetState() == hubv1.Agent_OFFLINE
			}
		}
		return false
	})
	require.Equal(t, "SLOW_CONSUMER", errs.Reason(p.end()))
	<-sent
	require.Equal(t, hubv1.ResultAck_DURABLE, other.send(backup(other.task(1))).GetOutcome(), "nobody else notices")
}

func TestHubDrains(t *testing.T) { // FAILURES 92
	h := newHouse(t)
	p := h.join()
	p.connect(hello(1))
	stopped := make(chan struct{})
	go func() { h.stop(); close(stopped) }()
	require.NotNil(t, next(p, (*hubv1.HubMessage).GetDrain))
	require.Equal(t, "DRAINING", errs.Reason(p.end()))
	_ = p.conn.Close()
	<-stopped
}

func TestProtocolsThatDoNotMeet(t *testing.T) { // FAILURES 82
	h := newHouse(t)
	p := h.join()
	stream, err := p.client.Connect(context.Background())
	require.NoError(t, err)
	require.NoError(t, stream.Send(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Hello{Hello: &hubv1.Hello{ProtocolMin: 2, ProtocolMax: 3}}}))
	_, err = stream.Recv()
	require.Equal(t, "PROTOCOL_UNSUPPORTED", errs.Reason(err))
	anonymous := hubv1.NewLinkServiceClient(h.dial(nil))
	stream, err = anonymous.Connect(context.Background())
	require.NoError(t, err)
	_, err = stream.Recv()
	require.Equal(t, codes.PermissionDenied, errs.Code(err), "no certificate, no stream")
}

func TestUnknownMessages(t *testing.T) { // FAILURES 81, 96
	h := newHouse(t)
	p := h.join()
	p.connect(hello(1))
	m := &hubv1.AgentMessage{}
	m.ProtoReflect().SetUnknown([]byte{0xfa, 0x06, 0x01, 0x00}) // field 111
	p.say(m)
	require.EqualValues(t, 111, next(p, (*hubv1.HubMessage).GetUnsupported).GetFieldNumber())
	p.say(&hubv1.AgentMessage{})
	require.Zero(t, next(p, (*hubv1.HubMessage).GetUnsupported).GetFieldNumber())
	for _, m := range []*hubv1.AgentMessage{
		{Message: &hubv1.AgentMessage_Capacity{}}, {Message: &hubv1.AgentMessage_OfferReply{}}, {Message: &hubv1.AgentMessage_Started{}},
		{Message: &hubv1.AgentMessage_Progress{}}, {Message: &hubv1.AgentMessage_LogBatch{}}, {Message: &hubv1.AgentMessage_CredentialRequest{}},
		{Message: &hubv1.AgentMessage_ProceedRequest{}}, {Message: &hubv1.AgentMessage_HostKeyObserved{}}, {Message: &hubv1.AgentMessage_Heartbeat{}},
		{Message: &hubv1.AgentMessage_Unsupported{}}, {Message: &hubv1.AgentMessage_Result{}},
	} {
		p.say(m)
	}
	require.Equal(t, hubv1.ResultAck_REJECT, next(p, (*hubv1.HubMessage).GetResultAck).GetOutcome())
	require.Equal(t, hubv1.ResultAck_DURABLE, p.send(backup(p.task(1))).GetOutcome(), "the stream survives")
}

func TestLogBudget(t *testing.T) { // FAILURES 63
	h := newHouse(t)
	p := h.join()
	p.connect(hello(1))
	c := p.task(1)
	p.give(c)
	next(p, (*hubv1.HubMessage).GetOffer)
	p.accept(c)
	batch := &hubv1.LogBatch{Attempt: refOf(c)}
	for range 1000 {
		batch.Lines = append(batch.Lines, &jobv1.LogLine{At: timestamppb.Now(), Level: "INFO", Message: "x\x00"})
	}
	for i := range 4 {
		batch.Sequence = int32(1000 * i)
		p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_LogBatch{LogBatch: batch}})
	}
	p.send(backup(c))
	eventually(t, "cut", func() bool {
		h.job.mu.Lock()
		defer h.job.mu.Unlock()
		n := len(h.job.lines)
		return n == 2001 && h.job.lines[n-1].GetLine().GetLevel() == "WARN" && h.job.lines[0].GetLine().GetMessage() == "x"
	})
}

func TestClaimsAskForWhatIsFree(t *testing.T) {
	h := newHouse(t)
	p := h.join()
	p.connect(hello(1))
	c := p.task(1)
	p.give(c)
	next(p, (*hubv1.HubMessage).GetOffer)
	p.accept(c)
	last := func() *jobv1.ClaimTasksRequest {
		h.job.mu.Lock()
		defer h.job.mu.Unlock()
		return h.job.claims[len(h.job.claims)-1]
	}
	eventually(t, "full: waits for cancellations only", func() bool { return last().GetMax() == 0 && len(last().GetHeld()) == 1 })
	p.send(backup(c))
	eventually(t, "free again, at once", func() bool { return last().GetMax() == 1 && len(last().GetHeld()) == 0 })
}

func TestJoinTokenAndPages(t *testing.T) {
	h := newHouse(t)
	_, err := h.people.CreateJoinToken(context.Background(), &hubv1.CreateJoinTokenRequest{GatewayId: uuid.NewString()})
	require.Equal(t, "GATEWAY_NOT_FOUND", errs.Reason(err))
	tok, err := h.people.CreateJoinToken(context.Background(), &hubv1.CreateJoinTokenRequest{GatewayId: "00000000-0000-7000-8000-000000000001"})
	require.NoError(t, err)
	command, _, _ := strings.Cut(tok.GetCommand(), "\n")
	require.NotContains(t, command, tok.GetToken(), "the token is in the here-document, not in the command")
	require.Contains(t, command, "--server hub.example:9443")
	for range 3 {
		h.join()
	}
	first, err := h.people.ListAgents(context.Background(), &hubv1.ListAgentsRequest{PageSize: 2})
	require.NoError(t, err)
	require.Len(t, first.GetItems(), 2)
	require.Equal(t, "edge-1", first.GetItems()[0].GetName())
	rest, err := h.people.ListAgents(context.Background(), &hubv1.ListAgentsRequest{PageSize: 2, PageToken: first.GetNextPageToken()})
	require.NoError(t, err)
	require.Len(t, rest.GetItems(), 1)
	require.Empty(t, rest.GetNextPageToken())
	require.NotEqual(t, first.GetItems()[1].GetId(), rest.GetItems()[0].GetId())
	_, err = h.people.ListAgents(context.Background(), &hubv1.ListAgentsRequest{PageToken: "x"})
	require.Equal(t, "PAGE_TOKEN_INVALID", errs.Reason(err))
}
