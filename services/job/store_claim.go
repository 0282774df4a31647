package job

import (
	"context"
	"math"
	"time"

	"github.com/google/uuid"

	jobsql "github.com/netraven/netraven/gen/sqlc/job"
)

// claimRequest is one try to take work for an agent.
type claimRequest struct {
	agent, gateway  uuid.UUID
	max             int
	maxSessions     int
	loginsPerSecond int
	now             time.Time
	budget          time.Duration
}

// claimed is what one try came to.
type claimed struct {
	rows []jobsql.ClaimReadyRow
	// again is when another try may find more, if that is known.
	again time.Time
}

// claim takes ready tasks within the caps, in one short transaction.
func (s *store) claim(ctx context.Context, r claimRequest) (claimed, error) {
	now := utc(r.now)
	rate := float64(r.loginsPerSecond)
	found, err := s.q.HasWork(ctx, jobsql.HasWorkParams{GatewayID: r.gateway, Now: now})
	if err != nil {
		return claimed{}, sqlError(err)
	}
	if !found || r.max <= 0 {
		return claimed{}, sqlError(s.q.GatewayAsked(ctx, jobsql.GatewayAskedParams{GatewayID: r.gateway, Rate: rate, Now: now}))
	}
	var got claimed
	err = s.tx(ctx, func(q *jobsql.Queries) error {
		got = claimed{}
		if err := q.FreeHeld(ctx, now); err != nil {
			return err
		}
		tokens, err := q.LockGateway(ctx, jobsql.LockGatewayParams{GatewayID: r.gateway, Rate: rate, Now: now})
		if err != nil {
			return err
		}
		sessions, err := q.CountSessions(ctx, r.agent)
		if err != nil {
			return err
		}
		if tokens < 1 {
			got.again = now.Add(time.Duration((1 - tokens) / rate * float64(time.Second)))
		}
		n := min(r.max, r.maxSessions-int(sessions), int(math.Floor(tokens+1e-9)))
		if n <= 0 {
			return nil
		}
		got.rows, err = q.ClaimReady(ctx, jobsql.ClaimReadyParams{
			AgentID: &r.agent, GatewayID: r.gateway, Max: int32(n), Now: now,
			LeaseUntil: now.Add(offerWindow), Deadline: now.Add(r.budget),
		})
		return err
	})
	return got, err
}

// refund gives login tokens back that claims did not use.
func (s *store) refund(ctx context.Context, gateway uuid.UUID, n int) error {
	return sqlError(s.q.RefundTokens(ctx, jobsql.RefundTokensParams{GatewayID: gateway, Claimed: int32(n)}))
}

// cancelledAttempts answers which of the held attempts are to stop.
func (s *store) cancelledAttempts(ctx context.Context, agent uuid.UUID, tasks []uuid.UUID, fences []int64) ([]jobsql.CancelledAttemptsRow, error) {
	if len(tasks) == 0 {
		return nil, nil
	}
	rows, err := s.q.CancelledAttempts(ctx, jobsql.CancelledAttemptsParams{TaskIds: tasks, Fences: fences, AgentID: &agent})
	return rows, sqlError(err)
}
