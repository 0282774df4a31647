package job

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	jobsql "github.com/netraven/netraven/gen/sqlc/job"
	"github.com/netraven/netraven/internal/page"
)

// removeBatch is how many tasks of an old run one transaction removes.
const removeBatch = 1000

// removeOld removes one batch of the oldest run that ended before a moment. Replicas may do it at the same time.
func (s *store) removeOld(ctx context.Context, before time.Time) (more bool, err error) {
	run, err := s.q.OldRun(ctx, jobsql.OldRunParams{Before: utc(before), BeforeID: page.FirstID(before)})
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

func (s *store) countOld(ctx context.Context, before time.Time) (jobsql.CountOldRunsRow, error) {
	row, err := s.q.CountOldRuns(ctx, jobsql.CountOldRunsParams{Before: utc(before), BeforeID: page.FirstID(before)})
	return row, sqlError(err)
}
