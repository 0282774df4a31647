package job

import (
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/wellknown"
)

func TestJobs(t *testing.T) {
	h := newHouse(t)
	ids := h.inventory.add(2, wellknownLocal)
	job, err := h.jobs.CreateJob(h.ctx, &jobv1.CreateJobRequest{Job: &jobv1.Job{Name: "Core", Kind: "backup", Selection: &inventoryv1.Selection{DeviceIds: ids[:1]}}})
	require.NoError(t, err)
	_, err = h.jobs.CreateJob(h.ctx, &jobv1.CreateJobRequest{Job: &jobv1.Job{Name: "core", Kind: "backup"}})
	require.Equal(t, "JOB_EXISTS", errs.Reason(err))
	job, err = h.jobs.UpdateJob(h.ctx, &jobv1.UpdateJobRequest{Job: &jobv1.Job{Id: job.GetId(), Name: "Edge"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"name"}}})
	require.NoError(t, err)
	require.Equal(t, "Edge", job.GetName())
	require.Equal(t, ids[:1], job.GetSelection().GetDeviceIds())
	run, err := h.jobs.RunJob(h.ctx, &jobv1.RunJobRequest{Id: job.GetId(), RequestId: "x"})
	require.NoError(t, err)
	require.Equal(t, job.GetId(), run.GetJobId())
	same, err := h.jobs.RunJob(h.ctx, &jobv1.RunJobRequest{Id: job.GetId(), RequestId: "x"})
	require.NoError(t, err)
	require.Equal(t, run.GetId(), same.GetId())
	list, err := h.jobs.ListJobs(h.ctx, &jobv1.ListJobsRequest{})
	require.NoError(t, err)
	require.Len(t, list.GetItems(), 2)
	require.True(t, list.GetItems()[1].GetSystem())
	_, err = h.jobs.DeleteJob(h.ctx, &jobv1.DeleteJobRequest{Id: wellknown.SystemBackupJobID})
	require.Equal(t, "SYSTEM_JOB", errs.Reason(err))
	_, err = h.jobs.DeleteJob(h.ctx, &jobv1.DeleteJobRequest{Id: job.GetId()})
	require.NoError(t, err)
	_, err = h.jobs.GetJob(h.ctx, &jobv1.GetJobRequest{Id: job.GetId()})
	require.Equal(t, "JOB_NOT_FOUND", errs.Reason(err))
}

// DESIGN 5: the nightly backup sends no passwords to devices that never worked.
func TestNightlyBackupTakesOnlyProvenDevices(t *testing.T) {
	h := newHouse(t)
	ids := h.inventory.add(3, wellknownLocal)
	nightly := func() []*jobv1.Task {
		run, err := h.jobs.RunJob(h.ctx, &jobv1.RunJobRequest{Id: wellknown.SystemBackupJobID})
		require.NoError(t, err)
		require.NoError(t, h.s.expandAll(h.ctx))
		return h.tasks(run.GetId())
	}
	require.Empty(t, nightly())
	h.run("backup", ids[1])
	a := h.agent()
	refs := a.claim(1)
	a.begin(refs...)
	a.finish(ok, refs...)
	tasks := nightly()
	require.Len(t, tasks, 1)
	require.Equal(t, ids[1], tasks[0].GetDeviceId())
}
