package job

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	jobsql "github.com/netraven/netraven/gen/sqlc/job"
)

// counts is what tasks add to their run.
type counts struct{ running, succeeded, changed, failed, expired, cancelled, skipped int32 }

// add counts a task in a state n times.
func (c *counts) add(state string, changed bool, n int32) {
	switch state {
	case leased, running:
		c.running += n
	case succeeded:
		c.succeeded += n
		if changed {
			c.changed += n
		}
	case failed, indeterminate:
		c.failed += n
	case expired:
		c.expired += n
	case cancelled:
		c.cancelled += n
	case skipped:
		c.skipped += n
	}
}

// writeCounts adds one delta for each run that the batch changed, and answers the runs' bells.
func (b *batch) writeCounts(ctx context.Context) ([]string, error) {
	deltas := map[uuid.UUID]*counts{}
	touched := map[uuid.UUID]bool{}
	for _, c := range b.tasks {
		if c.was.State == c.now.State {
			continue
		}
		touched[c.now.RunID] = true
		d := deltas[c.now.RunID]
		if d == nil {
			d = &counts{}
			deltas[c.now.RunID] = d
		}
		d.add(c.was.State, c.was.Changed, -1)
		d.add(c.now.State, c.now.Changed, 1)
	}
	keys := []string{}
	for id := range touched {
		keys = append(keys, runKey(id.String()))
	}
	var p jobsql.AddRunDeltasParams
	for id, d := range deltas {
		if *d == (counts{}) {
			continue
		}
		p.RunIds = append(p.RunIds, id)
		p.Running = append(p.Running, d.running)
		p.Succeeded = append(p.Succeeded, d.succeeded)
		p.Changed = append(p.Changed, d.changed)
		p.Failed = append(p.Failed, d.failed)
		p.Expired = append(p.Expired, d.expired)
		p.Cancelled = append(p.Cancelled, d.cancelled)
		p.Skipped = append(p.Skipped, d.skipped)
	}
	if len(p.RunIds) == 0 {
		return keys, nil
	}
	return append(keys, foldKey), b.q.AddRunDeltas(ctx, p)
}

// fold adds the waiting deltas to their runs and ends the runs whose tasks have all ended. The runs that changed are answered.
func (s *store) fold(ctx context.Context, now time.Time) ([]uuid.UUID, error) {
	var ids []uuid.UUID
	err := s.tx(ctx, func(q *jobsql.Queries) error {
		folded, err := q.FoldRunDeltas(ctx)
		if err != nil {
			return err
		}
		ended, err := q.EndRuns(ctx, utc(now))
		ids = slices.Concat(folded, ended)
		return err
	})
	return ids, err
}
