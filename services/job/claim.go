package job

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
)

const (
	maxClaim  = 1000
	maxHeld   = 10_000
	maxWait   = 30 * time.Second
	pollEvery = time.Second
	// pollLeast keeps a gateway at its login cap from asking for every single token.
	pollLeast = 20 * time.Millisecond
)

// claimer is one ClaimTasks call.
type claimer struct {
	agent, gateway uuid.UUID
	max            int
	heldTasks      []uuid.UUID
	heldFences     []int64
}

// ClaimTasks takes work for an agent; see the contract.
func (s *Service) ClaimTasks(ctx context.Context, req *jobv1.ClaimTasksRequest) (*jobv1.ClaimTasksResponse, error) {
	c, err := readClaim(req)
	if err != nil {
		return nil, err
	}
	until := time.Now().Add(min(time.Duration(max(req.GetWaitMs(), 0))*time.Millisecond, maxWait))
	bell, done := s.bells.listen(gatewayKey(c.gateway.String()))
	defer done()
	for {
		resp, again, err := s.claimOnce(ctx, c)
		if err != nil || len(resp.GetClaims()) > 0 || len(resp.GetCancelled()) > 0 {
			return resp, err
		}
		left := time.Until(until)
		if left <= 0 {
			return resp, nil
		}
		pause := min(left, pollEvery)
		if !again.IsZero() {
			pause = min(pause, max(again.Sub(s.now()), pollLeast))
		}
		if !s.sleepServing(ctx, bell, pause) {
			return resp, ctx.Err()
		}
	}
}

func readClaim(req *jobv1.ClaimTasksRequest) (*claimer, error) {
	agent, err := fieldID("agent_id", req.GetAgentId())
	if err != nil {
		return nil, err
	}
	gateway, err := fieldID("gateway_id", req.GetGatewayId())
	if err != nil {
		return nil, err
	}
	if req.GetMax() < 0 || len(req.GetHeld()) > maxHeld {
		return nil, errs.Invalid("max", "OUT_OF_RANGE", "must be 0 or more, with at most 10000 attempts held")
	}
	c := &claimer{agent: agent, gateway: gateway, max: min(int(req.GetMax()), maxClaim)}
	c.heldTasks, c.heldFences, err = readRefs("held", req.GetHeld())
	return c, err
}

// claimOnce looks for cancellations and for work, once.
func (s *Service) claimOnce(ctx context.Context, c *claimer) (*jobv1.ClaimTasksResponse, time.Time, error) {
	resp := &jobv1.ClaimTasksResponse{}
	stop, err := s.store.cancelledAttempts(ctx, c.agent, c.heldTasks, c.heldFences)
	if err != nil {
		return nil, time.Time{}, err
	}
	for _, row := range stop {
		resp.Cancelled = append(resp.Cancelled, &jobv1.AttemptRef{TaskId: row.ID.String(), Fence: row.Fence})
	}
	if c.max == 0 {
		return resp, time.Time{}, nil
	}
	maxSessions, logins, err := s.caps.of(ctx, c.gateway.String())
	if err != nil {
		return nil, time.Time{}, err
	}
	got, err := s.store.claim(ctx, claimRequest{
		agent: c.agent, gateway: c.gateway, max: c.max, maxSessions: maxSessions, loginsPerSecond: logins,
		now: s.now(), budget: s.config.SessionBudget,
	})
	if err != nil || len(got.rows) == 0 {
		return resp, got.again, err
	}
	resp.Claims, err = s.offer(ctx, c, got.rows)
	if err != nil && len(resp.Cancelled) > 0 { // what was claimed goes back; the cancellations are worth more than the error
		err = nil
	}
	return resp, s.now(), err
}

// sleepServing waits for the bell or as long as said. False: the call or the service ends.
func (s *Service) sleepServing(ctx context.Context, bell <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-s.stopped.Done():
		return false
	case <-bell:
	case <-timer.C:
	}
	return true
}

// readRefs unpacks attempts into parallel slices.
func readRefs(field string, refs []*jobv1.AttemptRef) ([]uuid.UUID, []int64, error) {
	tasks := make([]uuid.UUID, 0, len(refs))
	fences := make([]int64, 0, len(refs))
	for _, ref := range refs {
		id, err := uuid.Parse(ref.GetTaskId())
		if err != nil {
			return nil, nil, errs.New(codes.InvalidArgument, "FIELD_INVALID", "%s: %q is not a task's id", field, ref.GetTaskId()).
				Field(field, "NOT_AN_ID", "must name tasks by id")
		}
		tasks = append(tasks, id)
		fences = append(fences, ref.GetFence())
	}
	return tasks, fences, nil
}
