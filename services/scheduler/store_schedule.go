package scheduler

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	schedulerv1 "github.com/netraven/netraven/gen/go/netraven/scheduler/v1"
	schedulersql "github.com/netraven/netraven/gen/sqlc/scheduler"
	"github.com/netraven/netraven/internal/errs"
)

func (s *store) ensureSystem(ctx context.Context, id, name, job, cron, zone string, next, now time.Time) error {
	return sqlError(s.q.EnsureSystemSchedule(ctx, schedulersql.EnsureSystemScheduleParams{
		ID: uuid.MustParse(id), Name: name, JobID: uuid.MustParse(job), Cron: cron, TimeZone: zone, Now: utc(now), NextFireAt: utc(next),
	}))
}

func (s *store) schedule(ctx context.Context, id uuid.UUID) (*schedulerv1.Schedule, error) {
	row, err := s.q.GetSchedule(ctx, id)
	if err != nil {
		return nil, missing(err, id.String())
	}
	return protoSchedule(row), nil
}

func (s *store) schedules(ctx context.Context, afterName string, afterID uuid.UUID, n int32) ([]*schedulerv1.Schedule, error) {
	rows, err := s.q.ListSchedules(ctx, schedulersql.ListSchedulesParams{AfterName: afterName, AfterID: afterID, PageSize: n})
	schedules := make([]*schedulerv1.Schedule, 0, len(rows))
	for _, row := range rows {
		schedules = append(schedules, protoSchedule(row))
	}
	return schedules, sqlError(err)
}

// plan is a schedule that was checked: what is stored of it.
type plan struct {
	name     string
	job      uuid.UUID
	cron     string
	every    string
	at       *time.Time
	zone     string
	enabled  bool
	anchor   time.Time
	nextFire *time.Time
}

func (s *store) createSchedule(ctx context.Context, id uuid.UUID, p plan, now time.Time) (*schedulerv1.Schedule, error) {
	row, err := s.q.InsertSchedule(ctx, schedulersql.InsertScheduleParams{
		ID: id, Name: p.name, JobID: p.job, Cron: p.cron, Every: p.every, At: p.at, TimeZone: p.zone, Enabled: p.enabled, Now: utc(now), NextFireAt: p.nextFire,
	})
	if err != nil {
		return nil, sqlError(err)
	}
	return protoSchedule(row), nil
}

// updateSchedule replaces a schedule by what set makes of it, under its lock, so that no tick is between reading and writing.
func (s *store) updateSchedule(ctx context.Context, id uuid.UUID, now time.Time, set func(row schedulersql.Schedule) (plan, error)) (*schedulerv1.Schedule, error) {
	var out *schedulerv1.Schedule
	err := s.tx(ctx, func(q *schedulersql.Queries) error {
		row, err := q.LockSchedule(ctx, id)
		if err != nil {
			return missing(err, id.String())
		}
		p, err := set(row)
		if err != nil {
			return err
		}
		row, err = q.UpdateSchedule(ctx, schedulersql.UpdateScheduleParams{
			ID: id, Name: p.name, JobID: p.job, Cron: p.cron, Every: p.every, At: p.at, TimeZone: p.zone, Enabled: p.enabled, Anchor: p.anchor,
			NextFireAt: p.nextFire, Now: utc(now),
		})
		out = protoSchedule(row)
		return err
	})
	return out, err
}

func (s *store) deleteSchedule(ctx context.Context, id uuid.UUID) error {
	row, err := s.q.GetSchedule(ctx, id)
	if err != nil {
		return missing(err, id.String())
	}
	if row.System {
		return errs.New(codes.FailedPrecondition, "SYSTEM_SCHEDULE", "this schedule belongs to the system; disable it instead")
	}
	return s.tx(ctx, func(q *schedulersql.Queries) error {
		if _, err := q.DeleteSchedule(ctx, id); err != nil { // first: it waits for a tick that has the schedule in hand
			return err
		}
		return q.DeleteFires(ctx, id)
	})
}
