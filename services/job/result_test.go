package job

import (
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
)

func output(text string) *jobv1.TaskResult {
	return &jobv1.TaskResult{TaskId: "forged", DeviceName: "forged", Commands: []*jobv1.CommandResult{{Command: "show clock", Output: text}}}
}

// found ends an attempt with what it found out.
func (a *agent) found(ref *jobv1.AttemptRef, class jobv1.Failure_Class, r *jobv1.TaskResult) *jobv1.FinishAttemptsResponse_Item {
	a.h.t.Helper()
	item := &jobv1.FinishAttemptsRequest_Item{Attempt: ref, Succeeded: class == ok, Result: r}
	if class != ok {
		item.Failure = &jobv1.Failure{Class: class, Stage: "command"}
	}
	resp, err := a.h.hub.FinishAttempts(a.h.ctx, &jobv1.FinishAttemptsRequest{AgentId: a.id, Items: []*jobv1.FinishAttemptsRequest_Item{item}})
	require.NoError(a.h.t, err)
	return resp.GetItems()[0]
}

func TestAResultIsKeptWithItsTask(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	run := h.run("backup")
	task := h.tasks(run.GetId())[0]
	_, err := h.runs.GetTaskResult(h.ctx, &jobv1.GetTaskResultRequest{Id: task.GetId()})
	require.Equal(t, "RESULT_NOT_FOUND", errs.Reason(err))
	_, err = h.runs.GetTaskResult(h.ctx, &jobv1.GetTaskResultRequest{Id: uuid.NewString()})
	require.Equal(t, "TASK_NOT_FOUND", errs.Reason(err))

	a := h.agent()
	first := a.claim(1)[0]
	a.begin(first)
	require.Equal(t, jobv1.Task_RETRY_WAIT, a.found(first, jobv1.Failure_INCOMPLETE, output("half")).GetState())
	get := func() *jobv1.TaskResult {
		t.Helper()
		got, err := h.runs.GetTaskResult(h.ctx, &jobv1.GetTaskResultRequest{Id: task.GetId()})
		require.NoError(t, err)
		return got
	}
	got := get()
	require.Equal(t, "half", got.GetCommands()[0].GetOutput(), "a failed attempt's is there as well")
	require.Equal(t, []string{task.GetId(), run.GetId(), task.GetDeviceId(), task.GetDeviceName(), "backup"},
		[]string{got.GetTaskId(), got.GetRunId(), got.GetDeviceId(), got.GetDeviceName(), got.GetKind()}, "job says whose it is")
	require.EqualValues(t, 1, got.GetAttempt())

	h.clock.add(1e12)
	h.reap()
	second := a.claim(1)[0]
	a.begin(second)
	require.True(t, a.found(second, ok, output("whole")).GetApplied())
	require.True(t, a.found(second, ok, output("again")).GetApplied(), "a repeat gets the first answer")
	require.True(t, a.found(first, ok, output("late")).GetApplied())
	require.Equal(t, "whole", get().GetCommands()[0].GetOutput(), "neither a repeat nor an older attempt changes it")
	require.EqualValues(t, 2, get().GetAttempt())

	_, err = h.pool.Exec(h.ctx, "DELETE FROM task WHERE id = $1", task.GetId())
	require.NoError(t, err)
	var left int
	require.NoError(t, h.pool.QueryRow(h.ctx, "SELECT count(*) FROM task_result").Scan(&left))
	require.Zero(t, left, "it goes with its task")
}

func TestAResultThatCannotBeKeptEndsItsAttempt(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	run := h.run("backup")
	a := h.agent()
	ref := a.claim(1)[0]
	a.begin(ref)
	require.Equal(t, jobv1.Task_SUCCEEDED, a.found(ref, ok, output(strings.Repeat("x", maxResult))).GetState())
	_, err := h.runs.GetTaskResult(h.ctx, &jobv1.GetTaskResultRequest{Id: h.tasks(run.GetId())[0].GetId()})
	require.Equal(t, codes.NotFound, errs.Code(err))
}

func TestTheOutputOfCommandsNeedsTheRightToConfigurations(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(2, wellknownLocal)
	run := h.run("backup")
	a := h.agent()
	refs := a.claim(2)
	a.begin(refs...)
	a.found(refs[0], ok, output("secret of no one"))
	a.found(refs[1], ok, &jobv1.TaskResult{Login: &jobv1.LoginResult{Prompt: "r1#"}})
	user := &authn.Principal{UserID: uuid.NewString(), Username: "bob", Permissions: []string{"job.run.read"}}
	runs := jobv1.NewRunServiceClient(grpctest.Serve(t, "api", user, h.s))
	_, err := runs.GetTaskResult(h.ctx, &jobv1.GetTaskResultRequest{Id: refs[0].GetTaskId()})
	require.Equal(t, codes.PermissionDenied, errs.Code(err))
	got, err := runs.GetTaskResult(h.ctx, &jobv1.GetTaskResultRequest{Id: refs[1].GetTaskId()})
	require.NoError(t, err)
	require.Equal(t, "r1#", got.GetLogin().GetPrompt())
	require.Equal(t, run.GetId(), got.GetRunId())
}

func TestReachabilityGetsNoCredentialAndProvesNothing(t *testing.T) {
	h := newHouse(t)
	h.vault.away = errs.New(codes.Unavailable, "SERVICE_UNAVAILABLE", "nobody asks vault")
	h.inventory.add(1, wellknownLocal)
	h.run("reachability")
	a := h.agent()
	resp, err := h.hub.ClaimTasks(h.ctx, &jobv1.ClaimTasksRequest{AgentId: a.id, GatewayId: a.gateway, Max: 1})
	require.NoError(t, err)
	require.Len(t, resp.GetClaims(), 1)
	view := resp.GetClaims()[0].GetView()
	require.Empty(t, view.GetCredentialIds())
	require.False(t, view.GetTrustFirstKey())
	ref := &jobv1.AttemptRef{TaskId: view.GetTaskId(), Fence: view.GetFence()}
	a.begin(ref)
	require.Equal(t, jobv1.Task_SUCCEEDED, a.finish(ok, ref)[0].GetState())
	require.Zero(t, h.provenDevices(), "an open port is no proof that passwords belong there")

	h.vault.away = nil
	h.run("login")
	ref = a.claim(1)[0]
	a.begin(ref)
	a.finish(ok, ref)
	require.Equal(t, 1, h.provenDevices())
}

func (h *house) provenDevices() (n int) {
	h.t.Helper()
	require.NoError(h.t, h.pool.QueryRow(h.ctx, "SELECT count(*) FROM proven_device").Scan(&n))
	return n
}

// Who presses Test wants the device's answer now, not after three tries.
func TestAKindThatIsTriedOnceIsTriedAgainOnlyWithoutTheDevicesFault(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(2, wellknownLocal)
	h.run("login")
	a := h.agent()
	refs := a.claim(2)
	a.begin(refs...)
	require.Equal(t, jobv1.Task_FAILED, a.finish(jobv1.Failure_UNREACHABLE, refs[0])[0].GetState())
	require.Equal(t, jobv1.Task_RETRY_WAIT, a.finish(jobv1.Failure_LEASE_LOST, refs[1])[0].GetState())
}

func TestTestingADeviceIsALogin(t *testing.T) {
	h := newHouse(t)
	ids := h.inventory.add(2, wellknownLocal)
	run, err := h.runs.TestDevice(h.ctx, &jobv1.TestDeviceRequest{Id: ids[0], RequestId: "once"})
	require.NoError(t, err)
	require.Equal(t, "login", run.GetKind())
	again, err := h.runs.TestDevice(h.ctx, &jobv1.TestDeviceRequest{Id: ids[0], RequestId: "once"})
	require.NoError(t, err)
	require.Equal(t, run.GetId(), again.GetId())
	require.NoError(t, h.s.expandAll(h.ctx))
	tasks := h.tasks(run.GetId())
	require.Len(t, tasks, 1)
	require.Equal(t, ids[0], tasks[0].GetDeviceId())
	for _, id := range []string{uuid.NewString(), "no id"} {
		_, err = h.runs.TestDevice(h.ctx, &jobv1.TestDeviceRequest{Id: id})
		require.Equal(t, "DEVICE_NOT_FOUND", errs.Reason(err))
	}
}
