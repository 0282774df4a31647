package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	schedulersql "github.com/netraven/netraven/gen/sqlc/scheduler"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/wellknown"
)

const (
	tickBatch  = 1000
	tickRounds = 50
	driveBatch = 64
	// driveAtOnce bounds the calls to job that are under way.
	driveAtOnce = 8
	driveLimit  = 10 * time.Second
	askAgain    = 2 * time.Second
	// giveUpAfter is inside the time for which job remembers a request_id: asking later could make a second run.
	giveUpAfter = 23 * time.Hour
	// quietStart: nothing fires in the first hour unless a person asks for it.
	quietStart = time.Hour
)

// ensureSystemSchedules makes the schedules that exist from the first start. May be repeated; changes of people stay.
func (s *Service) ensureSystemSchedules(ctx context.Context) error {
	const nightly = "30 1 * * *"
	t, err := parseTiming(nightly, "", nil, s.config.TimeZone, wellknown.SystemBackupScheduleID, time.Time{})
	if err != nil {
		return err
	}
	now := s.now()
	return s.store.ensureSystem(ctx, wellknown.SystemBackupScheduleID, "Nightly backup", wellknown.SystemBackupJobID, nightly, s.config.TimeZone,
		t.next(now.Add(quietStart)), now)
}

// tickOnce fires what is due and asks job for the runs of open fires.
func (s *Service) tickOnce(ctx context.Context) error {
	return errors.Join(s.fireDue(ctx), s.driveOpen(ctx))
}

func (s *Service) fireDue(ctx context.Context) error {
	for range tickRounds {
		n, err := s.store.fireDue(ctx, s.now(), tickBatch, s.advance)
		if err != nil || n < tickBatch {
			return err
		}
	}
	return nil
}

// advance decides for a due schedule which time it fires for (the latest it missed) and when it fires next. The zero time is never.
func (s *Service) advance(row schedulersql.LockDueRow, now time.Time) (due, next time.Time, err error) {
	t, err := parseTiming(row.Cron, row.Every, row.At, row.TimeZone, row.ID.String(), row.Anchor)
	if err != nil {
		s.log.Error("a stored schedule cannot be read any more and rests", "schedule", row.ID, "err", err)
		return row.DueAt, time.Time{}, err
	}
	due = latest(t, row.DueAt, now)
	return due, t.next(maxTime(due, now)), nil
}

func maxTime(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// driveOpen asks job for the runs of open fires, also those that a crash left behind.
func (s *Service) driveOpen(ctx context.Context) error {
	for range tickRounds {
		open, err := s.store.takeOpen(ctx, s.now(), driveBatch)
		if err != nil {
			return err
		}
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(driveAtOnce)
		for _, fire := range open {
			g.Go(func() error { return s.drive(gctx, fire) })
		}
		if err := g.Wait(); err != nil || len(open) < driveBatch {
			return err
		}
	}
	return nil
}

// drive asks job for the run of one fire and records the answer. Repeating it makes no second run.
func (s *Service) drive(ctx context.Context, fire schedulersql.TakeOpenFiresRow) error {
	if s.now().Sub(fire.FiredAt) > giveUpAfter {
		return s.store.settle(ctx, fire, nil, "the job service could not be reached for a day", time.Time{})
	}
	asking, cancel := context.WithTimeout(ctx, driveLimit)
	defer cancel()
	run, err := s.jobs.RunJob(asking, &jobv1.RunJobRequest{Id: fire.JobID.String(), RequestId: requestID(fire)})
	if err != nil {
		return s.driveFailed(ctx, fire, err)
	}
	id, err := uuid.Parse(run.GetId())
	if err != nil {
		return err
	}
	return s.store.settle(ctx, fire, &id, "", time.Time{})
}

// requestID is the same whoever asks and however often.
func requestID(fire schedulersql.TakeOpenFiresRow) string {
	return fmt.Sprintf("%s@%s", fire.ScheduleID, fire.DueAt.UTC().Format(time.RFC3339Nano))
}

// driveFailed settles a fire that job refuses and leaves one open for which job could not answer.
func (s *Service) driveFailed(ctx context.Context, fire schedulersql.TakeOpenFiresRow, err error) error {
	switch errs.Code(err) {
	case codes.NotFound, codes.InvalidArgument, codes.FailedPrecondition, codes.PermissionDenied:
		return s.store.settle(ctx, fire, nil, errs.From(err).Message(), time.Time{})
	}
	if ctx.Err() != nil {
		return nil // stopping: the fire stays open
	}
	s.log.Warn("job did not answer a fire; it is asked again", "schedule", fire.ScheduleID, "due", fire.DueAt, "err", err)
	return s.store.settle(ctx, fire, nil, "", s.now().Add(askAgain))
}
