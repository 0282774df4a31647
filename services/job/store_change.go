package job

import (
	"context"
	"errors"
	"reflect"
	"time"

	"github.com/google/uuid"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	jobsql "github.com/netraven/netraven/gen/sqlc/job"
)

// errQueueFirst asks for the same change again with the queue locked before the tasks.
var errQueueFirst = errors.New("the queue must be locked first")

// batch is a set of locked tasks under change.
type batch struct {
	q     *jobsql.Queries
	now   time.Time
	tasks map[uuid.UUID]*change
	// order is the order of ids, in which everything is written.
	order []uuid.UUID
	// extraFree are slots to free besides those of the changes.
	extraFree []int64
}

// aftermath is what is left to do once a change is committed.
type aftermath struct {
	// keys are the bells to ring.
	keys []string
	// unused are attempts that ended without a report of their agent: what vault reserved for them is free.
	unused []*jobv1.AttemptRef
}

// change locks tasks, lets decide move them, and writes all that follows in one transaction of a fixed number of statements. Unknown ids are
// not in the batch. decide may run more than once.
func (s *store) change(ctx context.Context, now time.Time, ids []uuid.UUID, decide func(b *batch) error) (aftermath, error) {
	var after aftermath
	queueFirst := false
	for {
		err := s.tx(ctx, func(q *jobsql.Queries) error {
			b, err := lockBatch(ctx, q, utc(now), ids, queueFirst)
			if err != nil {
				return err
			}
			if err := decide(b); err != nil {
				return err
			}
			after.keys, err = b.write(ctx, queueFirst)
			after.unused = b.unused()
			return err
		})
		if !queueFirst && errors.Is(err, errQueueFirst) {
			queueFirst = true
			continue
		}
		return after, err
	}
}

func (b *batch) unused() []*jobv1.AttemptRef {
	var refs []*jobv1.AttemptRef
	for _, id := range b.order {
		if c := b.tasks[id]; c.slot == freeSlot && c.was.Fence != 0 && !c.reported {
			refs = append(refs, &jobv1.AttemptRef{TaskId: id.String(), Fence: c.was.Fence})
		}
	}
	return refs
}

func lockBatch(ctx context.Context, q *jobsql.Queries, now time.Time, ids []uuid.UUID, queueFirst bool) (*batch, error) {
	if queueFirst {
		if err := q.LockReady(ctx, ids); err != nil {
			return nil, err
		}
	}
	rows, err := q.LockTasks(ctx, ids)
	if err != nil {
		return nil, err
	}
	b := &batch{q: q, now: now, tasks: make(map[uuid.UUID]*change, len(rows))}
	var lost []int64
	for _, row := range rows {
		b.tasks[row.ID] = &change{was: row, now: row, at: now}
		b.order = append(b.order, row.ID)
		if row.Fence != 0 && (row.State == ready || row.State == retryWait) {
			lost = append(lost, row.Fence)
		}
	}
	if len(lost) > 0 {
		err = b.markRevivable(ctx, lost)
	}
	return b, err
}

func (b *batch) markRevivable(ctx context.Context, fences []int64) error {
	held, err := b.q.LostSlots(ctx, fences)
	if err != nil {
		return err
	}
	set := map[int64]bool{}
	for _, f := range held {
		set[f] = true
	}
	for _, c := range b.tasks {
		c.revivable = set[c.was.Fence]
	}
	return nil
}

func (b *batch) write(ctx context.Context, queueLocked bool) ([]string, error) {
	keys, err := b.writeTasks(ctx, queueLocked)
	if err != nil {
		return nil, err
	}
	if err := b.writeSlots(ctx); err != nil {
		return nil, err
	}
	if err := b.writeAttempts(ctx); err != nil {
		return nil, err
	}
	if err := b.writeResults(ctx); err != nil {
		return nil, err
	}
	if err := b.writeTranscripts(ctx); err != nil {
		return nil, err
	}
	counted, err := b.writeCounts(ctx)
	return append(append(keys, b.freed()...), counted...), err
}

// freed are the bells of the gateways whose agents may have room for more: a claim may have come to nothing at the cap on sessions.
func (b *batch) freed() []string {
	var ids []uuid.UUID
	for _, c := range b.tasks {
		if c.slot == freeSlot && c.was.Fence != 0 {
			ids = append(ids, c.was.GatewayID)
		}
	}
	return gatewayKeys(ids)
}

// writeTasks writes the rows that differ, and the queue.
func (b *batch) writeTasks(ctx context.Context, queueLocked bool) ([]string, error) {
	var p jobsql.WriteTasksParams
	var out []uuid.UUID
	in := jobsql.EnqueueParams{Now: b.now}
	for _, id := range b.order {
		c := b.tasks[id]
		if reflect.DeepEqual(c.was, c.now) {
			continue
		}
		addTask(&p, &c.now)
		stays := c.was.State == ready && c.now.State == ready && c.was.GatewayID == c.now.GatewayID
		if c.was.State == ready && !stays {
			out = append(out, id)
		}
		if c.now.State == ready && !stays {
			in.TaskIds = append(in.TaskIds, id)
			in.RunIds = append(in.RunIds, c.now.RunID)
			in.NotBefore = append(in.NotBefore, deref(c.now.NotBefore))
		}
	}
	if len(out) > 0 && !queueLocked {
		return nil, errQueueFirst
	}
	if len(p.Ids) > 0 {
		if err := b.q.WriteTasks(ctx, p); err != nil {
			return nil, err
		}
	}
	if len(out) > 0 {
		if err := b.q.Dequeue(ctx, out); err != nil {
			return nil, err
		}
	}
	if len(in.TaskIds) == 0 {
		return nil, nil
	}
	gateways, err := b.q.Enqueue(ctx, in)
	return gatewayKeys(gateways), err
}

func addTask(p *jobsql.WriteTasksParams, t *jobsql.LockTasksRow) {
	p.Ids = append(p.Ids, t.ID)
	p.States = append(p.States, t.State)
	p.GatewayIds = append(p.GatewayIds, t.GatewayID)
	p.Fences = append(p.Fences, t.Fence)
	p.Attempts = append(p.Attempts, t.Attempt)
	p.AgentIds = append(p.AgentIds, deref(t.AgentID))
	p.Changed = append(p.Changed, t.Changed)
	p.Failures = append(p.Failures, append([]byte{}, t.Failure...))
	p.WaitingFor = append(p.WaitingFor, t.WaitingFor)
	p.NotBefore = append(p.NotBefore, deref(t.NotBefore))
	p.Stop = append(p.Stop, t.Stop)
	p.Proceeded = append(p.Proceeded, t.Proceeded)
	p.StartedAt = append(p.StartedAt, deref(t.StartedAt))
	p.FinishedAt = append(p.FinishedAt, deref(t.FinishedAt))
}

func (b *batch) writeSlots(ctx context.Context) error {
	free := b.extraFree
	lease := jobsql.LeaseSlotsParams{LeaseUntil: b.now.Add(leaseTime)}
	for _, id := range b.order {
		switch c := b.tasks[id]; {
		case c.slot == freeSlot && c.was.Fence != 0:
			free = append(free, c.was.Fence)
		case c.slot == leaseSlot:
			lease.Fences = append(lease.Fences, c.was.Fence)
		}
	}
	if len(lease.Fences) > 0 {
		got, err := b.q.LeaseSlots(ctx, lease)
		if err != nil {
			return err
		}
		if len(got) != len(lease.Fences) {
			return errors.New("job: a live attempt without a device slot")
		}
	}
	if len(free) == 0 {
		return nil
	}
	return b.q.FreeSlots(ctx, free)
}

func (b *batch) writeAttempts(ctx context.Context) error {
	var p jobsql.InsertAttemptsParams
	var proven []uuid.UUID
	for _, id := range b.order {
		c := b.tasks[id]
		if c.proves && c.now.State == succeeded && c.was.State != succeeded {
			proven = append(proven, c.now.DeviceID)
		}
		if c.over == nil {
			continue
		}
		p.TaskIds = append(p.TaskIds, id)
		p.Fences = append(p.Fences, c.over.fence)
		p.RunIds = append(p.RunIds, c.now.RunID)
		p.Numbers = append(p.Numbers, c.over.number)
		p.AgentIds = append(p.AgentIds, deref(c.now.AgentID))
		p.Lost = append(p.Lost, c.over.lost)
		p.TaskStates = append(p.TaskStates, c.now.State)
		p.Failures = append(p.Failures, append([]byte{}, c.over.failure...))
		p.StartedAt = append(p.StartedAt, deref(c.over.started))
		p.FinishedAt = append(p.FinishedAt, b.now)
	}
	if len(p.TaskIds) > 0 {
		if err := b.q.InsertAttempts(ctx, p); err != nil {
			return err
		}
	}
	if len(proven) == 0 {
		return nil
	}
	return b.q.MarkProven(ctx, jobsql.MarkProvenParams{DeviceIds: proven, Now: b.now})
}

func gatewayKeys(ids []uuid.UUID) []string {
	seen := map[uuid.UUID]bool{}
	var keys []string
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			keys = append(keys, gatewayKey(id.String()))
		}
	}
	return keys
}
