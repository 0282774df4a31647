package agent

import (
	"context"
	"crypto/rand"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/pki"
	"github.com/netraven/netraven/internal/pki/pkitest"
	"github.com/netraven/netraven/internal/seal"
	"github.com/netraven/netraven/jobkind"
)

func TestOneAttemptFromOfferToDurable(t *testing.T) {
	h := newFakeHub(t)
	original := []byte("hostname r1\nend\n")
	a := h.start(t.TempDir(), collects(original, false))
	s := h.stream()
	require.Equal(t, int32(defaultSessions), s.hello.GetCapacity().GetMaxSessions())
	spec := s.spec()
	s.offer(spec)
	require.True(t, next(s, reply).GetAccepted())
	require.Equal(t, spec.GetTaskId(), next(s, func(m *hubv1.AgentMessage) *hubv1.Started { return m.GetStarted() }).GetAttempt().GetTaskId())
	req := next(s, request)
	s.grant(req)
	r := next(s, result)
	require.True(t, r.GetSucceeded())
	require.True(t, r.GetHostKeyPinned(), "the first key is to be pinned")
	require.Equal(t, "1\uFFFD", r.GetFacts()["version"])
	plain, err := seal.OpenArtifact(h.sealKey, seal.ArtifactAAD{
		DeviceID: spec.GetDeviceId(), Artifact: "running.cfg", TaskID: spec.GetTaskId(), Fence: spec.GetFence(),
	}, r.GetArtifacts()[0].GetSealed(), 1<<20)
	require.NoError(t, err)
	require.Equal(t, original, plain)
	require.Equal(t, 1, a.Status().Spooled, "kept until it is durable")
	s.ack(r.GetAttempt(), hubv1.ResultAck_DURABLE)
	eventually(t, "the record is dropped", func() bool { return a.Status().Spooled == 0 && len(files(t, a.dir, "spool")) == 0 })
	require.Empty(t, noted(t, a.dir))
	require.NotContains(t, a.log.String(), "hunter2")
}

func files(t *testing.T, dir, sub string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(dir, sub))
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestOffersThatAreRefused(t *testing.T) { // FAILURES 60, 61
	h := newFakeHub(t)
	kind := instant()
	h.start(t.TempDir(), kind, func(c *Config) { c.Policy = Policy{Networks: c.Policy.Networks, Kinds: []string{"fake"}} })
	s := h.stream()
	stranger := pkitest.New(t).Signer(authv1.IssueCertificateRequest_SPEC_SIGNER)
	granter := h.ca.Signer(authv1.IssueCertificateRequest_GRANT_SIGNER)
	sign := func(signer *pki.Signer, spec *jobv1.TaskSpec) *jobv1.SignedSpec {
		signed, err := signer.SignSpec(context.Background(), spec)
		require.NoError(t, err)
		return signed
	}
	changed := sign(h.specs, s.spec())
	changed.Spec = append(changed.Spec, 0x32, 0x00)
	for name, c := range map[string]struct {
		spec   *jobv1.SignedSpec
		page   []byte
		reason string
	}{
		"another authority": {spec: sign(stranger, s.spec()), page: testPage, reason: "BAD_SIGNATURE"},
		"vault's key":       {spec: sign(granter, s.spec()), page: testPage, reason: "BAD_SIGNATURE"},
		"changed":           {spec: changed, page: testPage, reason: "BAD_SIGNATURE"},
		"nothing":           {spec: nil, page: testPage, reason: "BAD_SIGNATURE"},
		"another agent":     {spec: sign(h.specs, s.spec(func(x *jobv1.TaskSpec) { x.AgentId = "other" })), page: testPage, reason: "NOT_FOR_ME"},
		"expired": {
			spec: sign(h.specs, s.spec(func(x *jobv1.TaskSpec) { x.Deadline = timestamppb.New(time.Now().Add(-time.Second)) })),
			page: testPage, reason: "EXPIRED",
		},
		"mutating":     {spec: sign(h.specs, s.spec(func(x *jobv1.TaskSpec) { x.Mutating = true })), page: testPage, reason: "POLICY"},
		"policy":       {spec: sign(h.specs, s.spec(func(x *jobv1.TaskSpec) { x.Kind = "command" })), page: testPage, reason: "POLICY"},
		"no page":      {spec: sign(h.specs, s.spec()), reason: "NEED_PAGE"},
		"another page": {spec: sign(h.specs, s.spec()), page: []byte("name: evil\n"), reason: "PAGE_MISMATCH"},
		"path": {
			spec: sign(h.specs, s.spec(func(x *jobv1.TaskSpec) { x.TaskId = "../../etc/x" })), page: testPage, reason: "BAD_SPEC",
		},
	} {
		s.say(&hubv1.HubMessage{Message: &hubv1.HubMessage_Offer{Offer: &hubv1.Offer{Spec: c.spec, Page: c.page}}})
		got := next(s, reply)
		require.False(t, got.GetAccepted(), name)
		require.Equal(t, c.reason, got.GetReason(), name)
	}
	require.Zero(t, kind.runs.Load())
}

func TestDuplicateOffers(t *testing.T) { // FAILURES 25
	h := newFakeHub(t)
	kind := collects([]byte("x"), false)
	a := h.start(t.TempDir(), kind)
	s := h.stream()
	o := s.offer(s.spec())
	require.True(t, next(s, reply).GetAccepted())
	req := next(s, request)
	again := &hubv1.HubMessage{Message: &hubv1.HubMessage_Offer{Offer: o}}
	s.say(again)
	require.True(t, next(s, reply).GetAccepted(), "in hand: yes again")
	s.grant(req)
	r := next(s, result)
	s.say(again)
	require.True(t, next(s, reply).GetAccepted(), "in the spool: yes again")
	s.ack(r.GetAttempt(), hubv1.ResultAck_DURABLE)
	eventually(t, "dropped", func() bool { return a.Status().Spooled == 0 && a.Status().Sessions == 0 })
	s.say(again)
	require.Equal(t, "ALREADY_DONE", next(s, reply).GetReason())
	require.EqualValues(t, 1, kind.runs.Load())
}

func TestStreamCutMidTask(t *testing.T) { // FAILURES 15
	h := newFakeHub(t)
	kind := collects([]byte("x"), false)
	h.start(t.TempDir(), kind)
	s := h.stream()
	spec := s.spec()
	s.offer(spec)
	next(s, request)
	s.close()
	s = h.stream()
	require.Len(t, s.hello.GetRunning(), 1)
	require.Equal(t, spec.GetTaskId(), s.hello.GetRunning()[0].GetTaskId())
	require.Empty(t, s.hello.GetAborted())
	s.say(&hubv1.HubMessage{Message: &hubv1.HubMessage_ResumeVerdict{ResumeVerdict: &hubv1.ResumeVerdict{
		Attempt: s.hello.GetRunning()[0], Verdict: jobv1.ResumeAgentResponse_CONTINUE,
	}}})
	s.grant(next(s, request))
	r := next(s, result)
	require.True(t, r.GetSucceeded())
	require.NotEmpty(t, r.GetSpec().GetSignature(), "proves the attempt to a hub that never offered it")
	require.EqualValues(t, 1, kind.runs.Load())
}

func TestAbortedByVerdict(t *testing.T) {
	h := newFakeHub(t)
	h.start(t.TempDir(), waits())
	s := h.stream()
	s.offer(s.spec())
	next(s, reply)
	s.close()
	s = h.stream()
	s.say(&hubv1.HubMessage{Message: &hubv1.HubMessage_ResumeVerdict{ResumeVerdict: &hubv1.ResumeVerdict{
		Attempt: s.hello.GetRunning()[0], Verdict: jobv1.ResumeAgentResponse_ABORT,
	}}})
	require.Equal(t, jobv1.Failure_LEASE_LOST, next(s, result).GetFailure().GetClass())
}

func TestCancel(t *testing.T) {
	h := newFakeHub(t)
	h.start(t.TempDir(), waits())
	s := h.stream()
	s.offer(s.spec())
	ref := next(s, reply).GetAttempt()
	s.say(&hubv1.HubMessage{Message: &hubv1.HubMessage_Cancel{Cancel: &hubv1.Cancel{Attempt: ref, Reason: "CANCELLED"}}})
	require.Equal(t, jobv1.Failure_CANCELLED, next(s, result).GetFailure().GetClass())
}

func TestRestartWithSpool(t *testing.T) { // FAILURES 5, 6
	h := newFakeHub(t)
	dir := t.TempDir()
	a := h.start(dir, collects([]byte("x"), false))
	s := h.stream()
	s.offer(s.spec())
	s.grant(next(s, request))
	first := next(s, result) // sent, and the ack is lost
	s.close()
	a.stop()
	require.Len(t, files(t, dir, "spool"), 1)

	b := h.start(dir, instant())
	var s2 *fakeStream
	for s2 = h.stream(); s2.hello.GetBootId() == s.hello.GetBootId(); s2 = h.stream() { // the first life may have reconnected once
	}
	require.Len(t, s2.hello.GetSpooled(), 1)
	require.Empty(t, s2.hello.GetAborted())
	r := next(s2, result)
	require.Equal(t, first.GetAttempt().GetTaskId(), r.GetAttempt().GetTaskId())
	require.Equal(t, first.GetArtifacts()[0].GetSealed(), r.GetArtifacts()[0].GetSealed(), "the same bytes")
	s2.ack(r.GetAttempt(), hubv1.ResultAck_DURABLE)
	eventually(t, "dropped", func() bool { return b.Status().Spooled == 0 })
}

func TestRestartReportsAborted(t *testing.T) { // FAILURES 2, 3
	h := newFakeHub(t)
	dir := t.TempDir()
	a, err := New(h.config(dir), Deps{Kinds: instant().lookup})
	require.NoError(t, err)
	x := attempt{task: "0197f000-0000-7000-8000-000000000001", fence: 9}
	require.NoError(t, a.journal.begin(x)) // then the program was killed
	h.start(dir, instant())
	s := h.stream()
	require.Len(t, s.hello.GetAborted(), 1)
	require.Equal(t, x.task, s.hello.GetAborted()[0].GetTaskId())
	s.close()
	s = h.stream()
	require.Empty(t, s.hello.GetAborted(), "reported once")
	require.Empty(t, noted(t, dir))
}

func TestOneAgentPerDirectory(t *testing.T) {
	h := newFakeHub(t)
	dir := t.TempDir()
	first := h.start(dir, instant())
	h.stream()
	second, err := New(h.config(dir), Deps{Kinds: instant().lookup})
	require.NoError(t, err)
	err = second.Run(t.Context())
	require.ErrorContains(t, err, "another agent")
	require.ErrorContains(t, err, strconv.Itoa(os.Getpid()))
	require.Eventually(t, first.Ready, 10*time.Second, 10*time.Millisecond, "undisturbed")
	first.stop()
	h.start(dir, instant())
	h.stream()
}

func TestNeedContent(t *testing.T) {
	h := newFakeHub(t)
	h.start(t.TempDir(), collects([]byte("config"), true))
	s := h.stream()
	s.offer(s.spec())
	s.grant(next(s, request))
	r := next(s, result)
	require.True(t, r.GetArtifacts()[0].GetUnchanged())
	require.Empty(t, r.GetArtifacts()[0].GetSealed())
	s.ack(r.GetAttempt(), hubv1.ResultAck_NEED_CONTENT, "running.cfg")
	r = next(s, result)
	require.False(t, r.GetArtifacts()[0].GetUnchanged())
	require.NotEmpty(t, r.GetArtifacts()[0].GetSealed())
	s.ack(r.GetAttempt(), hubv1.ResultAck_RETRY_LATER)
	require.NotEmpty(t, next(s, result).GetArtifacts()[0].GetSealed(), "still in full")
}

func TestRejectedResultIsKeptApart(t *testing.T) { // FAILURES 31
	h := newFakeHub(t)
	a := h.start(t.TempDir(), instant())
	s := h.stream()
	s.offer(s.spec())
	s.ack(next(s, result).GetAttempt(), hubv1.ResultAck_REJECT)
	s.offer(s.spec())
	s.ack(next(s, result).GetAttempt(), hubv1.ResultAck_DURABLE)
	eventually(t, "the next one flows", func() bool { return a.Status().Spooled == 0 })
	require.Len(t, files(t, a.dir, "spool/"+quarantineDir), 1)
}

func TestLargeResultIsUploaded(t *testing.T) { // FAILURES 30
	h := newFakeHub(t)
	h.welcome.ResultLimit = 900 << 10
	tooLarge := make(chan struct{}, 2)
	tooLarge <- struct{}{}
	h.onUp = func(r *hubv1.Result) (*hubv1.ResultAck, error) {
		select {
		case <-tooLarge:
			return nil, errs.New(codes.ResourceExhausted, "TOO_LARGE", "too large")
		default:
			return &hubv1.ResultAck{Attempt: r.GetAttempt(), Outcome: hubv1.ResultAck_DURABLE}, nil
		}
	}
	a := h.start(t.TempDir(), collects(randomBytes(400<<10), false))
	s := h.stream()
	s.offer(s.spec())
	s.grant(next(s, request))
	<-h.uploads
	require.Equal(t, jobv1.Failure_OUTPUT_LIMIT, next(s, result).GetFailure().GetClass(), "what no hub takes ends as a failure")
	s.offer(s.spec())
	s.grant(next(s, request))
	require.Len(t, (<-h.uploads).GetArtifacts(), 1)
	eventually(t, "only the failure waits", func() bool { return a.Status().Spooled == 1 })
}

func TestDeviceThatMayNotBeTouched(t *testing.T) {
	h := newFakeHub(t)
	kind := &fakeKind{work: func(ctx context.Context, env jobkind.Env) jobkind.Outcome {
		_, err := env.Dial(ctx, "tcp", "127.0.0.1:1")
		return jobkind.Outcome{Failure: &jobv1.Failure{Class: jobv1.Failure_POLICY, Hint: err.Error()}}
	}}
	h.start(t.TempDir(), kind, func(c *Config) { c.Policy = Policy{} })
	s := h.stream()
	s.offer(s.spec())
	require.Contains(t, next(s, result).GetFailure().GetHint(), "policy does not allow")
}

func TestGrantThatIsNotVaults(t *testing.T) { // FAILURES 60
	h := newFakeHub(t)
	h.start(t.TempDir(), collects([]byte("x"), false))
	s := h.stream()
	h.grants = h.specs // job's key is not vault's
	s.offer(s.spec())
	s.grant(next(s, request))
	require.Contains(t, next(s, result).GetFailure().GetHint(), "not vault's")
}

func TestRefusedGrantThatMayBeHadLater(t *testing.T) { // FAILURES 85
	h := newFakeHub(t)
	kind := &fakeKind{work: func(ctx context.Context, env jobkind.Env) jobkind.Outcome {
		_, err := env.Credentials(ctx)
		if wait, ok := errors.AsType[*jobkind.WaitError](err); ok {
			return jobkind.Outcome{Failure: &jobv1.Failure{Class: jobv1.Failure_BUSY, Hint: wait.Why}}
		}
		return jobkind.Outcome{Failure: &jobv1.Failure{Class: jobv1.Failure_NO_CREDENTIAL, Hint: err.Error()}}
	}}
	h.start(t.TempDir(), kind)
	s := h.stream()
	for reason, class := range map[string]jobv1.Failure_Class{
		"CREDENTIAL_IN_PROBATION": jobv1.Failure_BUSY, "SERVICE_UNAVAILABLE": jobv1.Failure_BUSY, "KEY_UNAVAILABLE": jobv1.Failure_BUSY,
		"GRANT_EXPIRED": jobv1.Failure_NO_CREDENTIAL, "SPEC_NOT_FOR_AGENT": jobv1.Failure_NO_CREDENTIAL,
	} {
		s.offer(s.spec())
		s.say(&hubv1.HubMessage{Message: &hubv1.HubMessage_CredentialGrant{CredentialGrant: &hubv1.CredentialGrant{
			Attempt: next(s, request).GetAttempt(), Refused: reason,
		}}})
		require.Equal(t, class, next(s, result).GetFailure().GetClass())
	}
}

func TestPanicIsAFailureOfOneAttempt(t *testing.T) {
	h := newFakeHub(t)
	h.start(t.TempDir(), &fakeKind{work: func(context.Context, jobkind.Env) jobkind.Outcome { panic("boom") }})
	s := h.stream()
	s.offer(s.spec())
	require.Equal(t, jobv1.Failure_INTERNAL, next(s, result).GetFailure().GetClass())
	s.offer(s.spec())
	require.True(t, next(s, reply).GetAccepted())
}

func TestCapacityIsKept(t *testing.T) {
	h := newFakeHub(t)
	h.start(t.TempDir(), waits(), func(c *Config) { c.MaxSessions = 1 })
	s := h.stream()
	s.offer(s.spec())
	require.True(t, next(s, reply).GetAccepted())
	s.offer(s.spec())
	require.Equal(t, "BUSY", next(s, reply).GetReason())
}

func TestCertificateIsRenewedAtHalfLife(t *testing.T) {
	h := newFakeHub(t)
	// Certificates are backdated by a minute: half of this one's life is over when it is issued.
	h.ca.Life, h.ca.RenewedLife = 30*time.Second, time.Hour
	a := h.start(t.TempDir(), instant())
	before, after := h.stream(), h.stream()
	require.Equal(t, before.agent.AgentID, after.agent.AgentID)
	require.True(t, a.identity.renewAt().After(time.Now().Add(time.Minute)))
}

func TestSilentHubIsLeft(t *testing.T) { // FAILURES 18: no heartbeat is acknowledged
	h := newFakeHub(t)
	h.silent = true
	a := h.start(t.TempDir(), instant())
	h.stream()
	h.stream()
	require.Contains(t, a.log.String(), errSilent.Error())
}

func TestDrainLetsWorkEnd(t *testing.T) {
	h := newFakeHub(t)
	release := make(chan struct{})
	a := h.start(t.TempDir(), &fakeKind{work: func(context.Context, jobkind.Env) jobkind.Outcome {
		<-release
		return jobkind.Outcome{Failure: &jobv1.Failure{Class: jobv1.Failure_TIMEOUT}}
	}})
	s := h.stream()
	s.offer(s.spec())
	next(s, reply)
	stopped := make(chan struct{})
	go func() { a.stop(); close(stopped) }()
	next(s, func(m *hubv1.AgentMessage) *hubv1.Capacity {
		if c := m.GetCapacity(); c.GetReason() == "DRAINING" && c.GetMaxSessions() == 0 {
			return c
		}
		return nil
	})
	s.offer(s.spec())
	require.Equal(t, "DRAINING", next(s, reply).GetReason())
	close(release)
	s.ack(next(s, result).GetAttempt(), hubv1.ResultAck_DURABLE)
	<-stopped
	require.Zero(t, a.Status().Spooled)
}

func TestSecondJoinWithTheSameKeys(t *testing.T) { // FAILURES 51, 52, 97
	h := newFakeHub(t)
	dir := t.TempDir()
	cfg := h.config(dir)
	text, err := cfg.Join(context.Background())
	require.NoError(t, err)
	a := h.start(dir, instant(), func(c *Config) { c.Join = func(context.Context) (string, error) { return text, nil } })
	id := h.stream().agent.AgentID
	a.stop()
	require.NoError(t, os.Remove(filepath.Join(dir, certFile))) // the answer was lost
	b := h.start(dir, instant(), func(c *Config) { c.Join = func(context.Context) (string, error) { return text, nil } })
	require.Equal(t, id, h.stream().agent.AgentID)
	b.stop()
	other, err := New(func() Config {
		c := h.config(t.TempDir())
		c.Join = func(context.Context) (string, error) { return text, nil }
		return c
	}(), Deps{})
	require.NoError(t, err)
	err = other.Run(context.Background())
	require.Equal(t, "JOIN_TOKEN_INVALID", errs.Reason(err))
	for _, out := range []string{a.log.String(), b.log.String(), err.Error()} {
		require.NotContains(t, out, strings.TrimPrefix(text, "nrj1."))
	}
}

func TestJoinChecksThePin(t *testing.T) { // FAILURES 91
	h := newFakeHub(t)
	other := pkitest.New(t)
	cfg := h.config(t.TempDir())
	a, err := New(cfg, Deps{})
	require.NoError(t, err)
	conn, err := a.dial(pinned(pki.Pin(other.Root), time.Now))
	require.NoError(t, err)
	defer func() { _ = conn.Close() }()
	_, err = hubv1.NewLinkServiceClient(conn).Enroll(context.Background(), &hubv1.EnrollRequest{})
	require.ErrorContains(t, err, "not the one the join token names")
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return b
}
