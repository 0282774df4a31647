package job

import (
	"flag"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/wellknown"
)

// Each history costs hundreds of calls on a real database; more of them: -rapid.checks=1000.
func init() { _ = flag.Set("rapid.checks", "25") }

// world is what an all-seeing observer knows of a random history: which attempts have an open session, and which decided their task.
type world struct {
	t       *rapid.T
	h       *house
	agents  []*agent
	devices []string
	runs    []string
	known   []attemptOf      // every attempt ever offered
	decided map[string]int   // task -> how often it was finished for good
	let     map[string]int64 // task -> the fence of the attempt that was let change the device
}

type attemptOf struct {
	agent *agent
	ref   *jobv1.AttemptRef
}

func (w *world) pick() (attemptOf, bool) {
	if len(w.known) == 0 {
		return attemptOf{}, false
	}
	return w.known[rapid.IntRange(0, len(w.known)-1).Draw(w.t, "attempt")], true
}

func (w *world) claim(*rapid.T) {
	a := rapid.SampledFrom(w.agents).Draw(w.t, "agent")
	for _, ref := range a.claim(rapid.IntRange(1, 4).Draw(w.t, "max")) {
		require.False(w.t, w.offered(attemptOf{a, ref}), "a fence was given twice")
		w.known = append(w.known, attemptOf{a, ref})
	}
}

// byAnyone sends an event of a known attempt, sometimes as the wrong agent or with another fence.
func (w *world) byAnyone() (attemptOf, bool) {
	at, ok := w.pick()
	if ok && rapid.IntRange(0, 9).Draw(w.t, "wrong agent") == 0 {
		at.agent = rapid.SampledFrom(w.agents).Draw(w.t, "agent")
	}
	if ok && rapid.IntRange(0, 9).Draw(w.t, "wrong fence") == 0 {
		at.ref = &jobv1.AttemptRef{TaskId: at.ref.GetTaskId(), Fence: at.ref.GetFence() + int64(rapid.IntRange(-2, 2).Draw(w.t, "by"))}
	}
	return at, ok
}

// offered tells whether the agent was ever given the attempt.
func (w *world) offered(at attemptOf) bool {
	return slices.ContainsFunc(w.known, func(k attemptOf) bool {
		return k.agent == at.agent && k.ref.GetTaskId() == at.ref.GetTaskId() && k.ref.GetFence() == at.ref.GetFence()
	})
}

func (w *world) report(*rapid.T) {
	if at, ok := w.byAnyone(); ok {
		kind := rapid.SampledFrom([]jobv1.ReportAttemptsRequest_Event_Kind{accepted, started, held, declined, proceed}).Draw(w.t, "kind")
		if at.agent.report(kind, at.ref)[0] {
			require.True(w.t, w.offered(at), "an attempt moved for an agent that never had it")
			if kind == proceed {
				let, again := w.let[at.ref.GetTaskId()]
				require.True(w.t, !again || let == at.ref.GetFence(), "two attempts were let change a device for one task")
				w.let[at.ref.GetTaskId()] = at.ref.GetFence()
			}
		}
	}
}

func (w *world) finish(*rapid.T) {
	at, found := w.byAnyone()
	if !found {
		return
	}
	before := w.state(at.ref.GetTaskId())
	class := rapid.SampledFrom([]jobv1.Failure_Class{ok, jobv1.Failure_UNREACHABLE, jobv1.Failure_AUTH}).Draw(w.t, "class")
	item := at.agent.finish(class, at.ref)[0]
	require.True(w.t, !item.GetApplied() || w.offered(at), "an attempt was finished by an agent that never had it")
	after := w.state(at.ref.GetTaskId())
	if ended(before) {
		require.Equal(w.t, before, after, "what has ended never changes")
	} else if ended(after) {
		require.True(w.t, item.GetApplied())
		w.decided[at.ref.GetTaskId()]++
	}
}

func (w *world) state(id string) jobv1.Task_State {
	task, err := w.h.runs.GetTask(w.h.ctx, &jobv1.GetTaskRequest{Id: id})
	require.NoError(w.t, err)
	return task.GetState()
}

func ended(s jobv1.Task_State) bool { return s >= jobv1.Task_SUCCEEDED }

func (w *world) resume(*rapid.T) {
	a := rapid.SampledFrom(w.agents).Draw(w.t, "agent")
	var running, spooled []*jobv1.AttemptRef
	for _, at := range w.known {
		switch n := rapid.IntRange(0, 5).Draw(w.t, "named"); {
		case at.agent == a && n == 0:
			running = append(running, at.ref)
		case at.agent == a && n == 1:
			spooled = append(spooled, at.ref)
		}
	}
	a.resume(running, spooled)
}

func (w *world) pass(*rapid.T) {
	w.h.clock.add(time.Duration(rapid.IntRange(1, 200).Draw(w.t, "seconds")) * time.Second)
	w.h.reap()
}

func (w *world) cancelTask(*rapid.T) {
	if at, ok := w.pick(); ok && rapid.IntRange(0, 3).Draw(w.t, "rarely") == 0 {
		_, err := w.h.runs.CancelTask(w.h.ctx, &jobv1.CancelTaskRequest{Id: at.ref.GetTaskId()})
		require.NoError(w.t, err)
	}
}

func (w *world) pauseOrResume(*rapid.T) {
	id := rapid.SampledFrom(w.runs).Draw(w.t, "run")
	if rapid.Bool().Draw(w.t, "pause") {
		_, _ = w.h.runs.PauseRun(w.h.ctx, &jobv1.PauseRunRequest{Id: id})
	} else {
		_, _ = w.h.runs.ResumeRun(w.h.ctx, &jobv1.ResumeRunRequest{Id: id})
	}
}

// check holds the invariants of doc.go against the tables.
func (w *world) check(*rapid.T) {
	for what, query := range map[string]string{
		"a device has two live attempts": `SELECT count(*) FROM (SELECT device_id FROM task WHERE state IN ('OFFERED','LEASED','RUNNING') GROUP BY device_id HAVING count(*) > 1) x`,
		"a live attempt has no slot of its own": `SELECT count(*) FROM task t WHERE state IN ('OFFERED','LEASED','RUNNING')
			AND NOT EXISTS (SELECT 1 FROM device_slot s WHERE s.device_id = t.device_id AND s.fence = t.fence AND s.task_id = t.id AND NOT s.lost)`,
		"a slot that is not lost has no live attempt": `SELECT count(*) FROM device_slot s WHERE NOT lost
			AND NOT EXISTS (SELECT 1 FROM task t WHERE t.id = s.task_id AND t.fence = s.fence AND t.state IN ('OFFERED','LEASED','RUNNING'))`,
		"a READY task is lost to the queue": `SELECT count(*) FROM task t JOIN run r ON r.id = t.run_id WHERE t.state = 'READY' AND r.state <> 'PAUSED'
			AND NOT EXISTS (SELECT 1 FROM ready q WHERE q.task_id = t.id AND q.gateway_id = t.gateway_id)`,
		"the queue holds what is not READY": `SELECT count(*) FROM ready q JOIN task t ON t.id = q.task_id JOIN run r ON r.id = t.run_id
			WHERE t.state <> 'READY' OR r.state = 'PAUSED'`,
		"what only reads was let change": `SELECT count(*) FROM task t JOIN run r ON r.id = t.run_id WHERE t.proceeded AND NOT r.mutating`,
		"an ended task has a fence":      `SELECT count(*) FROM task WHERE finished_at IS NOT NULL AND fence <> 0`,
	} {
		var n int
		require.NoError(w.t, w.h.pool.QueryRow(w.h.ctx, query).Scan(&n))
		require.Zero(w.t, n, what)
	}
	for id, n := range w.decided {
		require.LessOrEqual(w.t, n, 1, "task %s was finished twice", id)
	}
	w.checkCounts()
}

func (w *world) checkCounts() {
	for _, id := range w.runs {
		run := w.h.get(id)
		want := counts{}
		for _, task := range w.h.tasks(id) {
			want.add(task.GetState().String(), task.GetChanged(), 1)
		}
		got := run.GetCounts()
		require.Equal(w.t, []int32{want.running, want.succeeded, want.failed + want.expired, want.cancelled + want.skipped},
			[]int32{got.GetRunning(), got.GetSucceeded(), got.GetFailed(), got.GetCancelled()})
	}
}

// drain lets a good agent finish everything: nothing may be lost.
func (w *world) drain() {
	for _, id := range w.runs {
		_, _ = w.h.runs.ResumeRun(w.h.ctx, &jobv1.ResumeRunRequest{Id: id})
	}
	good := w.h.agent()
	for range 60 {
		w.h.clock.add(2 * time.Minute)
		w.h.reap()
		if refs := good.claim(100); len(refs) > 0 {
			good.begin(refs...)
			good.finish(ok, refs...)
		}
	}
	for _, id := range w.runs {
		require.NotNil(w.t, w.h.get(id).GetFinishedAt(), "run %v: %v", w.h.get(id), w.h.states(id))
	}
}

// Random events of several agents, with stale and foreign fences, never lead to two live leases of one device, a lost task or a double finish.
func TestRandomHistories(t *testing.T) {
	h := newHouse(t)
	rapid.Check(t, func(rt *rapid.T) {
		_, err := h.pool.Exec(h.ctx, "TRUNCATE run, task, task_result, task_transcript, ready, device_slot, attempt, run_delta, gateway_rate, task_log")
		require.NoError(rt, err)
		h.inventory.devices, h.inventory.gateway = nil, map[string]string{}
		w := &world{t: rt, h: h, decided: map[string]int{}, let: map[string]int64{}, devices: h.inventory.add(3, wellknown.LocalGatewayID)}
		for range 3 {
			w.agents = append(w.agents, &agent{h: h, id: uuid.NewString(), gateway: wellknown.LocalGatewayID})
		}
		for _, kind := range []string{"backup", "push"} {
			w.runs = append(w.runs, h.run(kind).GetId())
		}
		rt.Repeat(map[string]func(*rapid.T){
			"claim": w.claim, "claim again": w.claim, "report": w.report, "report again": w.report, "finish": w.finish, "resume": w.resume,
			"pass": w.pass, "cancel task": w.cancelTask, "pause": w.pauseOrResume, "": w.check,
		})
		w.drain()
		w.check(rt)
	})
}
