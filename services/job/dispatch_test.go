package job

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/pki"
)

const (
	ok       = jobv1.Failure_UNSPECIFIED
	accepted = jobv1.ReportAttemptsRequest_Event_ACCEPTED
	started  = jobv1.ReportAttemptsRequest_Event_STARTED
	declined = jobv1.ReportAttemptsRequest_Event_DECLINED
	held     = jobv1.ReportAttemptsRequest_Event_HELD
	proceed  = jobv1.ReportAttemptsRequest_Event_PROCEED
)

func TestARunFromStartToEnd(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(3, wellknownLocal)
	run := h.run("backup")
	require.Equal(t, jobv1.Run_RUNNING, run.GetState())
	require.EqualValues(t, 3, run.GetCounts().GetTotal())
	require.EqualValues(t, 3, run.GetCounts().GetPending())

	a := h.agent()
	resp, err := h.hub.ClaimTasks(h.ctx, &jobv1.ClaimTasksRequest{AgentId: a.id, GatewayId: a.gateway, Max: 10})
	require.NoError(t, err)
	require.Len(t, resp.GetClaims(), 3)
	spec, err := pki.VerifySpec(h.authority.root, resp.GetClaims()[0].GetSpec(), time.Now())
	require.NoError(t, err)
	require.Equal(t, a.id, spec.GetAgentId())
	require.Equal(t, []string{"c"}, spec.GetCredentialIds())
	require.True(t, spec.GetTrustFirstKey())
	require.JSONEq(t, "{}", string(spec.GetParams()))
	require.WithinDuration(t, h.clock.Now().Add(8*time.Minute), spec.GetDeadline().AsTime(), time.Millisecond)

	var refs []*jobv1.AttemptRef
	for _, claim := range resp.GetClaims() {
		refs = append(refs, &jobv1.AttemptRef{TaskId: claim.GetView().GetTaskId(), Fence: claim.GetView().GetFence()})
	}
	require.Equal(t, []bool{true, true, true}, a.begin(refs...))
	require.EqualValues(t, 3, h.get(run.GetId()).GetCounts().GetRunning())
	_, err = h.hub.FinishAttempts(h.ctx, &jobv1.FinishAttemptsRequest{AgentId: a.id, Items: []*jobv1.FinishAttemptsRequest_Item{
		{Attempt: refs[0], Succeeded: true, Changed: true}, {Attempt: refs[1], Succeeded: true}}})
	require.NoError(t, err)
	require.Equal(t, jobv1.Task_FAILED, a.finish(jobv1.Failure_AUTH, refs[2])[0].GetState(), "AUTH is never tried again")

	run = h.get(run.GetId())
	require.Equal(t, jobv1.Run_PARTIAL, run.GetState())
	require.Equal(t, "total:3 succeeded:2 changed:1 failed:1", squeeze(run.GetCounts().String()))
	require.NotNil(t, run.GetFinishedAt())
}

func Test01OfferLapses(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	run := h.run("backup")
	a := h.agent()
	first := a.claim(1)
	require.Len(t, first, 1)
	h.clock.add(9 * time.Second)
	h.reap()
	require.Equal(t, []string{"OFFERED"}, h.states(run.GetId()))
	h.clock.add(2 * time.Second)
	h.reap()
	require.Equal(t, []string{"READY"}, h.states(run.GetId()))
	require.Equal(t, []bool{false}, a.report(accepted, first...), "too late")
	require.Equal(t, []int64{first[0].GetFence()}, h.vault.freed)
	h.clock.add(2 * time.Second)
	second := a.claim(1)
	require.Greater(t, second[0].GetFence(), first[0].GetFence())
	a.begin(second...)
	require.EqualValues(t, 1, h.tasks(run.GetId())[0].GetAttempt(), "an offer is not an attempt")
}

func Test02And03ResumeTakesBackWhatTheAgentLost(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(4, wellknownLocal)
	run := h.run("backup")
	a := h.agent()
	refs := a.claim(4)
	a.report(accepted, refs[:3]...)
	a.report(started, refs[1], refs[2])
	// The agent restarts: it knows only refs[2], and finished refs[1] is lost with it.
	require.Equal(t, []jobv1.ResumeAgentResponse_Verdict{jobv1.ResumeAgentResponse_CONTINUE}, a.resume(refs[2:3], nil))
	byID := map[string]*jobv1.Task{}
	for _, task := range h.tasks(run.GetId()) {
		byID[task.GetId()] = task
	}
	require.Equal(t, jobv1.Task_READY, byID[refs[0].GetTaskId()].GetState())
	require.EqualValues(t, 0, byID[refs[0].GetTaskId()].GetAttempt(), "leased, never started: the same attempt number")
	require.Equal(t, jobv1.Task_RETRY_WAIT, byID[refs[1].GetTaskId()].GetState())
	require.Equal(t, jobv1.Failure_LEASE_LOST, byID[refs[1].GetTaskId()].GetFailure().GetClass())
	require.Equal(t, jobv1.Task_RUNNING, byID[refs[2].GetTaskId()].GetState())
	require.Equal(t, jobv1.Task_READY, byID[refs[3].GetTaskId()].GetState(), "offered")
	require.Len(t, a.claim(4), 2, "their devices are free at once")
}

func Test04MutatingWorkLostIsIndeterminate(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	run := h.run("push")
	a := h.agent()
	refs := a.claim(1)
	a.begin(refs...)
	require.Equal(t, []bool{true}, a.report(proceed, refs...))
	h.clock.add(3 * time.Minute)
	h.reap()
	require.Equal(t, []string{"INDETERMINATE"}, h.states(run.GetId()))
	require.Equal(t, jobv1.Run_FAILED, h.get(run.GetId()).GetState())
	require.Contains(t, h.tasks(run.GetId())[0].GetFailure().GetHint(), "check by hand")
}

func Test08FinishRepeatsAnswerTheSame(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(2, wellknownLocal)
	run := h.run("backup")
	a := h.agent()
	refs := a.claim(2)
	a.begin(refs...)
	for range 3 {
		items := append(a.finish(ok, refs[0]), a.finish(jobv1.Failure_UNREACHABLE, refs[1])...)
		require.True(t, items[0].GetApplied() && items[1].GetApplied())
		require.Equal(t, jobv1.Task_SUCCEEDED, items[0].GetState())
		require.Equal(t, jobv1.Task_RETRY_WAIT, items[1].GetState())
	}
	require.Equal(t, "total:2 pending:1 succeeded:1", squeeze(h.get(run.GetId()).GetCounts().String()))
	require.False(t, h.agent().finish(ok, refs[1])[0].GetApplied(), "another agent never held it")
}

// FAILURES 7, 15: while nobody else has claimed, a late agent goes on, or its result counts; afterwards its fence is stale.
func Test15LateAgents(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(3, wellknownLocal)
	run := h.run("backup")
	a := h.agent()
	refs := a.claim(3)
	a.begin(refs...)
	h.clock.add(100 * time.Second)
	require.Equal(t, []bool{true, true, true}, a.report(held, refs...))
	h.clock.add(100 * time.Second)
	h.reap()
	require.Equal(t, []string{"RUNNING", "RUNNING", "RUNNING"}, h.states(run.GetId()), "held in time")
	h.clock.add(30 * time.Second)
	h.reap()
	require.Equal(t, []string{"RETRY_WAIT", "RETRY_WAIT", "RETRY_WAIT"}, h.states(run.GetId()))
	h.clock.add(20 * time.Second)
	h.reap()
	require.Equal(t, []string{"READY", "READY", "READY"}, h.states(run.GetId()))
	require.Empty(t, h.agent().claim(3), "the devices stay held: their sessions may be open")

	require.Equal(t, []jobv1.ResumeAgentResponse_Verdict{jobv1.ResumeAgentResponse_CONTINUE, jobv1.ResumeAgentResponse_SEND_RESULT},
		a.resume(refs[:1], refs[1:2]))
	require.True(t, a.finish(ok, refs[0])[0].GetApplied())
	require.True(t, a.finish(ok, refs[1])[0].GetApplied())

	h.clock.add(8 * time.Minute) // beyond deadline + 60 s of the third, which the agent no longer named
	h.reap()
	b := h.agent()
	again := b.claim(3)
	require.Len(t, again, 1)
	b.begin(again...)
	require.False(t, a.finish(ok, refs[2])[0].GetApplied(), "stale")
	require.Equal(t, jobv1.ResumeAgentResponse_SEND_RESULT, a.resume(nil, refs[2:])[0], "an observation is still worth having")
	require.True(t, b.finish(ok, again...)[0].GetApplied())
	require.Equal(t, jobv1.Run_SUCCEEDED, h.get(run.GetId()).GetState())
}

func Test27StaleFencesChangeNothing(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	run := h.run("backup")
	a, b := h.agent(), h.agent()
	refs := a.claim(1)
	stale := &jobv1.AttemptRef{TaskId: refs[0].GetTaskId(), Fence: refs[0].GetFence() + 1}
	require.Equal(t, []bool{false}, a.report(accepted, stale))
	require.Equal(t, []bool{false}, b.report(accepted, refs[0]))
	require.Equal(t, []bool{false}, b.report(held, refs[0]))
	require.False(t, b.finish(ok, refs[0])[0].GetApplied())
	require.Equal(t, []string{"OFFERED"}, h.states(run.GetId()))
	require.Equal(t, []bool{true}, a.report(declined, refs[0]))
	require.Equal(t, []string{"READY"}, h.states(run.GetId()))
	nobody := &jobv1.AttemptRef{TaskId: uuid.NewString(), Fence: 1}
	require.False(t, a.finish(ok, nobody)[0].GetApplied())
	require.Equal(t, []jobv1.ResumeAgentResponse_Verdict{jobv1.ResumeAgentResponse_ABORT, jobv1.ResumeAgentResponse_DROP_RESULT},
		a.resume([]*jobv1.AttemptRef{nobody}, []*jobv1.AttemptRef{nobody}))
}

func Test29PoisonEndsAfterThreeAttempts(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	run := h.run("backup")
	a := h.agent()
	for range 3 {
		h.clock.add(time.Minute)
		h.reap()
		refs := a.claim(1)
		require.Len(t, refs, 1)
		a.begin(refs...)
		a.resume(nil, nil) // it crashed
	}
	task := h.tasks(run.GetId())[0]
	require.Equal(t, jobv1.Task_FAILED, task.GetState())
	require.Equal(t, jobv1.Failure_POISON, task.GetFailure().GetClass())
	require.EqualValues(t, 3, task.GetAttempt())
}

func TestTaskLog(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	h.run("backup")
	a := h.agent()
	refs := a.claim(1)
	item := func(ref *jobv1.AttemptRef, seq int32, text string) *jobv1.AppendTaskLogRequest_Item {
		return &jobv1.AppendTaskLogRequest_Item{Attempt: ref, Sequence: seq, Line: &jobv1.LogLine{Attempt: 1, Level: "WARN", Message: text, At: timestamppb.New(h.clock.Now())}}
	}
	items := []*jobv1.AppendTaskLogRequest_Item{item(refs[0], 0, "one"), item(refs[0], 1, string(make([]byte, 5000))+"two"), item(refs[0], 5000, "flood")}
	for range 2 {
		_, err := h.hub.AppendTaskLog(h.ctx, &jobv1.AppendTaskLogRequest{AgentId: a.id, Items: items})
		require.NoError(t, err)
	}
	_, err := h.hub.AppendTaskLog(h.ctx, &jobv1.AppendTaskLogRequest{AgentId: uuid.NewString(), Items: []*jobv1.AppendTaskLogRequest_Item{item(refs[0], 7, "not mine")}})
	require.NoError(t, err)
	resp, err := h.runs.ListTaskLog(h.ctx, &jobv1.ListTaskLogRequest{Id: refs[0].GetTaskId()})
	require.NoError(t, err)
	require.Len(t, resp.GetItems(), 2)
	require.Equal(t, "one", resp.GetItems()[0].GetMessage())
	require.Equal(t, "two", resp.GetItems()[1].GetMessage())
}
