package job

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/google/uuid"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobsql "github.com/netraven/netraven/gen/sqlc/job"
)

// expandPage is how many tasks one transaction inserts at most.
const expandPage = 5000

// errNotMine: another process expands the run by now.
var errNotMine = errors.New("job: the run is expanded by somebody else")

// expandAll expands runs while there are any to expand.
func (s *Service) expandAll(ctx context.Context) error {
	for {
		found, err := s.expandOnce(ctx)
		if err != nil || !found || ctx.Err() != nil {
			return err
		}
	}
}

// expansion is one process expanding one run.
type expansion struct {
	s     *Service
	run   jobsql.TakeRunToExpandRow
	seen  map[uuid.UUID]struct{}
	next  map[uuid.UUID]int64 // place of the next task, by gateway
	tasks []jobsql.CopyTasksParams
	ready []jobsql.CopyReadyParams
}

// expandOnce expands the oldest run that waits for it and tells whether there was one. It goes on where a crashed process stopped: devices that
// have their task are skipped.
func (s *Service) expandOnce(ctx context.Context) (bool, error) {
	run, found, err := s.store.takeRunToExpand(ctx, s.now())
	if err != nil || !found {
		return false, err
	}
	e := &expansion{s: s, run: run}
	err = e.all(ctx)
	if err == nil || errors.Is(err, errNotMine) {
		s.ring(foldKey, runKey(run.ID.String()))
		return true, nil
	}
	return true, errors.Join(err, s.store.releaseExpansion(context.WithoutCancel(ctx), run, s.now().Add(5*time.Second),
		"the inventory could not be read; it is tried again"))
}

func (e *expansion) all(ctx context.Context) error {
	selection, err := readSelection(e.run.Selection)
	if err != nil {
		return err
	}
	if e.seen, e.next, err = e.s.store.expanded(ctx, e.run); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if e.run.Cancelled {
		return e.finish(ctx)
	}
	stream, err := e.s.inventory.ResolveSelection(ctx, &inventoryv1.ResolveSelectionRequest{Selection: selection})
	if err != nil {
		return err
	}
	for {
		page, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return e.finish(ctx)
		}
		if err != nil {
			return err
		}
		if err := e.add(ctx, page.GetItems()); err != nil {
			return err
		}
		if len(e.tasks) < expandPage {
			continue
		}
		if stop, err := e.flush(ctx); err != nil || stop {
			return err
		}
	}
}

// add makes tasks of the devices that have none yet.
func (e *expansion) add(ctx context.Context, items []*inventoryv1.ResolveSelectionResponse_Item) error {
	items, err := e.s.store.onlyProven(ctx, e.run.ProvenOnly, items)
	if err != nil {
		return err
	}
	now := utc(e.s.now())
	for _, item := range items {
		device, err := uuid.Parse(item.GetDeviceId())
		if err != nil {
			return err
		}
		gateway, err := uuid.Parse(item.GetGatewayId())
		if err != nil {
			return err
		}
		if _, ok := e.seen[device]; ok {
			continue
		}
		e.seen[device] = struct{}{}
		e.next[gateway]++
		task := jobsql.CopyTasksParams{ID: newID(), RunID: e.run.ID, DeviceID: device, DeviceName: item.GetDeviceName(), GatewayID: gateway, State: ready, CreatedAt: now}
		e.tasks = append(e.tasks, task)
		e.ready = append(e.ready, jobsql.CopyReadyParams{TaskID: task.ID, GatewayID: gateway, DeviceID: device, RunID: e.run.ID, Place: e.next[gateway], QueuedAt: now})
	}
	return nil
}

// flush inserts what was added. stop: the run was cancelled meanwhile, and its expansion is over.
func (e *expansion) flush(ctx context.Context) (stop bool, err error) {
	gateways := make([]uuid.UUID, 0, len(e.next))
	for g := range e.next {
		gateways = append(gateways, g)
	}
	stop, err = e.s.store.insertTasks(ctx, e.run, e.tasks, e.ready, e.s.now())
	if err == nil && !stop && len(e.tasks) > 0 {
		e.s.ring(append(gatewayKeys(gateways), runKey(e.run.ID.String()))...)
	}
	e.tasks, e.ready = e.tasks[:0], e.ready[:0]
	return stop, err
}

func (e *expansion) finish(ctx context.Context) error {
	if stop, err := e.flush(ctx); err != nil || stop {
		return err
	}
	reason := ""
	if len(e.seen) == 0 {
		reason = "no enabled device matches the selection"
		if e.run.ProvenOnly {
			reason = "no device of the selection has passed a test or a backup yet"
		}
	}
	return e.s.store.endExpansion(ctx, e.run, reason)
}
