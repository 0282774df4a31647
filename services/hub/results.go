package hub

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/errs"
)

// results carries results to the neighbours, those of all streams together.
type results struct {
	store   *batch[*gitstorev1.StoreResultsRequest_Item, *gitstorev1.StoreResultsResponse_Item]
	finish  *batch[finish, *jobv1.FinishAttemptsResponse_Item]
	observe *batch[*inventoryv1.ReportObservationsRequest_Item, struct{}]
	use     *batch[*vaultv1.ReportUseRequest_Item, struct{}]
	log     *slog.Logger
	now     func() time.Time
}

// finish is an ended attempt and whose it was.
type finish struct {
	agentID string
	item    *jobv1.FinishAttemptsRequest_Item
}

// settlement is one result on its way.
type settlement struct {
	agentID string
	spec    *jobv1.TaskSpec
	result  *hubv1.Result
}

const (
	storeBytes = 8 << 20
	storeItems = 200
	// A device's place among the sessions of its gateway is taken until its result is settled, so these delays cost sessions. What comes out of one call to the store comes
	// together, so the calls after it need hardly wait.
	storeDelay = 30 * time.Millisecond
	smallItems = 500
	smallDelay = 5 * time.Millisecond
)

func newResults(d Deps) *results {
	return &results{
		log: d.Log, now: d.Now,
		store: &batch[*gitstorev1.StoreResultsRequest_Item, *gitstorev1.StoreResultsResponse_Item]{
			items: storeItems, bytes: storeBytes, delay: storeDelay, calls: make(chan struct{}, 2),
			size: func(i *gitstorev1.StoreResultsRequest_Item) int { return proto.Size(i) },
			call: func(ctx context.Context, items []*gitstorev1.StoreResultsRequest_Item) ([]*gitstorev1.StoreResultsResponse_Item, error) {
				resp, err := d.Store.StoreResults(ctx, &gitstorev1.StoreResultsRequest{Items: items})
				return resp.GetItems(), err
			},
		},
		finish: &batch[finish, *jobv1.FinishAttemptsResponse_Item]{
			items: smallItems, bytes: storeBytes, delay: smallDelay, calls: make(chan struct{}, 2),
			size: func(f finish) int { return proto.Size(f.item) },
			call: func(ctx context.Context, items []finish) ([]*jobv1.FinishAttemptsResponse_Item, error) {
				return finishAll(ctx, d.Dispatch, items)
			},
		},
		observe: &batch[*inventoryv1.ReportObservationsRequest_Item, struct{}]{
			items: smallItems, delay: smallDelay, calls: make(chan struct{}, 2),
			call: func(ctx context.Context, items []*inventoryv1.ReportObservationsRequest_Item) ([]struct{}, error) {
				_, err := d.Targets.ReportObservations(ctx, &inventoryv1.ReportObservationsRequest{Items: items})
				return make([]struct{}, len(items)), err
			},
		},
		use: &batch[*vaultv1.ReportUseRequest_Item, struct{}]{
			items: smallItems, delay: smallDelay, calls: make(chan struct{}, 2),
			call: func(ctx context.Context, items []*vaultv1.ReportUseRequest_Item) ([]struct{}, error) {
				_, err := d.Grants.ReportUse(ctx, &vaultv1.ReportUseRequest{Items: items})
				return make([]struct{}, len(items)), err
			},
		},
	}
}

// finishAll finishes attempts of several agents; job takes those of one at a time.
func finishAll(ctx context.Context, dispatch jobv1.DispatchServiceClient, items []finish) ([]*jobv1.FinishAttemptsResponse_Item, error) {
	byAgent := map[string][]int{}
	for i, f := range items {
		byAgent[f.agentID] = append(byAgent[f.agentID], i)
	}
	out := make([]*jobv1.FinishAttemptsResponse_Item, len(items))
	for agentID, at := range byAgent {
		req := &jobv1.FinishAttemptsRequest{AgentId: agentID}
		for _, i := range at {
			req.Items = append(req.Items, items[i].item)
		}
		resp, err := dispatch.FinishAttempts(ctx, req)
		if err != nil {
			return nil, err
		}
		if len(resp.GetItems()) != len(at) {
			return nil, errors.New("job did not answer every attempt")
		}
		for k, i := range at {
			out[i] = resp.GetItems()[k]
		}
	}
	return out, nil
}

// settle stores, reports and finishes one result, in this order, and answers the ack. Every step is idempotent by (task, fence).
func (s *results) settle(ctx context.Context, x *settlement) *hubv1.ResultAck {
	ref := x.result.GetAttempt()
	fin := &jobv1.FinishAttemptsRequest_Item{
		Attempt: ref, Succeeded: x.result.GetSucceeded(), Failure: x.result.GetFailure(), FinishedAt: x.result.GetFinishedAt(),
		Result: x.result.GetFound(), Transcript: x.result.GetTranscript(),
	}
	ack := &hubv1.ResultAck{Attempt: ref, Outcome: hubv1.ResultAck_DURABLE}
	if x.result.GetSucceeded() && len(x.result.GetArtifacts()) > 0 {
		stored, err := s.store.do(ctx, x.storeItem(s.now()))
		if err != nil && !refused(err) {
			return s.later(ref, err)
		}
		if err != nil {
			stored = rejected(err)
		}
		if ack = storeAck(ref, stored, fin); ack.GetOutcome() != hubv1.ResultAck_DURABLE && ack.GetOutcome() != hubv1.ResultAck_REJECT {
			return ack
		}
	}
	// Who sees the task ended finds what it was told of the device; a neighbour that is away does not keep the task from its end.
	reported := s.report(ctx, x, fin.GetSucceeded())
	if _, err := s.finish.do(ctx, finish{agentID: x.agentID, item: fin}); err != nil {
		return s.later(ref, err)
	}
	if reported != nil {
		return s.later(ref, reported)
	}
	return ack
}

// storeAck turns the store's answer into the ack, and into how the attempt ends where the store refused it for good.
func storeAck(ref *jobv1.AttemptRef, stored *gitstorev1.StoreResultsResponse_Item, fin *jobv1.FinishAttemptsRequest_Item) *hubv1.ResultAck {
	switch stored.GetOutcome() {
	case gitstorev1.StoreResultsResponse_Item_DURABLE:
		fin.Changed = stored.GetChanged()
		if x := stored.GetSuspect(); x != nil {
			fin.Succeeded, fin.Failure = false, suspectFailure(x)
		}
		return &hubv1.ResultAck{Attempt: ref, Outcome: hubv1.ResultAck_DURABLE}
	case gitstorev1.StoreResultsResponse_Item_NEED_CONTENT:
		return &hubv1.ResultAck{Attempt: ref, Outcome: hubv1.ResultAck_NEED_CONTENT, Artifacts: stored.GetArtifacts(), Reason: stored.GetReason()}
	case gitstorev1.StoreResultsResponse_Item_REJECTED:
		fin.Succeeded = false
		fin.Failure = &jobv1.Failure{Class: jobv1.Failure_STORE, Stage: "store", Hint: "the store refused what was collected: " + stored.GetReason()}
		return &hubv1.ResultAck{Attempt: ref, Outcome: hubv1.ResultAck_REJECT, Reason: stored.GetReason()}
	default:
		return retryAck(ref, stored.GetReason(), retryLater)
	}
}

// suspectFailure says what was kept apart, and what a person can do about it.
func suspectFailure(x *gitstorev1.Suspect) *jobv1.Failure {
	return &jobv1.Failure{Class: jobv1.Failure_SUSPECT, Stage: "store", Hint: fmt.Sprintf("%s has %d lines (%d bytes); the last accepted revision has %d (%d bytes). "+
		"It is kept apart and the history is as it was. Look at what is missing with: netraven config diff %s. If the device is right: netraven config accept %s "+
		"(POST /api/v1/revisions/%s:accept). A backup of the whole takes its place.",
		x.GetArtifact(), x.GetLinesNow(), x.GetSizeNow(), x.GetLinesBefore(), x.GetSizeBefore(), x.GetRevisionId(), x.GetRevisionId(), x.GetRevisionId())}
}

func (s *results) later(ref *jobv1.AttemptRef, err error) *hubv1.ResultAck {
	after := retrySoon
	if !away(err) {
		after = retryLater
	}
	s.log.Warn("a result is not settled yet", "task", ref.GetTaskId(), "err", err)
	return retryAck(ref, "NEIGHBOUR_AWAY", after)
}

func (x *settlement) storeItem(now time.Time) *gitstorev1.StoreResultsRequest_Item {
	return &gitstorev1.StoreResultsRequest_Item{
		RunId: x.spec.GetRunId(), TaskId: x.spec.GetTaskId(), Fence: x.spec.GetFence(), DeviceId: x.spec.GetDeviceId(),
		DeviceName: x.spec.GetDeviceName(), SiteName: x.spec.GetSiteName(), PageDigest: x.spec.GetPageDigest(),
		Repository: x.spec.GetRepository(), Trigger: x.spec.GetTrigger(), CollectedAt: observedAt(x.result, now), Artifacts: x.result.GetArtifacts(),
	}
}

func rejected(err error) *gitstorev1.StoreResultsResponse_Item {
	return &gitstorev1.StoreResultsResponse_Item{Outcome: gitstorev1.StoreResultsResponse_Item_REJECTED, Reason: errs.Reason(err)}
}

// report tells inventory what was seen and vault what worked; stored says that what was collected counts. What one of them refuses for good is logged: it must not hold up a result
// that is stored already.
func (s *results) report(ctx context.Context, x *settlement, stored bool) error {
	used := make(chan error, 1)
	go func() { used <- s.reportUse(ctx, x) }()
	_, err := s.observe.do(ctx, x.observation(s.now(), stored))
	return errors.Join(s.tolerate(err, x), s.tolerate(<-used, x), s.reportJump(ctx, x))
}

func (s *results) tolerate(err error, x *settlement) error {
	if err == nil || !refused(err) {
		return err
	}
	s.log.Error("an observation is refused", "task", x.spec.GetTaskId(), "device", x.spec.GetDeviceId(), "err", err)
	return nil
}

func (s *results) reportUse(ctx context.Context, x *settlement) error {
	if len(x.spec.GetCredentialIds()) == 0 {
		return nil
	}
	_, err := s.use.do(ctx, &vaultv1.ReportUseRequest_Item{
		TaskId: x.spec.GetTaskId(), Fence: x.spec.GetFence(), DeviceId: x.spec.GetDeviceId(), Outcomes: x.result.GetOutcomes(),
	})
	return err
}

// release frees the credentials of an attempt that never began.
func (s *results) release(a attempt, spec *jobv1.TaskSpec) {
	if len(spec.GetCredentialIds()) == 0 {
		return
	}
	go func() {
		_, err := s.use.do(context.Background(), &vaultv1.ReportUseRequest_Item{TaskId: a.task, Fence: a.fence, DeviceId: spec.GetDeviceId()})
		if jump := jumpOf(spec); jump != nil && err == nil {
			_, err = s.use.do(context.Background(), &vaultv1.ReportUseRequest_Item{TaskId: jump.GetTaskId(), Fence: a.fence, DeviceId: jump.GetDeviceId()})
		}
		if err != nil {
			s.log.Warn("credentials stay reserved until their deadline", "task", a.task, "err", err)
		}
	}()
}

// observedAt is when an agent says that it was: its clock must not date the future, nor say what is no time.
func observedAt(r *hubv1.Result, now time.Time) *timestamppb.Timestamp {
	if !r.GetFinishedAt().IsValid() || r.GetFinishedAt().AsTime().After(now) {
		return timestamppb.New(now)
	}
	return r.GetFinishedAt()
}

func (x *settlement) observation(now time.Time, stored bool) *inventoryv1.ReportObservationsRequest_Item {
	r := x.result
	item := &inventoryv1.ReportObservationsRequest_Item{
		DeviceId: x.spec.GetDeviceId(), ObservedAt: observedAt(r, now), Facts: r.GetFacts(), Seen: r.GetSucceeded(),
		HostKey: r.GetHostKey(), HostKeyPinned: r.GetHostKeyPinned() && (x.spec.GetTrustFirstKey() || x.spec.GetNewHostKeyUntil() != nil),
	}
	for _, o := range r.GetOutcomes() {
		item.Seen = item.Seen || o.GetResult() == jobv1.CredentialOutcome_WORKED
	}
	for _, a := range r.GetArtifacts() {
		item.BackedUp = item.BackedUp || (stored && a.GetMain())
	}
	return item
}
