package scheduler

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	schedulerv1 "github.com/netraven/netraven/gen/go/netraven/scheduler/v1"
	schedulersql "github.com/netraven/netraven/gen/sqlc/scheduler"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
)

// ListSchedules pages through the schedules by name.
func (s *Service) ListSchedules(ctx context.Context, req *schedulerv1.ListSchedulesRequest) (*schedulerv1.ListSchedulesResponse, error) {
	after, err := page.Parse(req.GetPageToken(), 2)
	if err != nil {
		return nil, err
	}
	var name string
	var afterID uuid.UUID
	if after != nil {
		name = after[0]
		if afterID, err = uuid.Parse(after[1]); err != nil {
			return nil, tokenInvalid(err)
		}
	}
	size := page.Size(req.GetPageSize())
	items, err := s.store.schedules(ctx, name, afterID, size+1)
	if err != nil {
		return nil, err
	}
	resp := &schedulerv1.ListSchedulesResponse{Items: items}
	if len(items) > int(size) {
		resp.Items = items[:size]
		last := resp.Items[size-1]
		resp.NextPageToken = page.Token(last.GetName(), last.GetId())
	}
	return resp, nil
}

// CreateSchedule adds a schedule.
func (s *Service) CreateSchedule(ctx context.Context, req *schedulerv1.CreateScheduleRequest) (*schedulerv1.Schedule, error) {
	in := req.GetSchedule()
	if in == nil {
		return nil, errs.Invalid("schedule", "REQUIRED", "give the schedule")
	}
	if err := s.checkJob(ctx, in.GetJobId()); err != nil {
		return nil, err
	}
	id, now := uuid.Must(uuid.NewV7()), s.now()
	p, err := plans(in, id, now, now)
	if err != nil {
		return nil, err
	}
	defer s.wake()
	return s.store.createSchedule(ctx, id, p, now)
}

// checkJob asks job whether the job exists.
func (s *Service) checkJob(ctx context.Context, id string) error {
	_, err := s.jobs.GetJob(ctx, &jobv1.GetJobRequest{Id: id})
	if errs.Code(err) == codes.NotFound {
		return errs.New(codes.InvalidArgument, "JOB_UNKNOWN", "there is no job %q", id).Field("job_id", "UNKNOWN", "name a job by its id")
	}
	return err
}

// GetSchedule answers one schedule.
func (s *Service) GetSchedule(ctx context.Context, req *schedulerv1.GetScheduleRequest) (*schedulerv1.Schedule, error) {
	id, err := parseID(req.GetId())
	if err != nil {
		return nil, err
	}
	return s.store.schedule(ctx, id)
}

// UpdateSchedule changes the fields of the mask. A new timing counts from now.
func (s *Service) UpdateSchedule(ctx context.Context, req *schedulerv1.UpdateScheduleRequest) (*schedulerv1.Schedule, error) {
	id, err := parseID(req.GetSchedule().GetId())
	if err != nil {
		return nil, err
	}
	paths := req.GetUpdateMask().GetPaths()
	for _, path := range paths {
		if path == "job_id" {
			if err := s.checkJob(ctx, req.GetSchedule().GetJobId()); err != nil {
				return nil, err
			}
		}
	}
	now := s.now()
	defer s.wake()
	return s.store.updateSchedule(ctx, id, now, func(row schedulersql.Schedule) (plan, error) {
		merged, retimed, err := merge(protoSchedule(row), req.GetSchedule(), paths)
		if err != nil {
			return plan{}, err
		}
		anchor := row.Anchor
		if retimed {
			anchor = now
		}
		p, err := plans(merged, id, anchor, now)
		if !retimed && row.NextFireAt != nil {
			p.nextFire = row.NextFireAt // renaming a schedule makes it miss nothing
		}
		return p, err
	})
}

// merge takes the fields of the mask. A timing that is set replaces the one there was. retimed: it fires at other times now.
func merge(old, in *schedulerv1.Schedule, paths []string) (*schedulerv1.Schedule, bool, error) {
	retimed := false
	set := map[string]bool{}
	for _, path := range paths {
		set[path] = true
		switch path {
		case "name":
			old.Name = in.GetName()
		case "job_id":
			old.JobId = in.GetJobId()
		case "enabled":
			retimed = retimed || in.GetEnabled() != old.GetEnabled()
			old.Enabled = proto.Bool(in.GetEnabled())
		case "cron", "every", "at", "time_zone":
			retimed = true
		default:
			return nil, false, errs.Invalid(path, "FIELD_READ_ONLY", "cannot be changed")
		}
	}
	if set["time_zone"] {
		old.TimeZone = in.GetTimeZone()
	}
	replaced := set["cron"] && in.GetCron() != "" || set["every"] && in.GetEvery() != "" || set["at"] && in.GetAt() != nil
	if replaced || set["cron"] {
		old.Cron = ""
	}
	if replaced || set["every"] {
		old.Every = ""
	}
	if replaced || set["at"] {
		old.At = nil
	}
	if set["cron"] {
		old.Cron = in.GetCron()
	}
	if set["every"] {
		old.Every = in.GetEvery()
	}
	if set["at"] {
		old.At = in.GetAt()
	}
	return old, retimed, nil
}

// plans checks a schedule and works out its next time after now.
func plans(in *schedulerv1.Schedule, id uuid.UUID, anchor, now time.Time) (plan, error) {
	p := plan{name: in.GetName(), cron: strings.TrimSpace(in.GetCron()), every: in.GetEvery(), zone: in.GetTimeZone(), enabled: in.Enabled == nil || in.GetEnabled(), anchor: utc(anchor)}
	if p.name == "" || len([]rune(p.name)) > 255 || strings.TrimSpace(p.name) != p.name || strings.IndexFunc(p.name, unicode.IsControl) >= 0 {
		return p, errs.Invalid("name", "INVALID", "must be 1 to 255 characters, without control characters and without space around")
	}
	job, err := uuid.Parse(in.GetJobId())
	if err != nil {
		return p, errs.New(codes.InvalidArgument, "JOB_UNKNOWN", "there is no job %q", in.GetJobId()).Field("job_id", "UNKNOWN", "name a job by its id")
	}
	p.job = job
	if p.zone == "" {
		p.zone = "UTC"
	}
	if in.GetAt() != nil {
		if !in.GetAt().IsValid() {
			return p, errs.Invalid("at", "INVALID", "is not a time")
		}
		at := utc(in.GetAt().AsTime())
		p.at = &at
	}
	return p, p.time(id, now)
}

// time works out the next fire of an enabled schedule.
func (p *plan) time(id uuid.UUID, now time.Time) error {
	n := 0
	for _, given := range []bool{p.cron != "", p.every != "", p.at != nil} {
		if given {
			n++
		}
	}
	if n != 1 {
		return errs.Invalid("cron", "EXACTLY_ONE", "give exactly one of cron, every and at")
	}
	if _, err := loadZone(p.zone); err != nil {
		return timingInvalid(err)
	}
	t, err := parseTiming(p.cron, p.every, p.at, p.zone, id.String(), p.anchor)
	if err != nil {
		return timingInvalid(err)
	}
	if !p.enabled {
		return nil
	}
	next := utc(t.next(now))
	if next.IsZero() {
		return errs.Invalid("at", "PAST", "is not in the future")
	}
	p.nextFire = &next
	return nil
}

func timingInvalid(err error) error {
	if typed, ok := errors.AsType[*timingError](err); ok {
		return errs.Invalid(typed.field, "INVALID", typed.message)
	}
	return errs.Internal(err)
}

// DeleteSchedule removes a schedule.
func (s *Service) DeleteSchedule(ctx context.Context, req *schedulerv1.DeleteScheduleRequest) (*emptypb.Empty, error) {
	id, err := parseID(req.GetId())
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, s.store.deleteSchedule(ctx, id)
}

func parseID(id string) (uuid.UUID, error) {
	u, err := uuid.Parse(id)
	if err != nil {
		return u, errs.NotFound("schedule", id)
	}
	return u, nil
}

func tokenInvalid(err error) error {
	return errs.New(codes.InvalidArgument, "PAGE_TOKEN_INVALID", "page_token is not one that this list answered; start again without it").Wrap(err)
}
