package job

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	jobsql "github.com/netraven/netraven/gen/sqlc/job"
)

// removeBatch is how many tasks of an old run one transaction removes.
const removeBatch = 1000

// removeOld removes one batch of the oldest run that ended before a moment. Replicas may do it at the same time.
func (s *store) removeOld(ctx context.Context, before time.Time) (more bool, err error) {
	run, err := s.q.OldRun(ctx, jobsql.OldRunParams{Before: utc(before), BeforeID: firstID(before)})
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, sqlError(err)
	}
	err = s.tx(ctx, func(q *jobsql.Queries) error {
		n, err := q.RemoveTasks(ctx, jobsql.RemoveTasksParams{RunID: run, Batch: removeBatch})
		if err != nil || n == removeBatch {
			return err
		}
		return q.RemoveRun(ctx, run)
	})
	return err == nil, err
}

// firstID is the lowest UUIDv7 of a moment.
func firstID(at time.Time) (id uuid.UUID) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(max(at.UnixMilli(), 0))<<16) //nolint:gosec // not negative
	copy(id[:6], b[:6])
	return id
}

func (s *store) countOld(ctx context.Context, before time.Time) (jobsql.CountOldRunsRow, error) {
	row, err := s.q.CountOldRuns(ctx, jobsql.CountOldRunsParams{Before: utc(before), BeforeID: firstID(before)})
	return row, sqlError(err)
}
