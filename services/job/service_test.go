package job

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
)

// The service's own loops take a run from creation to its end, over two replicas, and long polls end with Run.
func TestRunByItself(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(20, wellknownLocal)
	h.clock.at = time.Now().UTC()
	other := h.service()
	ctx, stop := context.WithCancel(h.ctx)
	done := make(chan error, 2)
	for _, s := range []*Service{h.s, other} {
		go func() { done <- s.Run(ctx) }()
	}
	a := h.agent()
	a.h = &house{t: t, ctx: h.ctx, hub: jobv1.NewDispatchServiceClient(grpctest.Serve(t, "hub", nil, other))}

	run, err := h.runs.CreateRun(h.ctx, &jobv1.CreateRunRequest{Kind: "backup", All: true})
	require.NoError(t, err)
	for finished := 0; finished < 20; {
		resp, err := a.h.hub.ClaimTasks(h.ctx, &jobv1.ClaimTasksRequest{AgentId: a.id, GatewayId: a.gateway, Max: 7, WaitMs: 20_000})
		require.NoError(t, err)
		require.NotEmpty(t, resp.GetClaims())
		for _, claim := range resp.GetClaims() {
			ref := &jobv1.AttemptRef{TaskId: claim.GetView().GetTaskId(), Fence: claim.GetView().GetFence()}
			a.begin(ref)
			a.finish(ok, ref)
			finished++
		}
	}
	stream, err := h.runs.WatchRun(h.ctx, &jobv1.WatchRunRequest{Id: run.GetId()})
	require.NoError(t, err)
	var last *jobv1.RunEvent
	for event, err := stream.Recv(); err == nil; event, err = stream.Recv() {
		last = event
	}
	require.Equal(t, jobv1.Run_SUCCEEDED, last.GetRun().GetState())

	poll := make(chan error, 1)
	go func() {
		_, err := h.hub.ClaimTasks(h.ctx, &jobv1.ClaimTasksRequest{AgentId: a.id, GatewayId: a.gateway, Max: 1, WaitMs: 30_000})
		poll <- err
	}()
	stop()
	require.NoError(t, <-done)
	require.NoError(t, <-done)
	require.NoError(t, <-poll)
}

// FAILURES 41: leases are judged by the database's clock.
func Test41DatabaseClock(t *testing.T) {
	h := newHouse(t)
	clock := &databaseClock{store: h.s.store}
	require.WithinDuration(t, time.Now(), clock.Now(), time.Minute)
	require.NoError(t, clock.compare(h.ctx))
	clock.mu.Lock()
	clock.there = clock.there.Add(2 * time.Hour) // as if this machine were two hours behind
	clock.mu.Unlock()
	require.WithinDuration(t, time.Now().Add(2*time.Hour), clock.Now(), time.Minute)
	require.NoError(t, clock.compare(h.ctx))
	require.WithinDuration(t, time.Now(), clock.Now(), time.Minute)
}
