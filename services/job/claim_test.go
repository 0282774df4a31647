package job

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
)

func Test75DeviceMovedToAnotherGateway(t *testing.T) {
	h := newHouse(t)
	ids := h.inventory.add(2, wellknownLocal)
	run := h.run("backup")
	h.inventory.gateway[ids[0]] = otherGateway
	a, b := h.agent(), h.agent()
	b.gateway = otherGateway
	require.Len(t, a.claim(5), 1)
	require.Len(t, b.claim(5), 1)
	require.Equal(t, []string{"OFFERED", "OFFERED"}, h.states(run.GetId()))
}

// A gateway without agents does not keep what another one can do.
func Test75DeviceMovedAwayFromADeadGateway(t *testing.T) {
	h := newHouse(t)
	ids := h.inventory.add(2, otherGateway)
	h.run("backup")
	h.inventory.gateway[ids[0]] = wellknownLocal
	a := h.agent()
	h.clock.add(time.Minute)
	for range movedEvery {
		h.reap()
	}
	require.Len(t, a.claim(5), 1)
}

func Test76GoneDevicesAreSkipped(t *testing.T) {
	h := newHouse(t)
	ids := h.inventory.add(2, wellknownLocal)
	run := h.run("backup")
	delete(h.inventory.gateway, ids[0])
	a := h.agent()
	refs := a.claim(5)
	require.Len(t, refs, 1)
	a.begin(refs...)
	a.finish(ok, refs...)
	require.Equal(t, []string{"SKIPPED", "SUCCEEDED"}, h.states(run.GetId()))
	require.Equal(t, jobv1.Run_SUCCEEDED, h.get(run.GetId()).GetState())
}

func Test85CredentialsHoldTasksBack(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(2, wellknownLocal)
	run := h.run("backup")
	a := h.agent()
	n := 0
	h.vault.answer = func(item *vaultv1.ReserveCredentialsRequest_Item) *vaultv1.ReserveCredentialsResponse_Item {
		n++
		return &vaultv1.ReserveCredentialsResponse_Item{TaskId: item.GetTaskId(), NoCredential: n == 1,
			RetryAfter: timestamppb.New(h.clock.Now().Add(5 * time.Second)), WaitingFor: "core"}
	}
	require.Empty(t, a.claim(2))
	tasks := h.tasks(run.GetId())
	if tasks[0].GetState() == jobv1.Task_READY {
		tasks[0], tasks[1] = tasks[1], tasks[0]
	}
	require.Equal(t, jobv1.Failure_NO_CREDENTIAL, tasks[0].GetFailure().GetClass())
	require.Equal(t, jobv1.Task_READY, tasks[1].GetState())
	require.Equal(t, "credential core", tasks[1].GetWaitingFor())
	h.vault.answer = nil
	require.Empty(t, a.claim(2), "not before it makes sense")
	h.clock.add(6 * time.Second)
	require.Len(t, a.claim(2), 1)
}

func Test87BusyDevicesDoNotBlockTheQueue(t *testing.T) {
	h := newHouse(t)
	ids := h.inventory.add(3, wellknownLocal)
	first := h.run("backup", ids[0])
	a := h.agent()
	refs := a.claim(1)
	a.begin(refs...)
	second := h.run("backup", ids...)
	got := a.claim(1)
	if len(got) == 0 { // the busy device stood first; it is out of the way now
		got = a.claim(1)
	}
	require.Len(t, got, 1)
	require.Len(t, a.claim(5), 1)
	require.Empty(t, a.claim(5))
	a.finish(ok, refs...)
	h.clock.add(2 * time.Second)
	require.Len(t, a.claim(5), 1)
	require.Equal(t, jobv1.Run_SUCCEEDED, h.get(first.GetId()).GetState())
	require.Equal(t, []string{"OFFERED", "OFFERED", "OFFERED"}, h.states(second.GetId()))
}

func Test88NoAgentForADay(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(2, wellknownLocal)
	run := h.run("backup")
	h.clock.add(23 * time.Hour)
	h.reap()
	require.Equal(t, []string{"READY", "READY"}, h.states(run.GetId()))
	h.clock.add(2 * time.Hour)
	h.reap()
	require.Equal(t, []string{"EXPIRED", "EXPIRED"}, h.states(run.GetId()))
	require.Equal(t, jobv1.Failure_NO_AGENT, h.tasks(run.GetId())[0].GetFailure().GetClass())
	require.Equal(t, jobv1.Run_EXPIRED, h.get(run.GetId()).GetState())
}

func TestCapsOfTheGateway(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(50, wellknownLocal)
	h.inventory.sessions, h.inventory.logins = 8, 5
	h.run("backup")
	a := h.agent()
	require.Len(t, a.claim(50), 5, "logins_per_second")
	require.Empty(t, a.claim(50))
	h.clock.add(400 * time.Millisecond)
	require.Len(t, a.claim(50), 2)
	h.clock.add(time.Second)
	require.Len(t, a.claim(50), 1, "max_sessions")
	require.Empty(t, a.claim(50))
	require.Len(t, h.agent().claim(50), 4, "the cap is an agent's own, the rate is the gateway's")
	h.inventory.sessions, h.inventory.logins = 20, 50
	h.clock.add(time.Second)
	require.Len(t, a.claim(50), 12, "a changed cap counts at once")
}

func TestNeighboursAwayTaskGoesBack(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	run := h.run("backup")
	a := h.agent()
	h.vault.away = errs.New(14, "SERVICE_UNAVAILABLE", "vault is away")
	_, err := h.hub.ClaimTasks(h.ctx, &jobv1.ClaimTasksRequest{AgentId: a.id, GatewayId: a.gateway, Max: 1})
	require.Equal(t, "SERVICE_UNAVAILABLE", errs.Reason(err))
	require.Equal(t, []string{"READY"}, h.states(run.GetId()))
	h.vault.away = nil
	h.clock.add(2 * time.Second)
	require.Len(t, a.claim(1), 1)
}

func TestClaimWakesUp(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	a := h.agent()
	got := make(chan int, 1)
	go func() {
		resp, err := h.hub.ClaimTasks(h.ctx, &jobv1.ClaimTasksRequest{AgentId: a.id, GatewayId: a.gateway, Max: 1, WaitMs: 30_000})
		if err == nil {
			got <- len(resp.GetClaims())
		}
		close(got)
	}()
	h.run("backup")
	require.Equal(t, 1, <-got)
}

func TestAFreedSessionWakesWaitingClaims(t *testing.T) {
	h := newHouse(t)
	h.inventory.sessions = 1
	h.inventory.add(2, wellknownLocal)
	h.run("backup")
	a := h.agent()
	refs := a.claim(2)
	require.Len(t, refs, 1)
	a.begin(refs...)
	require.Empty(t, a.claim(1), "the session is in use")
	bell, done := h.s.bells.listen(gatewayKey(a.gateway))
	defer done()
	a.finish(jobv1.Failure_UNSPECIFIED, refs...)
	select {
	case <-bell:
	default:
		t.Fatal("nobody is told that a session is free")
	}
	require.Len(t, a.claim(1), 1)
}

// An offer says whether a schedule or a person started its run: the history keeps it with each commit.
func TestAnOfferSaysWhatStartedItsRun(t *testing.T) {
	h := newHouse(t)
	ids := h.inventory.add(1, wellknownLocal)
	job, err := h.jobs.CreateJob(h.ctx, &jobv1.CreateJobRequest{Job: &jobv1.Job{Name: "nightly", Kind: "backup", Selection: &inventoryv1.Selection{DeviceIds: ids}}})
	require.NoError(t, err)
	a := h.agent()
	next := func() string {
		require.NoError(t, h.s.expandAll(h.ctx))
		claims := a.claims(1)
		require.Len(t, claims, 1)
		ref := refOfClaim(claims[0])
		a.begin(ref)
		a.finish(ok, ref)
		return claims[0].GetView().GetTrigger()
	}
	h.run("backup")
	require.Equal(t, "user", next())
	_, err = jobv1.NewJobServiceClient(grpctest.Serve(t, "scheduler", nil, h.s)).RunJob(h.ctx, &jobv1.RunJobRequest{Id: job.GetId()})
	require.NoError(t, err)
	require.Equal(t, "schedule", next())
}

func refOfClaim(c *jobv1.ClaimTasksResponse_Claim) *jobv1.AttemptRef {
	return &jobv1.AttemptRef{TaskId: c.GetView().GetTaskId(), Fence: c.GetView().GetFence()}
}
