package hub_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// FAILURES 72: what the store kept apart is durable for the agent, and no success for people: the task says what is missing and what to do.
func Test72AShrunkConfigurationIsNoSuccess(t *testing.T) {
	h := newHouse(t)
	h.store.suspect = &gitstorev1.Suspect{RevisionId: "rev-1", Artifact: "running.cfg", LinesBefore: 180, LinesNow: 12, SizeBefore: 6000, SizeNow: 300}
	p := h.join()
	p.connect(hello(1))
	require.Equal(t, hubv1.ResultAck_DURABLE, p.send(backup(p.task(1))).GetOutcome(), "the agent may forget it")
	end := h.job.finished[0]
	require.False(t, end.GetSucceeded())
	require.False(t, end.GetChanged())
	require.Equal(t, jobv1.Failure_SUSPECT, end.GetFailure().GetClass())
	for _, part := range []string{"running.cfg has 12 lines", "180", "config diff rev-1", "config accept rev-1", "/api/v1/revisions/rev-1:accept"} {
		require.Contains(t, end.GetFailure().GetHint(), part)
	}
	seen := h.targets.seen[0]
	require.True(t, seen.GetSeen(), "the device answered")
	require.False(t, seen.GetBackedUp())
}
