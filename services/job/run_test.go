package job

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/wellknown"
)

const wellknownLocal = wellknown.LocalGatewayID

// squeeze evens out the random spaces of prototext.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

func TestCreateRunRefuses(t *testing.T) {
	h := newHouse(t)
	for reason, req := range map[string]*jobv1.CreateRunRequest{
		"KIND_UNKNOWN":    {Kind: "dance", All: true},
		"SELECTION_EMPTY": {Kind: "backup"},
		"FIELD_INVALID":   {Kind: "backup", DeviceIds: []string{"router1"}},
	} {
		_, err := h.runs.CreateRun(h.ctx, req)
		require.Equal(t, reason, errs.Reason(err))
		require.Equal(t, codes.InvalidArgument, errs.Code(err))
	}
	_, err := h.runs.GetRun(h.ctx, &jobv1.GetRunRequest{Id: "nothing"})
	require.Equal(t, "RUN_NOT_FOUND", errs.Reason(err))
	_, err = h.runs.GetTask(h.ctx, &jobv1.GetTaskRequest{Id: uuid.NewString()})
	require.Equal(t, "TASK_NOT_FOUND", errs.Reason(err))
}

func TestRequestIDMakesOneRun(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	ids := make([]string, 5)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			run, err := h.runs.CreateRun(h.ctx, &jobv1.CreateRunRequest{Kind: "backup", All: true, RequestId: "r1"})
			if err == nil {
				ids[i] = run.GetId()
			}
		})
	}
	wg.Wait()
	require.Len(t, slices.Compact(ids), 1)
	h.clock.add(25 * time.Hour)
	run, err := h.runs.CreateRun(h.ctx, &jobv1.CreateRunRequest{Kind: "backup", All: true, RequestId: "r1"})
	require.NoError(t, err)
	require.NotEqual(t, ids[0], run.GetId(), "a day later it is another request")
}

func TestEmptyRun(t *testing.T) {
	h := newHouse(t)
	run := h.run("backup")
	require.Equal(t, jobv1.Run_EMPTY, h.get(run.GetId()).GetState())
	require.Contains(t, h.get(run.GetId()).GetReason(), "no enabled device")
}

// FAILURES 8, 39: an expansion that breaks off goes on where it stopped, by whoever comes next, and makes no task twice.
func TestExpansionGoesOn(t *testing.T) {
	h := newHouse(t)
	h.inventory.pageSize = 1000
	h.inventory.add(7500, wellknownLocal)
	h.inventory.breakAfter = 6
	run, err := h.runs.CreateRun(h.ctx, &jobv1.CreateRunRequest{Kind: "backup", All: true})
	require.NoError(t, err)
	require.Error(t, h.s.expandAll(h.ctx))
	got := h.get(run.GetId())
	require.Equal(t, jobv1.Run_EXPANDING, got.GetState())
	require.EqualValues(t, 5000, got.GetCounts().GetTotal())
	require.Contains(t, got.GetReason(), "inventory")
	require.Len(t, h.agent().claim(10), 10, "what is there can begin")

	h.inventory.breakAfter = 0
	require.NoError(t, h.s.expandAll(h.ctx))
	require.EqualValues(t, 5000, h.get(run.GetId()).GetCounts().GetTotal(), "not yet")
	h.clock.add(6 * time.Second)
	require.NoError(t, h.service().expandAll(h.ctx))
	got = h.get(run.GetId())
	require.Equal(t, jobv1.Run_RUNNING, got.GetState())
	require.EqualValues(t, 7500, got.GetCounts().GetTotal())
	require.Empty(t, got.GetReason())
	var devices int
	require.NoError(t, h.pool.QueryRow(h.ctx, "SELECT count(DISTINCT device_id) FROM task").Scan(&devices))
	require.Equal(t, 7500, devices)
}

func TestRunsInterleave(t *testing.T) {
	h := newHouse(t)
	ids := h.inventory.add(300, wellknownLocal)
	big := h.run("backup", ids[:200]...)
	a := h.agent()
	require.Len(t, a.claim(100), 100)
	small := h.run("backup", ids[200:]...)
	require.Len(t, a.claim(60), 60)
	taken := map[string]int{}
	for _, run := range []*jobv1.Run{big, small} {
		for _, state := range h.states(run.GetId()) {
			if state == "OFFERED" {
				taken[run.GetId()]++
			}
		}
	}
	require.InDelta(t, 130, taken[big.GetId()], 1, "the second run shares from its start")
	require.InDelta(t, 30, taken[small.GetId()], 1)
}

func Test74CancelWithOffersInFlight(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(6, wellknownLocal)
	run := h.run("backup")
	a := h.agent()
	refs := a.claim(4)
	a.begin(refs[:2]...)
	_, err := h.runs.CancelRun(h.ctx, &jobv1.CancelRunRequest{Id: run.GetId()})
	require.NoError(t, err)
	got := h.get(run.GetId())
	require.Equal(t, jobv1.Run_RUNNING, got.GetState())
	require.Equal(t, "total:6 running:2 cancelled:4", squeeze(got.GetCounts().String()))
	require.Equal(t, []bool{false, false}, a.report(accepted, refs[2:]...))

	resp, err := h.hub.ClaimTasks(h.ctx, &jobv1.ClaimTasksRequest{AgentId: a.id, GatewayId: a.gateway, Held: refs, WaitMs: 30_000})
	require.NoError(t, err)
	require.Len(t, resp.GetCancelled(), 2)
	require.Equal(t, jobv1.Task_CANCELLED, a.finish(jobv1.Failure_CANCELLED, refs[0])[0].GetState())
	h.clock.add(3 * time.Minute)
	h.reap()
	got = h.get(run.GetId())
	require.Equal(t, jobv1.Run_CANCELLED, got.GetState())
	require.Equal(t, "cancelled by ada", got.GetReason())
	_, err = h.runs.CancelRun(h.ctx, &jobv1.CancelRunRequest{Id: run.GetId()})
	require.NoError(t, err, "may be repeated")
	_, err = h.runs.PauseRun(h.ctx, &jobv1.PauseRunRequest{Id: run.GetId()})
	require.Equal(t, "RUN_ENDED", errs.Reason(err))
}

func TestPauseAndResume(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(4, wellknownLocal)
	run := h.run("backup")
	a := h.agent()
	refs := a.claim(2)
	a.begin(refs...)
	got, err := h.runs.PauseRun(h.ctx, &jobv1.PauseRunRequest{Id: run.GetId()})
	require.NoError(t, err)
	require.Equal(t, jobv1.Run_PAUSED, got.GetState())
	require.Empty(t, a.claim(5))
	a.finish(jobv1.Failure_BUSY, refs[0])
	a.finish(ok, refs[1])
	h.clock.add(5 * time.Minute)
	h.reap()
	require.Empty(t, a.claim(5), "not even what comes back")
	_, err = h.runs.ResumeRun(h.ctx, &jobv1.ResumeRunRequest{Id: run.GetId()})
	require.NoError(t, err)
	refs = a.claim(5)
	require.Len(t, refs, 3)
	a.begin(refs...)
	a.finish(ok, refs...)
	require.Equal(t, jobv1.Run_SUCCEEDED, h.get(run.GetId()).GetState())
}

func TestCancelTask(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(2, wellknownLocal)
	run := h.run("backup")
	tasks := h.tasks(run.GetId())
	task, err := h.runs.CancelTask(h.ctx, &jobv1.CancelTaskRequest{Id: tasks[0].GetId()})
	require.NoError(t, err)
	require.Equal(t, jobv1.Task_CANCELLED, task.GetState())
	a := h.agent()
	refs := a.claim(5)
	require.Len(t, refs, 1)
	a.begin(refs...)
	task, err = h.runs.CancelTask(h.ctx, &jobv1.CancelTaskRequest{Id: refs[0].GetTaskId()})
	require.NoError(t, err)
	require.Equal(t, jobv1.Task_RUNNING, task.GetState())
	resp, err := h.hub.ClaimTasks(h.ctx, &jobv1.ClaimTasksRequest{AgentId: a.id, GatewayId: a.gateway, Held: refs})
	require.NoError(t, err)
	require.Len(t, resp.GetCancelled(), 1)
	a.finish(jobv1.Failure_CANCELLED, refs...)
	require.Equal(t, jobv1.Run_CANCELLED, h.get(run.GetId()).GetState())
}

func TestRetryFailed(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(3, wellknownLocal)
	run := h.run("backup")
	_, err := h.runs.RetryFailed(h.ctx, &jobv1.RetryFailedRequest{Id: run.GetId()})
	require.Equal(t, "RUN_NOT_ENDED", errs.Reason(err))
	a := h.agent()
	refs := a.claim(3)
	a.begin(refs...)
	a.finish(jobv1.Failure_AUTH, refs[0])
	a.finish(ok, refs[1:]...)
	require.Equal(t, jobv1.Run_PARTIAL, h.get(run.GetId()).GetState())
	again, err := h.runs.RetryFailed(h.ctx, &jobv1.RetryFailedRequest{Id: run.GetId()})
	require.NoError(t, err)
	require.NoError(t, h.s.expandAll(h.ctx))
	require.Len(t, h.tasks(again.GetId()), 1)
}

func TestListsArePaged(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(5, wellknownLocal)
	run := h.run("backup")
	var names []string
	token := ""
	for range 3 {
		resp, err := h.runs.ListTasks(h.ctx, &jobv1.ListTasksRequest{RunId: run.GetId(), PageSize: 2, PageToken: token})
		require.NoError(t, err)
		for _, task := range resp.GetItems() {
			names = append(names, task.GetDeviceName())
		}
		token = resp.GetNextPageToken()
	}
	require.Empty(t, token)
	require.Len(t, names, 5)
	require.True(t, slices.IsSorted(names))
	second := h.run("push")
	runs, err := h.runs.ListRuns(h.ctx, &jobv1.ListRunsRequest{PageSize: 1})
	require.NoError(t, err)
	require.Equal(t, second.GetId(), runs.GetItems()[0].GetId(), "newest first")
	runs, err = h.runs.ListRuns(h.ctx, &jobv1.ListRunsRequest{PageToken: runs.GetNextPageToken(), Kind: "backup", State: jobv1.Run_RUNNING})
	require.NoError(t, err)
	require.Len(t, runs.GetItems(), 1)
	_, err = h.runs.ListRuns(h.ctx, &jobv1.ListRunsRequest{PageToken: "x"})
	require.Equal(t, "PAGE_TOKEN_INVALID", errs.Reason(err))
}

func TestWatchRunTellsEverything(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(30, wellknownLocal)
	run := h.run("backup")
	stream, err := h.runs.WatchRun(h.ctx, &jobv1.WatchRunRequest{Id: run.GetId()})
	require.NoError(t, err)
	first, err := stream.Recv()
	require.NoError(t, err)
	require.Equal(t, jobv1.Run_RUNNING, first.GetRun().GetState())
	a := h.agent()
	for range 3 {
		refs := a.claim(10)
		a.begin(refs...)
		a.finish(ok, refs...)
	}
	h.get(run.GetId()) // folds
	last := map[string]jobv1.Task_State{}
	state := jobv1.Run_RUNNING
	for state == jobv1.Run_RUNNING {
		event, err := stream.Recv()
		require.NoError(t, err)
		state = event.GetRun().GetState()
		for _, task := range event.GetTasks() {
			last[task.GetId()] = task.GetState()
		}
	}
	_, err = stream.Recv()
	require.Error(t, err, "it ends with the run")
	require.Equal(t, jobv1.Run_SUCCEEDED, state)
	require.Len(t, last, 30)
	for _, s := range last {
		require.Equal(t, jobv1.Task_SUCCEEDED, s)
	}
	none, err := h.runs.WatchRun(h.ctx, &jobv1.WatchRunRequest{Id: uuid.NewString()})
	require.NoError(t, err)
	_, err = none.Recv()
	require.Equal(t, "RUN_NOT_FOUND", errs.Reason(err))
}
