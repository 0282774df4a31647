package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	schedulerv1 "github.com/netraven/netraven/gen/go/netraven/scheduler/v1"
	schedulersql "github.com/netraven/netraven/gen/sqlc/scheduler"
	"github.com/netraven/netraven/internal/errs"
)

// store is all that knows PostgreSQL.
type store struct {
	pool *pgxpool.Pool
	q    *schedulersql.Queries
}

func newStore(pool *pgxpool.Pool) *store { return &store{pool: pool, q: schedulersql.New(pool)} }

func (s *store) tx(ctx context.Context, fn func(q *schedulersql.Queries) error) error {
	return sqlError(pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return fn(s.q.WithTx(tx)) }))
}

// sqlError gives database errors a type where callers can do something about them.
func sqlError(err error) error {
	var typed *errs.Error
	var pg *pgconn.PgError
	switch {
	case err == nil, errors.As(err, &typed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &pg) && pg.Code == "23505" && pg.ConstraintName == "schedule_name":
		return errs.New(codes.AlreadyExists, "SCHEDULE_EXISTS", "there is a schedule of that name already").
			Field("name", "EXISTS", "choose another name")
	case errors.As(err, &pg) && (pg.Code[:2] == "08" || pg.Code[:2] == "53" || pg.Code[:2] == "57"):
		return errs.New(codes.Unavailable, "DATABASE_UNAVAILABLE", "the database cannot take this right now; try again").Wrap(err)
	default:
		return errs.Internal(fmt.Errorf("database: %w", err))
	}
}

func missing(err error, id string) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return errs.NotFound("schedule", id)
	}
	return sqlError(err)
}

// fireDue records fires for up to n due schedules, moves the schedules on, and answers how many there were.
func (s *store) fireDue(ctx context.Context, now time.Time, n int32, advance func(schedulersql.LockDueRow, time.Time) (due, next time.Time, err error)) (int, error) {
	now = utc(now)
	var rows []schedulersql.LockDueRow
	err := s.tx(ctx, func(q *schedulersql.Queries) (err error) {
		if rows, err = q.LockDue(ctx, schedulersql.LockDueParams{Now: now, Batch: n}); err != nil || len(rows) == 0 {
			return err
		}
		fires := schedulersql.InsertFiresParams{Now: now}
		var moves schedulersql.AdvanceSchedulesParams
		for _, row := range rows {
			due, next, err := advance(row, now)
			fires.ScheduleIds = append(fires.ScheduleIds, row.ID)
			fires.DueAt = append(fires.DueAt, due)
			fires.JobIds = append(fires.JobIds, row.JobID)
			fires.Errors = append(fires.Errors, text(err))
			moves.Ids = append(moves.Ids, row.ID)
			moves.DueAt = append(moves.DueAt, due)
			moves.Next = append(moves.Next, next)
		}
		if err := q.InsertFires(ctx, fires); err != nil {
			return err
		}
		return q.AdvanceSchedules(ctx, moves)
	})
	return len(rows), err
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func (s *store) takeOpen(ctx context.Context, now time.Time, n int32) ([]schedulersql.TakeOpenFiresRow, error) {
	rows, err := s.q.TakeOpenFires(ctx, schedulersql.TakeOpenFiresParams{Now: utc(now), Batch: n})
	return rows, sqlError(err)
}

// settle records what came of a fire; a time to ask again leaves it open.
func (s *store) settle(ctx context.Context, fire schedulersql.TakeOpenFiresRow, run *uuid.UUID, problem string, again time.Time) error {
	p := schedulersql.SettleFireParams{ScheduleID: fire.ScheduleID, DueAt: fire.DueAt, RunID: run, Error: problem}
	if !again.IsZero() {
		again = utc(again)
		p.AskAt = &again
	}
	return sqlError(s.q.SettleFire(ctx, p))
}

// nextEvent is when something is due, or the zero time.
func (s *store) nextEvent(ctx context.Context) (time.Time, error) {
	at, err := s.q.NextEvent(ctx)
	return at, sqlError(err)
}

func (s *store) fires(ctx context.Context, schedule uuid.UUID, before time.Time, n int32) ([]*schedulerv1.Fire, error) {
	rows, err := s.q.ListFires(ctx, schedulersql.ListFiresParams{ScheduleID: schedule, Before: before, PageSize: n})
	if err != nil {
		return nil, sqlError(err)
	}
	fires := make([]*schedulerv1.Fire, 0, len(rows))
	for _, row := range rows {
		fire := &schedulerv1.Fire{DueAt: timestamppb.New(row.DueAt), FiredAt: timestamppb.New(row.FiredAt), Error: row.Error}
		if row.RunID != nil {
			fire.RunId = row.RunID.String()
		}
		fires = append(fires, fire)
	}
	return fires, nil
}

func protoSchedule(row schedulersql.Schedule) *schedulerv1.Schedule {
	return &schedulerv1.Schedule{
		Id: row.ID.String(), Name: row.Name, JobId: row.JobID.String(), Cron: row.Cron, Every: row.Every, At: protoTime(row.At), TimeZone: row.TimeZone,
		Enabled: proto.Bool(row.Enabled), NextFireAt: protoTime(row.NextFireAt), LastFireAt: protoTime(row.LastFireAt),
		CreatedAt: timestamppb.New(row.CreatedAt), UpdatedAt: timestamppb.New(row.UpdatedAt),
	}
}

func protoTime(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}

func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
