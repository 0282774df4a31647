package cli_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
)

// fakeRuns runs at once. What becomes of a device is in its name:
//
//	bad...   fails with words that would paint a terminal red
//	same...  succeeds and has not changed
//	cut...   makes the first stream of its run break after one event
//	deaf...  makes every stream of its run fail at once; the run ends with the third look at it
//	slow...  never ends
type fakeRuns struct {
	jobv1.UnimplementedRunServiceServer
	house *house

	mu      sync.Mutex
	runs    []*jobv1.Run
	tasks   map[string][]*jobv1.Task
	streams map[string]int
	looks   map[string]int
}

func newFakeRuns(h *house) *fakeRuns {
	return &fakeRuns{house: h, tasks: map[string][]*jobv1.Task{}, streams: map[string]int{}, looks: map[string]int{}}
}

func (f *fakeRuns) CreateRun(_ context.Context, r *jobv1.CreateRunRequest) (*jobv1.Run, error) {
	if r.RequestId == "" {
		return nil, errs.Invalid("request_id", "REQUIRED", "the client always sends one")
	}
	if r.Kind == "fly" {
		return nil, errs.New(codes.InvalidArgument, "KIND_UNKNOWN", "there is no job kind %q", r.Kind).Field("kind", "UNKNOWN", "GET /job_kinds lists them")
	}
	var chosen []*inventoryv1.Device
	for _, m := range f.house.devices.rows {
		d := m.(*inventoryv1.Device)
		shares := slices.ContainsFunc(d.Tags, func(t string) bool { return slices.Contains(r.Tags, t) })
		if r.All || slices.Contains(r.DeviceIds, d.Id) || shares || slices.Contains(r.SiteIds, d.SiteId) {
			chosen = append(chosen, d)
		}
	}
	return f.start(r.Kind, chosen, r.Params), nil
}

func (f *fakeRuns) start(kind string, devices []*inventoryv1.Device, params *structpb.Struct) *jobv1.Run {
	f.mu.Lock()
	defer f.mu.Unlock()
	run := &jobv1.Run{Id: uuid.Must(uuid.NewV7()).String(), Kind: kind, State: jobv1.Run_PENDING, CreatedAt: longAgo, Counts: &jobv1.Run_Counts{}, Params: params}
	for _, d := range devices {
		t := &jobv1.Task{Id: uuid.NewString(), RunId: run.Id, DeviceId: d.Id, DeviceName: d.Name, State: jobv1.Task_SUCCEEDED, Attempt: 1, Changed: true}
		switch {
		case strings.HasPrefix(d.Name, "bad"):
			t.State, t.Changed = jobv1.Task_FAILED, false
			t.Failure = &jobv1.Failure{Class: jobv1.Failure_AUTH, Stage: "login", Credential: "lab",
				DeviceSaid: "Password:\n\x1b[31mLogin invalid\x07", Hint: "check the password of credential lab"}
		case strings.HasPrefix(d.Name, "same"):
			t.Changed = false
		}
		f.tasks[run.Id] = append(f.tasks[run.Id], t)
	}
	f.runs = append([]*jobv1.Run{run}, f.runs...)
	return proto.Clone(run).(*jobv1.Run)
}

// end puts the run where its tasks bring it.
func (f *fakeRuns) end(run *jobv1.Run) {
	n := &jobv1.Run_Counts{}
	for _, t := range f.tasks[run.Id] {
		n.Total++
		if t.State == jobv1.Task_FAILED {
			n.Failed++
		} else {
			n.Succeeded++
		}
		if t.Changed {
			n.Changed++
		}
	}
	run.Counts, run.FinishedAt = n, longAgo
	switch {
	case n.Total == 0:
		run.State, run.Reason = jobv1.Run_EMPTY, "no device was selected"
	case n.Failed == 0:
		run.State = jobv1.Run_SUCCEEDED
	case n.Succeeded == 0:
		run.State = jobv1.Run_FAILED
	default:
		run.State = jobv1.Run_PARTIAL
	}
}

func (f *fakeRuns) has(runID, prefix string) bool {
	return slices.ContainsFunc(f.tasks[runID], func(t *jobv1.Task) bool { return strings.HasPrefix(t.DeviceName, prefix) })
}

func (f *fakeRuns) find(id string) (*jobv1.Run, error) {
	for _, r := range f.runs {
		if r.Id == id {
			return r, nil
		}
	}
	return nil, errs.NotFound("run", id)
}

func (f *fakeRuns) GetRun(_ context.Context, r *jobv1.GetRunRequest) (*jobv1.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	run, err := f.find(r.Id)
	if err != nil {
		return nil, err
	}
	if f.looks[r.Id]++; f.has(r.Id, "deaf") && f.looks[r.Id] >= 3 {
		f.end(run)
	}
	return proto.Clone(run).(*jobv1.Run), nil
}

func (f *fakeRuns) WatchRun(r *jobv1.WatchRunRequest, stream grpc.ServerStreamingServer[jobv1.RunEvent]) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	run, err := f.find(r.Id)
	if err != nil {
		return err
	}
	f.streams[r.Id]++
	if f.has(r.Id, "deaf") {
		return errs.New(codes.Unavailable, "SHUTTING_DOWN", "the server is going down")
	}
	if run.State == jobv1.Run_PENDING {
		run.State = jobv1.Run_RUNNING
	}
	if err := stream.Send(&jobv1.RunEvent{Run: run}); err != nil {
		return err
	}
	if f.has(r.Id, "slow") {
		<-stream.Context().Done()
		return stream.Context().Err()
	}
	if f.has(r.Id, "cut") && f.streams[r.Id] == 1 {
		return errs.New(codes.Unavailable, "SHUTTING_DOWN", "the server is going down")
	}
	for _, t := range f.tasks[r.Id] {
		if err := stream.Send(&jobv1.RunEvent{Run: run, Tasks: []*jobv1.Task{t}}); err != nil {
			return err
		}
	}
	f.end(run)
	return stream.Send(&jobv1.RunEvent{Run: run})
}

func (f *fakeRuns) ListRuns(_ context.Context, r *jobv1.ListRunsRequest) (*jobv1.ListRunsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := &jobv1.ListRunsResponse{}
	for _, run := range f.runs {
		if (r.Kind == "" || r.Kind == run.Kind) && (r.State == 0 || r.State == run.State) {
			out.Items = append(out.Items, run)
		}
	}
	if int(r.PageSize) < len(out.Items) {
		out.Items, out.NextPageToken = out.Items[:r.PageSize], fmt.Sprint(r.PageSize)
	}
	return out, nil
}

func (f *fakeRuns) ListTasks(_ context.Context, r *jobv1.ListTasksRequest) (*jobv1.ListTasksResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, err := f.find(r.RunId); err != nil {
		return nil, err
	}
	out := &jobv1.ListTasksResponse{}
	for _, t := range f.tasks[r.RunId] {
		if r.State == 0 || r.State == t.State {
			out.Items = append(out.Items, t)
		}
	}
	return out, nil
}

func (f *fakeRuns) CancelRun(_ context.Context, r *jobv1.CancelRunRequest) (*jobv1.Run, error) {
	return f.to(r.Id, jobv1.Run_CANCELLED)
}

func (f *fakeRuns) PauseRun(_ context.Context, r *jobv1.PauseRunRequest) (*jobv1.Run, error) {
	return f.to(r.Id, jobv1.Run_PAUSED)
}

func (f *fakeRuns) ResumeRun(_ context.Context, r *jobv1.ResumeRunRequest) (*jobv1.Run, error) {
	return f.to(r.Id, jobv1.Run_RUNNING)
}

func (f *fakeRuns) to(id string, state jobv1.Run_State) (*jobv1.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	run, err := f.find(id)
	if err == nil {
		run.State = state
	}
	return run, err
}

func (f *fakeRuns) RetryFailed(_ context.Context, r *jobv1.RetryFailedRequest) (*jobv1.Run, error) {
	var failed []*inventoryv1.Device
	for _, t := range f.tasks[r.Id] {
		if t.State == jobv1.Task_FAILED {
			failed = append(failed, &inventoryv1.Device{Id: t.DeviceId, Name: t.DeviceName})
		}
	}
	if len(failed) == 0 {
		return nil, errs.New(codes.FailedPrecondition, "NOTHING_FAILED", "nothing failed in this run")
	}
	return f.start("backup", failed, nil), nil
}

func (f *fakeRuns) TestDevice(_ context.Context, r *jobv1.TestDeviceRequest) (*jobv1.Run, error) {
	if r.RequestId == "" {
		return nil, errs.Invalid("request_id", "REQUIRED", "the client always sends one")
	}
	d, err := get[*inventoryv1.Device](f.house.devices, r.Id)
	if err != nil {
		return nil, err
	}
	params := &structpb.Struct{Fields: map[string]*structpb.Value{"transcript": structpb.NewBoolValue(r.Transcript)}}
	return f.start("login", []*inventoryv1.Device{d}, params), nil
}

// GetTranscript answers what was said on the one device of the newest run, if that was started with the parameter.
func (f *fakeRuns) GetTranscript(_ context.Context, r *jobv1.GetTranscriptRequest) (*jobv1.Transcript, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, run := range f.runs {
		for _, t := range f.tasks[run.Id] {
			if t.Id == r.Id && run.GetParams().GetFields()["transcript"].GetBoolValue() {
				return &jobv1.Transcript{TaskId: t.Id, Text: "-- login\n>> show clock\n10:00:00\x1b[2J UTC\n"}, nil
			}
		}
	}
	return nil, errs.New(codes.NotFound, "TRANSCRIPT_NOT_FOUND", "this task has no transcript")
}

// GetTaskResult answers what a run of kind command or login found out on the device.
func (f *fakeRuns) GetTaskResult(_ context.Context, r *jobv1.GetTaskResultRequest) (*jobv1.TaskResult, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, run := range f.runs {
		for _, t := range f.tasks[run.Id] {
			if t.Id != r.Id {
				continue
			}
			out := &jobv1.TaskResult{TaskId: t.Id, RunId: run.Id, DeviceId: t.DeviceId, DeviceName: t.DeviceName, Kind: run.Kind, Attempt: 1, FinishedAt: longAgo}
			switch run.Kind {
			case "command":
				out.Commands = []*jobv1.CommandResult{{Command: "show clock", Output: "10:00:00\x1b[2J UTC\n", DurationMs: 7, Truncated: true}}
				return out, nil
			case "login":
				out.Login = &jobv1.LoginResult{Stages: []*jobv1.LoginResult_Stage{{Name: "connect", Ok: true, Ms: 3, Detail: "192.0.2.1:22"},
					{Name: "login", Ok: t.Failure == nil, Ms: 40, Detail: "credential lab"}}}
				return out, nil
			}
		}
	}
	return nil, errs.New(codes.NotFound, "RESULT_NOT_FOUND", "this task has no result")
}

func (f *fakeRuns) ListTaskLog(context.Context, *jobv1.ListTaskLogRequest) (*jobv1.ListTaskLogResponse, error) {
	return &jobv1.ListTaskLogResponse{Items: []*jobv1.LogLine{{At: longAgo, Attempt: 1, Level: "INFO", Message: "connected\x1b[2J"}}}, nil
}

type fakeJobs struct {
	jobv1.UnimplementedJobServiceServer
	*house
}

func (h *house) furnishJobs() {
	_, err := create(h.jobs, &jobv1.Job{Name: "nightly backup", Kind: "backup", System: true})
	must(err)
}

func (f *fakeJobs) ListJobs(_ context.Context, r *jobv1.ListJobsRequest) (*jobv1.ListJobsResponse, error) {
	items, next, err := pageOf[*jobv1.Job](f.jobs, r.PageSize, r.PageToken, nil)
	return &jobv1.ListJobsResponse{Items: items, NextPageToken: next}, err
}

func (f *fakeJobs) CreateJob(_ context.Context, r *jobv1.CreateJobRequest) (*jobv1.Job, error) {
	return create(f.jobs, r.Job)
}

func (f *fakeJobs) GetJob(_ context.Context, r *jobv1.GetJobRequest) (*jobv1.Job, error) {
	return get[*jobv1.Job](f.jobs, r.Id)
}

func (f *fakeJobs) UpdateJob(_ context.Context, r *jobv1.UpdateJobRequest) (*jobv1.Job, error) {
	return update(f.jobs, r.Job, r.UpdateMask)
}

func (f *fakeJobs) DeleteJob(_ context.Context, r *jobv1.DeleteJobRequest) (*emptypb.Empty, error) {
	j, err := get[*jobv1.Job](f.jobs, r.Id)
	if err == nil && j.System {
		err = errs.New(codes.FailedPrecondition, "SYSTEM_JOB", "a job that NetRaven made can be disabled, not deleted")
	}
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, remove(f.jobs, r.Id)
}

func (f *fakeJobs) RunJob(_ context.Context, r *jobv1.RunJobRequest) (*jobv1.Run, error) {
	j, err := get[*jobv1.Job](f.jobs, r.Id)
	if err != nil {
		return nil, err
	}
	var all []*inventoryv1.Device
	for _, m := range f.devices.rows {
		all = append(all, m.(*inventoryv1.Device))
	}
	return f.runs.start(j.Kind, all, nil), nil
}

func (f *fakeJobs) ListJobKinds(context.Context, *jobv1.ListJobKindsRequest) (*jobv1.ListJobKindsResponse, error) {
	return &jobv1.ListJobKindsResponse{Items: []*jobv1.JobKind{{Name: "backup", Description: "Back up the configuration"},
		{Name: "command", Description: "Run commands", Params: []*jobv1.JobKind_Param{{Name: "commands", Type: "strings", Required: true}}}}}, nil
}
