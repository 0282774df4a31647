package job

import (
	"context"
	"time"

	"github.com/google/uuid"

	jobsql "github.com/netraven/netraven/gen/sqlc/job"
)

func (s *store) lateSlots(ctx context.Context, now time.Time) ([]uuid.UUID, error) {
	if err := s.q.DropSlots(ctx, utc(now)); err != nil {
		return nil, sqlError(err)
	}
	ids, err := s.q.LateSlots(ctx, utc(now))
	return ids, sqlError(err)
}

func (b *batch) loseParams(ids []uuid.UUID) jobsql.LoseSlotsParams {
	return jobsql.LoseSlotsParams{TaskIds: ids, Now: b.now}
}

func (s *store) dueTasks(ctx context.Context, now time.Time) ([]uuid.UUID, error) {
	ids, err := s.q.PickDue(ctx, utc(now))
	return ids, sqlError(err)
}

func (s *store) unattended(ctx context.Context, now time.Time) ([]uuid.UUID, error) {
	ids, err := s.q.Unattended(ctx, utc(now).Add(-noAgentAfter))
	return ids, sqlError(err)
}

func (s *store) cancelledRuns(ctx context.Context) ([]uuid.UUID, error) {
	ids, err := s.q.CancelledRuns(ctx)
	return ids, sqlError(err)
}

// cancelWaiting cancels up to n waiting tasks of a cancelled run and answers how many.
func (s *store) cancelWaiting(ctx context.Context, run uuid.UUID, now time.Time, n int32) (int64, error) {
	var done int64
	err := s.tx(ctx, func(q *jobsql.Queries) (err error) {
		done, err = q.CancelWaiting(ctx, jobsql.CancelWaitingParams{RunID: run, Now: utc(now), Batch: n})
		return err
	})
	return done, err
}

func (s *store) offeredTasks(ctx context.Context, run uuid.UUID, n int32) ([]uuid.UUID, error) {
	ids, err := s.q.PickOffered(ctx, jobsql.PickOfferedParams{RunID: run, Batch: n})
	return ids, sqlError(err)
}

func (s *store) forget(ctx context.Context, now time.Time) error {
	return sqlError(s.q.ForgetRequests(ctx, utc(now)))
}

// runGateways answers the bells of the gateways where attempts of a run are held.
func (s *store) runGateways(ctx context.Context, run uuid.UUID) ([]string, error) {
	ids, err := s.q.RunGateways(ctx, run)
	return gatewayKeys(ids), sqlError(err)
}

// waitingInVain answers tasks after one, by id, at gateways that no agent has asked for in the last half minute.
func (s *store) waitingInVain(ctx context.Context, after uuid.UUID, now time.Time, n int32) ([]jobsql.WaitingInVainRow, error) {
	rows, err := s.q.WaitingInVain(ctx, jobsql.WaitingInVainParams{After: after, Since: utc(now).Add(-30 * time.Second), Batch: n})
	return rows, sqlError(err)
}
