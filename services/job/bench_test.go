package job

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	jobsql "github.com/netraven/netraven/gen/sqlc/job"
)

// benchTasks is how many tasks a round of P9 moves.
const benchTasks = 5000

// BenchmarkP9 measures claim, start and finish through the RPCs in batches of 100 beside the limit: claiming and completing rows of a bare
// table with SQL in batches of 100, over one connection each, interleaved. The target is a ratio of at least 0.1.
func BenchmarkP9(b *testing.B) {
	h := newHouse(b)
	h.inventory.add(benchTasks, wellknownLocal)
	h.inventory.sessions, h.inventory.logins = 1_000_000, 1_000_000
	_, err := h.pool.Exec(h.ctx, "CREATE TABLE bare (id bigint PRIMARY KEY, state text NOT NULL, fence bigint); CREATE INDEX bare_ready ON bare (id) WHERE state = 'ready'")
	require.NoError(b, err)
	var ours, limit time.Duration
	for b.Loop() {
		ours += h.moveTasks(b)
		limit += h.moveBare(b)
	}
	perSecond := func(d time.Duration) float64 { return float64(b.N*benchTasks) / d.Seconds() }
	b.ReportMetric(perSecond(ours), "tasks/s")
	b.ReportMetric(perSecond(limit), "limit_tasks/s")
	b.ReportMetric(perSecond(ours)/perSecond(limit), "ratio")
}

// moveTasks takes one run through claim, start and finish.
func (h *house) moveTasks(b *testing.B) time.Duration {
	run := h.run("backup")
	a := h.agent()
	begin := time.Now()
	for range benchTasks / 100 {
		refs := a.claim(100)
		require.Len(b, refs, 100)
		a.begin(refs...)
		a.finish(ok, refs...)
		h.clock.add(time.Millisecond)
	}
	took := time.Since(begin)
	require.Equal(b, jobv1.Run_SUCCEEDED, h.get(run.GetId()).GetState())
	return took
}

func (h *house) moveBare(b *testing.B) time.Duration {
	_, err := h.pool.Exec(h.ctx, "TRUNCATE bare")
	require.NoError(b, err)
	_, err = h.pool.Exec(h.ctx, "INSERT INTO bare SELECT i, 'ready' FROM generate_series(1, $1) i", benchTasks)
	require.NoError(b, err)
	begin := time.Now()
	for range benchTasks / 100 {
		rows, err := h.pool.Query(h.ctx, `UPDATE bare SET state = 'running', fence = nextval('fence')
			WHERE id IN (SELECT id FROM bare WHERE state = 'ready' ORDER BY id LIMIT 100 FOR UPDATE SKIP LOCKED) RETURNING id`)
		require.NoError(b, err)
		ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
		require.NoError(b, err)
		_, err = h.pool.Exec(h.ctx, "UPDATE bare SET state = 'done' WHERE id = ANY($1) AND state = 'running'", ids)
		require.NoError(b, err)
	}
	return time.Since(begin)
}

// BenchmarkP10 measures a run of 100,000 tasks: created and expanded, beside COPY of the same rows into the same indexed tables; then
// cancelled. Targets: at most 3 times COPY, and at most 10 s.
func BenchmarkP10(b *testing.B) {
	h := newHouse(b)
	const n = 100_000
	h.inventory.add(n, wellknownLocal)
	var create, copying, cancel time.Duration
	for b.Loop() {
		h.clear(b)
		begin := time.Now()
		run := h.run("backup")
		create += time.Since(begin)
		require.EqualValues(b, n, run.GetCounts().GetTotal())
		begin = time.Now()
		_, err := h.runs.CancelRun(h.ctx, &jobv1.CancelRunRequest{Id: run.GetId()})
		require.NoError(b, err)
		cancel += time.Since(begin)
		require.Equal(b, jobv1.Run_CANCELLED, h.get(run.GetId()).GetState())
		h.clear(b)
		copying += h.copyOnly(b, n)
	}
	b.ReportMetric(create.Seconds()/float64(b.N), "create_s")
	b.ReportMetric(copying.Seconds()/float64(b.N), "copy_s")
	b.ReportMetric(create.Seconds()/copying.Seconds(), "ratio")
	b.ReportMetric(cancel.Seconds()/float64(b.N), "cancel_s")
}

func (h *house) clear(b *testing.B) {
	_, err := h.pool.Exec(h.ctx, "TRUNCATE run, task, task_result, task_transcript, ready, device_slot, attempt, run_delta, task_log")
	require.NoError(b, err)
}

// copyOnly is the limit: the rows are ready in memory and go in by one COPY a table.
func (h *house) copyOnly(b *testing.B, n int) time.Duration {
	run, gateway, now := newID(), uuid.MustParse(wellknownLocal), h.clock.Now()
	tasks := make([]jobsql.CopyTasksParams, n)
	queue := make([]jobsql.CopyReadyParams, n)
	for i := range n {
		tasks[i] = jobsql.CopyTasksParams{ID: newID(), RunID: run, DeviceID: newID(), DeviceName: fmt.Sprintf("device-%06d", i), GatewayID: gateway, State: ready, CreatedAt: now}
		queue[i] = jobsql.CopyReadyParams{TaskID: tasks[i].ID, GatewayID: gateway, DeviceID: tasks[i].DeviceID, RunID: run, Place: int64(i), QueuedAt: now}
	}
	begin := time.Now()
	_, err := h.s.store.q.CopyTasks(h.ctx, tasks)
	require.NoError(b, err)
	_, err = h.s.store.q.CopyReady(h.ctx, queue)
	require.NoError(b, err)
	return time.Since(begin)
}
