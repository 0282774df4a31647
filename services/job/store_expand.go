package job

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobsql "github.com/netraven/netraven/gen/sqlc/job"
)

func (s *store) takeRunToExpand(ctx context.Context, now time.Time) (jobsql.TakeRunToExpandRow, bool, error) {
	run, err := s.q.TakeRunToExpand(ctx, utc(now))
	if errors.Is(err, pgx.ErrNoRows) {
		return run, false, nil
	}
	return run, err == nil, sqlError(err)
}

func (s *store) releaseExpansion(ctx context.Context, run jobsql.TakeRunToExpandRow, until time.Time, reason string) error {
	return sqlError(s.q.ReleaseExpansion(ctx, jobsql.ReleaseExpansionParams{ID: run.ID, Epoch: run.ExpandEpoch, Until: utc(until), Reason: reason}))
}

// expanded answers the devices that have their task already, and at which place each gateway is now.
func (s *store) expanded(ctx context.Context, run jobsql.TakeRunToExpandRow) (map[uuid.UUID]struct{}, map[uuid.UUID]int64, error) {
	seen, next := map[uuid.UUID]struct{}{}, map[uuid.UUID]int64{}
	if run.Total > 0 {
		devices, err := s.q.ExpandedDevices(ctx, run.ID)
		if err != nil {
			return nil, nil, sqlError(err)
		}
		for _, d := range devices {
			seen[d] = struct{}{}
		}
	}
	rows, err := s.q.GatewayServed(ctx)
	for _, row := range rows {
		next[row.GatewayID] = row.Served
	}
	return seen, next, sqlError(err)
}

// onlyProven leaves out devices that never succeeded, if that is asked for.
func (s *store) onlyProven(ctx context.Context, asked bool, items []*inventoryv1.ResolveSelectionResponse_Item) ([]*inventoryv1.ResolveSelectionResponse_Item, error) {
	if !asked || len(items) == 0 {
		return items, nil
	}
	ids := make([]uuid.UUID, 0, len(items))
	for _, item := range items {
		if id, err := uuid.Parse(item.GetDeviceId()); err == nil {
			ids = append(ids, id)
		}
	}
	rows, err := s.q.ProvenDevices(ctx, ids)
	if err != nil {
		return nil, sqlError(err)
	}
	proven := make(map[string]bool, len(rows))
	for _, id := range rows {
		proven[id.String()] = true
	}
	var out []*inventoryv1.ResolveSelectionResponse_Item
	for _, item := range items {
		if proven[item.GetDeviceId()] {
			out = append(out, item)
		}
	}
	return out, nil
}

// insertTasks adds tasks to a run that this process expands; into the queue too unless the run is paused. A cancelled run gets none, and its
// expansion ends.
func (s *store) insertTasks(ctx context.Context, run jobsql.TakeRunToExpandRow, tasks []jobsql.CopyTasksParams, queue []jobsql.CopyReadyParams, now time.Time) (stop bool, err error) {
	err = s.tx(ctx, func(q *jobsql.Queries) error {
		row, err := q.LockExpansion(ctx, jobsql.LockExpansionParams{ID: run.ID, Epoch: run.ExpandEpoch})
		if errors.Is(err, pgx.ErrNoRows) {
			return errNotMine
		}
		if err != nil {
			return err
		}
		if stop = row.Cancelled; stop {
			return q.EndExpansion(ctx, jobsql.EndExpansionParams{ID: run.ID, Reason: ""})
		}
		if len(tasks) == 0 {
			return nil
		}
		if _, err := q.CopyTasks(ctx, tasks); err != nil {
			return err
		}
		if row.State != paused {
			if _, err := q.CopyReady(ctx, queue); err != nil {
				return err
			}
		}
		return q.CountExpanded(ctx, jobsql.CountExpandedParams{ID: run.ID, Added: int32(len(tasks)), Now: utc(now)})
	})
	return stop, err
}

func (s *store) endExpansion(ctx context.Context, run jobsql.TakeRunToExpandRow, reason string) error {
	return s.tx(ctx, func(q *jobsql.Queries) error {
		if _, err := q.LockExpansion(ctx, jobsql.LockExpansionParams{ID: run.ID, Epoch: run.ExpandEpoch}); err != nil {
			if errors.Is(err, pgx.ErrNoRows) {
				return errNotMine
			}
			return err
		}
		return q.EndExpansion(ctx, jobsql.EndExpansionParams{ID: run.ID, Reason: reason})
	})
}
