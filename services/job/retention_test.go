package job

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
)

func (h *house) rows(table string) (n int) {
	h.t.Helper()
	require.NoError(h.t, h.pool.QueryRow(h.ctx, "SELECT count(*) FROM "+table).Scan(&n)) // table is a constant of a test
	return n
}

func TestOldRunsGoWithAllThatIsTheirs(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(3, wellknownLocal)
	old := h.run("backup")
	a := h.agent()
	for _, ref := range a.claim(3) {
		a.begin(ref)
		a.found(ref, ok, output("x"))
	}
	require.NotNil(t, h.get(old.GetId()).GetFinishedAt())
	require.Equal(t, 3, h.rows("task_result"))

	h.clock.add(89 * 24 * time.Hour)
	recent := h.run("backup")
	for _, ref := range a.claim(3) {
		a.begin(ref)
		a.found(ref, ok, nil)
	}
	require.NotNil(t, h.get(recent.GetId()).GetFinishedAt())
	waiting := h.run("login")
	h.reap()
	require.Equal(t, old.GetId(), h.get(old.GetId()).GetId(), "not yet")

	ask := func(days int32) *jobv1.RunRetention {
		out, err := h.runs.GetRunRetention(h.ctx, &jobv1.GetRunRetentionRequest{Days: days})
		require.NoError(t, err)
		return out
	}
	require.Equal(t, 0, int(ask(0).GetRuns()))
	require.EqualValues(t, 90, ask(0).GetConfiguredDays())
	require.Equal(t, 1, int(ask(88).GetRuns()), "the older one would go, the recent one not")
	require.Equal(t, 3, int(ask(88).GetTasks()))
	require.NotNil(t, ask(88).GetOldest())
	_, err := h.runs.GetRunRetention(h.ctx, &jobv1.GetRunRetentionRequest{Days: -1})
	require.Equal(t, "FIELD_INVALID", errs.Reason(err))

	h.clock.add(2 * 24 * time.Hour)
	h.reap()
	_, err = h.runs.GetRun(h.ctx, &jobv1.GetRunRequest{Id: old.GetId()})
	require.Equal(t, "RUN_NOT_FOUND", errs.Reason(err))
	require.Equal(t, 3, h.rows("attempt"))
	require.Equal(t, 0, h.rows("task_result"))
	require.Len(t, h.tasks(recent.GetId()), 3)
	require.Len(t, h.tasks(waiting.GetId()), 3)
	h.reap()
	require.Equal(t, 2, h.rows("run"))
}
