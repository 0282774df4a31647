package job

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
)

// trust is a hand fake of the audit trail.
type trust struct {
	authv1.TrustServiceClient
	mu    sync.Mutex
	lines []*authv1.AuditLine
	away  error
}

func (f *trust) AppendAudit(_ context.Context, req *authv1.AppendAuditRequest, _ ...grpc.CallOption) (*authv1.AppendAuditResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away == nil {
		f.lines = append(f.lines, req.GetLines()...)
	}
	return &authv1.AppendAuditResponse{}, f.away
}

// mutating is an attempt of a mutating run on the only device, begun.
func (h *house) mutating() (*jobv1.Run, *agent, *jobv1.AttemptRef) {
	h.t.Helper()
	h.inventory.add(1, wellknownLocal)
	run := h.run("push")
	a := h.agent()
	ref := a.claim(1)[0]
	a.begin(ref)
	return run, a, ref
}

func TestBeforeItProceedsAMutatingAttemptIsTriedAgain(t *testing.T) {
	h := newHouse(t)
	run, a, ref := h.mutating()
	a.finish(jobv1.Failure_UNREACHABLE, ref)
	require.Equal(t, []string{"RETRY_WAIT"}, h.states(run.GetId()))
	require.Equal(t, []bool{false}, a.report(proceed, ref), "the attempt is over")
	h.clock.add(time.Minute)
	h.reap()
	second := a.claim(1)[0]
	a.begin(second)
	require.Empty(t, a.resume(nil, nil), "the agent restarted")
	require.Equal(t, []string{"RETRY_WAIT"}, h.states(run.GetId()))
	require.Equal(t, []bool{false}, a.report(proceed, second))
	h.clock.add(time.Minute)
	h.reap()
	third := a.claim(1)[0]
	a.begin(third)
	require.Equal(t, []bool{true}, a.report(proceed, third))
	require.Equal(t, []bool{true}, a.report(proceed, third), "the answer was lost on its way")
	require.Equal(t, []bool{false}, h.agent().report(proceed, third), "another agent")
	a.finish(ok, third)
	require.Equal(t, []string{"SUCCEEDED"}, h.states(run.GetId()))
}

func TestOnceItProceedsATaskIsNeverGivenOutAgain(t *testing.T) {
	for how, c := range map[string]struct {
		end  func(h *house, a *agent, ref *jobv1.AttemptRef)
		want string
	}{
		"unreachable":     {func(_ *house, a *agent, ref *jobv1.AttemptRef) { a.finish(jobv1.Failure_UNREACHABLE, ref) }, "FAILED"},
		"stopped between": {func(_ *house, a *agent, ref *jobv1.AttemptRef) { a.finish(jobv1.Failure_LEASE_LOST, ref) }, "INDETERMINATE"},
		"agent restarted": {func(_ *house, a *agent, _ *jobv1.AttemptRef) { a.resume(nil, nil) }, "INDETERMINATE"},
		"no news":         {func(h *house, _ *agent, _ *jobv1.AttemptRef) { h.clock.add(3 * time.Minute) }, "INDETERMINATE"},
		"no news, a retry": {func(h *house, a *agent, ref *jobv1.AttemptRef) {
			h.clock.add(3 * time.Minute)
			h.reap()
			a.report(held, ref)
		}, "INDETERMINATE"},
	} {
		t.Run(how, func(t *testing.T) {
			h := newHouse(t)
			run, a, ref := h.mutating()
			require.Equal(t, []bool{true}, a.report(proceed, ref))
			c.end(h, a, ref)
			h.reap()
			require.Equal(t, []string{c.want}, h.states(run.GetId()))
			h.clock.add(24 * time.Hour)
			h.reap()
			require.Empty(t, a.claim(1))
			require.Equal(t, jobv1.Run_FAILED, h.get(run.GetId()).GetState())
			_, err := h.runs.RetryFailed(h.ctx, &jobv1.RetryFailedRequest{Id: run.GetId()})
			if c.want == "INDETERMINATE" {
				require.Equal(t, "NOTHING_FAILED", errs.Reason(err), "a person looks at the device first")
			} else {
				require.NoError(t, err, "a person asked for it")
			}
		})
	}
}

func TestWhatMayNotProceed(t *testing.T) {
	h := newHouse(t)
	run, a, ref := h.mutating()
	_, err := h.runs.CancelRun(h.ctx, &jobv1.CancelRunRequest{Id: run.GetId()})
	require.NoError(t, err)
	require.Equal(t, []bool{false}, a.report(proceed, ref), "it is being cancelled")
	a.finish(jobv1.Failure_CANCELLED, ref)
	h.run("backup")
	ref = a.claim(1)[0]
	a.begin(ref)
	require.Equal(t, []bool{false}, a.report(proceed, ref), "a backup only reads")
}

func TestAnAgentThatMayNotChangeDevicesEndsTheTask(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	run := h.run("push")
	a := h.agent()
	_, err := h.hub.ReportAttempts(h.ctx, &jobv1.ReportAttemptsRequest{AgentId: a.id, Events: []*jobv1.ReportAttemptsRequest_Event{
		{Attempt: a.claim(1)[0], Kind: declined, Reason: "POLICY"},
	}})
	require.NoError(t, err)
	require.Equal(t, []string{"FAILED"}, h.states(run.GetId()))
	require.Equal(t, jobv1.Failure_POLICY, h.tasks(run.GetId())[0].GetFailure().GetClass())
	require.Len(t, h.vault.freed, 1)
}

func TestWhoMayStartWhatChangesDevices(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	h.run("push")
	require.Len(t, h.trust.lines, 1)
	require.Equal(t, "job.run.mutate OK", h.trust.lines[0].GetAction()+" "+h.trust.lines[0].GetOutcome())
	params, err := structpb.NewStruct(map[string]any{"mutating": true, "commands": []any{"secret word"}})
	require.NoError(t, err)
	job, err := h.jobs.CreateJob(h.ctx, &jobv1.CreateJobRequest{Job: &jobv1.Job{Name: "push", Kind: "backup", Params: params}})
	require.NoError(t, err)
	h.run("backup")
	require.Len(t, h.trust.lines, 1, "what reads leaves no line")

	user := &authn.Principal{UserID: uuid.NewString(), Username: "op", Permissions: []string{"job.run.create", "job.job.write"}}
	conn := grpctest.Serve(t, "api", user, h.s)
	runs, jobs := jobv1.NewRunServiceClient(conn), jobv1.NewJobServiceClient(conn)
	scheduler := jobv1.NewJobServiceClient(grpctest.Serve(t, "scheduler", nil, h.s))
	for what, try := range map[string]func() error{
		"run": func() error {
			_, err := runs.CreateRun(h.ctx, &jobv1.CreateRunRequest{Kind: "backup", All: true, Params: params})
			return err
		},
		"job":      func() error { _, err := jobs.RunJob(h.ctx, &jobv1.RunJobRequest{Id: job.GetId()}); return err },
		"schedule": func() error { _, err := scheduler.RunJob(h.ctx, &jobv1.RunJobRequest{Id: job.GetId()}); return err },
		"save": func() error {
			_, err := jobs.CreateJob(h.ctx, &jobv1.CreateJobRequest{Job: &jobv1.Job{Name: "mine", Kind: "backup", Params: params}})
			return err
		},
	} {
		require.Equal(t, "PERMISSION_DENIED", errs.Reason(try()), what)
	}
	require.Len(t, h.trust.lines, 4, "refusals to start are in the trail")
	require.Equal(t, "PERMISSION_DENIED", h.trust.lines[3].GetOutcome())
	_, err = h.jobs.RunJob(h.ctx, &jobv1.RunJobRequest{Id: job.GetId(), RequestId: "r"})
	require.NoError(t, err)
	last := h.trust.lines[4]
	require.Equal(t, job.GetId(), last.GetDetails()["job"])
	require.NotContains(t, last.String(), "secret word")

	h.trust.away = errs.New(14, "SERVICE_UNAVAILABLE", "gone")
	_, err = h.runs.CreateRun(h.ctx, &jobv1.CreateRunRequest{Kind: "push", All: true})
	require.Equal(t, "AUDIT_UNAVAILABLE", errs.Reason(err))
}
