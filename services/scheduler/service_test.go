package scheduler

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	schedulerdb "github.com/netraven/netraven/db/scheduler"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	schedulerv1 "github.com/netraven/netraven/gen/go/netraven/scheduler/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/internal/wellknown"
)

// jobs is a hand fake of job: every request_id makes one run.
type jobs struct {
	jobv1.JobServiceClient
	mu    sync.Mutex
	runs  map[string]string
	calls int
	err   error
	// deaf: the run is made, the answer is lost.
	deaf bool
}

func (f *jobs) GetJob(_ context.Context, req *jobv1.GetJobRequest, _ ...grpc.CallOption) (*jobv1.Job, error) {
	if req.GetId() == wellknown.SystemBackupJobID {
		return &jobv1.Job{Id: req.GetId()}, nil
	}
	return nil, errs.NotFound("job", req.GetId())
}

func (f *jobs) RunJob(_ context.Context, req *jobv1.RunJobRequest, _ ...grpc.CallOption) (*jobv1.Run, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.err != nil {
		return nil, f.err
	}
	if f.runs[req.GetRequestId()] == "" {
		f.runs[req.GetRequestId()] = uuid.NewString()
	}
	if f.deaf {
		return nil, errs.New(codes.Unavailable, "SERVICE_UNAVAILABLE", "gone")
	}
	return &jobv1.Run{Id: f.runs[req.GetRequestId()]}, nil
}

type house struct {
	t    testing.TB
	ctx  context.Context
	pool *pgxpool.Pool
	jobs *jobs
	mu   sync.Mutex
	at   time.Time
	s    *Service
	api  schedulerv1.ScheduleServiceClient
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *house) add(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

func newHouse(t testing.TB) *house {
	h := &house{t: t, ctx: t.Context(), pool: pgtest.New(t, "scheduler", schedulerdb.Migrations), jobs: &jobs{runs: map[string]string{}},
		at: time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)}
	h.s = h.replica()
	user := &authn.Principal{UserID: uuid.NewString(), Permissions: []string{"*"}}
	h.api = schedulerv1.NewScheduleServiceClient(grpctest.Serve(t, "api", user, h.s))
	return h
}

func (h *house) replica() *Service {
	s, err := New(Config{}, Deps{Pool: h.pool, Jobs: h.jobs, Now: h.now})
	require.NoError(h.t, err)
	return s
}

func (h *house) create(sch *schedulerv1.Schedule) (*schedulerv1.Schedule, error) {
	sch.JobId = wellknown.SystemBackupJobID
	if sch.Name == "" {
		sch.Name = "a schedule"
	}
	return h.api.CreateSchedule(h.ctx, &schedulerv1.CreateScheduleRequest{Schedule: sch})
}

func (h *house) mustCreate(sch *schedulerv1.Schedule) *schedulerv1.Schedule {
	h.t.Helper()
	out, err := h.create(sch)
	require.NoError(h.t, err)
	return out
}

func (h *house) fires(id string) []*schedulerv1.Fire {
	h.t.Helper()
	resp, err := h.api.ListFires(h.ctx, &schedulerv1.ListFiresRequest{ScheduleId: id})
	require.NoError(h.t, err)
	return resp.GetItems()
}

func TestAnIntervalFires(t *testing.T) {
	h := newHouse(t)
	sch := h.mustCreate(&schedulerv1.Schedule{Every: "15m"})
	require.Equal(t, h.now().Add(15*time.Minute), sch.GetNextFireAt().AsTime())
	require.True(t, sch.GetEnabled())
	require.NoError(t, h.s.tickOnce(h.ctx))
	require.Empty(t, h.fires(sch.GetId()))
	for range 3 {
		h.add(15 * time.Minute)
		require.NoError(t, h.s.tickOnce(h.ctx))
		require.NoError(t, h.s.tickOnce(h.ctx))
	}
	fires := h.fires(sch.GetId())
	require.Len(t, fires, 3)
	require.Equal(t, h.now(), fires[0].GetDueAt().AsTime(), "newest first")
	require.NotEmpty(t, fires[0].GetRunId())
	require.Len(t, h.jobs.runs, 3)
	got, err := h.api.GetSchedule(h.ctx, &schedulerv1.GetScheduleRequest{Id: sch.GetId()})
	require.NoError(t, err)
	require.Equal(t, h.now(), got.GetLastFireAt().AsTime())
	require.Equal(t, h.now().Add(15*time.Minute), got.GetNextFireAt().AsTime())
}

func Test45LatestAfterAPause(t *testing.T) {
	h := newHouse(t)
	sch := h.mustCreate(&schedulerv1.Schedule{Cron: "* * * * *"})
	h.add(6*time.Hour + 30*time.Second)
	require.NoError(t, h.s.tickOnce(h.ctx))
	fires := h.fires(sch.GetId())
	require.Len(t, fires, 1)
	require.Equal(t, h.now().Add(-30*time.Second), fires[0].GetDueAt().AsTime())
	got, err := h.api.GetSchedule(h.ctx, &schedulerv1.GetScheduleRequest{Id: sch.GetId()})
	require.NoError(t, err)
	require.Equal(t, h.now().Add(30*time.Second), got.GetNextFireAt().AsTime())
}

func Test46ManyReplicasOneRun(t *testing.T) {
	h := newHouse(t)
	for _, name := range []string{"a", "b", "c"} {
		h.mustCreate(&schedulerv1.Schedule{Name: name, Every: "1m"})
	}
	h.add(time.Minute)
	var wg sync.WaitGroup
	problems := make([]error, 6)
	for i := range problems {
		s := h.replica()
		wg.Go(func() { problems[i] = s.tickOnce(h.ctx) })
	}
	wg.Wait()
	for _, err := range problems {
		require.NoError(t, err)
	}
	require.Len(t, h.jobs.runs, 3)
	require.Equal(t, 3, h.jobs.calls)
}

// FAILURES 90: job made the run, but its answer was lost, or this process died before it could record it.
func Test90LostAnswers(t *testing.T) {
	h := newHouse(t)
	sch := h.mustCreate(&schedulerv1.Schedule{Every: "1h"})
	h.add(time.Hour)
	h.jobs.deaf = true
	require.NoError(t, h.s.tickOnce(h.ctx))
	require.Empty(t, h.fires(sch.GetId())[0].GetRunId())
	h.jobs.deaf = false
	h.add(3 * time.Second)
	require.NoError(t, h.replica().tickOnce(h.ctx))
	require.NotEmpty(t, h.fires(sch.GetId())[0].GetRunId())
	require.Len(t, h.jobs.runs, 1)
	require.Equal(t, 2, h.jobs.calls)
}

func TestRefusedAndForgottenFires(t *testing.T) {
	h := newHouse(t)
	sch := h.mustCreate(&schedulerv1.Schedule{At: timestamppb.New(h.now().Add(time.Minute))})
	h.add(time.Minute)
	h.jobs.err = errs.NotFound("job", "x")
	require.NoError(t, h.s.tickOnce(h.ctx))
	require.Contains(t, h.fires(sch.GetId())[0].GetError(), "no job")
	got, err := h.api.GetSchedule(h.ctx, &schedulerv1.GetScheduleRequest{Id: sch.GetId()})
	require.NoError(t, err)
	require.Nil(t, got.GetNextFireAt(), "once is once")

	h.jobs.err = errs.New(codes.Unavailable, "SERVICE_UNAVAILABLE", "away")
	late := h.mustCreate(&schedulerv1.Schedule{Name: "late", At: timestamppb.New(h.now().Add(time.Minute))})
	h.add(time.Minute)
	require.NoError(t, h.s.tickOnce(h.ctx))
	require.Empty(t, h.fires(late.GetId())[0].GetError())
	h.jobs.err = nil
	h.add(25 * time.Hour)
	require.NoError(t, h.s.tickOnce(h.ctx))
	require.Contains(t, h.fires(late.GetId())[0].GetError(), "for a day")
	require.Empty(t, h.jobs.runs, "job may have forgotten the request by now")
}

func TestSystemScheduleAndTheFirstHour(t *testing.T) {
	h := newHouse(t)
	h.at = time.Date(2026, 6, 1, 1, 0, 0, 0, time.UTC)
	require.NoError(t, h.s.ensureSystemSchedules(h.ctx))
	sch, err := h.api.GetSchedule(h.ctx, &schedulerv1.GetScheduleRequest{Id: wellknown.SystemBackupScheduleID})
	require.NoError(t, err)
	require.Equal(t, time.Date(2026, 6, 2, 1, 30, 0, 0, time.UTC), sch.GetNextFireAt().AsTime())
	_, err = h.api.DeleteSchedule(h.ctx, &schedulerv1.DeleteScheduleRequest{Id: sch.GetId()})
	require.Equal(t, "SYSTEM_SCHEDULE", errs.Reason(err))
	sch.Enabled = proto.Bool(false)
	_, err = h.api.UpdateSchedule(h.ctx, &schedulerv1.UpdateScheduleRequest{Schedule: sch, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"enabled"}}})
	require.NoError(t, err)
	require.NoError(t, h.replica().ensureSystemSchedules(h.ctx))
	h.add(48 * time.Hour)
	require.NoError(t, h.s.tickOnce(h.ctx))
	require.Empty(t, h.fires(sch.GetId()), "disabled stays disabled")
}

func TestRefusedSchedules(t *testing.T) {
	h := newHouse(t)
	for field, sch := range map[string]*schedulerv1.Schedule{
		"cron":      {Cron: "0 0 31 2 *"},
		"every":     {Every: "1s"},
		"at":        {At: timestamppb.New(h.now().Add(-time.Second))},
		"time_zone": {Cron: "0 0 * * *", TimeZone: "Nowhere"},
		"name":      {Name: "tab\t", Every: "1m"},
	} {
		_, err := h.create(sch)
		require.Equal(t, "FIELD_INVALID", errs.Reason(err), field)
		require.Equal(t, field, errs.From(err).Details()[0].Field)
	}
	_, err := h.create(&schedulerv1.Schedule{Cron: "@daily", Every: "1h"})
	require.Equal(t, "FIELD_INVALID", errs.Reason(err))
	_, err = h.api.CreateSchedule(h.ctx, &schedulerv1.CreateScheduleRequest{Schedule: &schedulerv1.Schedule{Name: "x", Every: "1m", JobId: uuid.NewString()}})
	require.Equal(t, "JOB_UNKNOWN", errs.Reason(err))
	_, err = h.api.GetSchedule(h.ctx, &schedulerv1.GetScheduleRequest{Id: "x"})
	require.Equal(t, "SCHEDULE_NOT_FOUND", errs.Reason(err))
	h.mustCreate(&schedulerv1.Schedule{Name: "One", Every: "1m"})
	_, err = h.create(&schedulerv1.Schedule{Name: "one", Every: "1m"})
	require.Equal(t, "SCHEDULE_EXISTS", errs.Reason(err))
}

func TestUpdateIsEffectiveAtOnce(t *testing.T) {
	h := newHouse(t)
	sch := h.mustCreate(&schedulerv1.Schedule{Every: "1h"})
	h.add(10 * time.Minute)
	update := func(in *schedulerv1.Schedule, paths ...string) *schedulerv1.Schedule {
		in.Id = sch.GetId()
		out, err := h.api.UpdateSchedule(h.ctx, &schedulerv1.UpdateScheduleRequest{Schedule: in, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
		require.NoError(t, err)
		return out
	}
	renamed := update(&schedulerv1.Schedule{Name: "new"}, "name")
	require.Equal(t, sch.GetNextFireAt().AsTime(), renamed.GetNextFireAt().AsTime())
	retimed := update(&schedulerv1.Schedule{Cron: "0 4 * * *", TimeZone: "Asia/Tokyo"}, "cron", "time_zone")
	require.Equal(t, time.Date(2026, 6, 1, 19, 0, 0, 0, time.UTC), retimed.GetNextFireAt().AsTime())
	require.Empty(t, retimed.GetEvery())
	require.Nil(t, update(&schedulerv1.Schedule{Enabled: proto.Bool(false)}, "enabled").GetNextFireAt())
	require.NotNil(t, update(&schedulerv1.Schedule{Enabled: proto.Bool(true)}, "enabled").GetNextFireAt())
	_, err := h.api.UpdateSchedule(h.ctx, &schedulerv1.UpdateScheduleRequest{Schedule: sch, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"colour"}}})
	require.Equal(t, "FIELD_INVALID", errs.Reason(err))
	_, err = h.api.DeleteSchedule(h.ctx, &schedulerv1.DeleteScheduleRequest{Id: sch.GetId()})
	require.NoError(t, err)
}

func TestListsArePaged(t *testing.T) {
	h := newHouse(t)
	for i := range 5 {
		h.mustCreate(&schedulerv1.Schedule{Name: strconv.Itoa(i), Every: "10s"})
	}
	var names, dues []string
	token := ""
	for range 3 {
		resp, err := h.api.ListSchedules(h.ctx, &schedulerv1.ListSchedulesRequest{PageSize: 2, PageToken: token})
		require.NoError(t, err)
		for _, sch := range resp.GetItems() {
			names = append(names, sch.GetName())
		}
		token = resp.GetNextPageToken()
	}
	require.Empty(t, token)
	require.Equal(t, []string{"0", "1", "2", "3", "4"}, names)
	list, err := h.api.ListSchedules(h.ctx, &schedulerv1.ListSchedulesRequest{PageSize: 1})
	require.NoError(t, err)
	for range 3 {
		h.add(10 * time.Second)
		require.NoError(t, h.s.tickOnce(h.ctx))
	}
	for range 2 {
		resp, err := h.api.ListFires(h.ctx, &schedulerv1.ListFiresRequest{ScheduleId: list.GetItems()[0].GetId(), PageSize: 2, PageToken: token})
		require.NoError(t, err)
		for _, fire := range resp.GetItems() {
			dues = append(dues, fire.GetDueAt().AsTime().Format("05"))
		}
		token = resp.GetNextPageToken()
	}
	require.Equal(t, []string{"30", "20", "10"}, dues)
}

// Run meets a time that is near without anybody ticking, and stops with its context.
func TestRunFires(t *testing.T) {
	h := newHouse(t)
	s, err := New(Config{}, Deps{Pool: h.pool, Jobs: h.jobs})
	require.NoError(t, err)
	ctx, stop := context.WithCancel(h.ctx)
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	h.at = time.Now()
	sch := h.mustCreate(&schedulerv1.Schedule{At: timestamppb.New(time.Now().Add(200 * time.Millisecond))})
	require.Eventually(t, func() bool {
		fires := h.fires(sch.GetId())
		return len(fires) == 1 && fires[0].GetRunId() != ""
	}, 30*time.Second, 20*time.Millisecond)
	stop()
	require.NoError(t, <-done)
}
