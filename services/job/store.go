package job

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

	jobsql "github.com/netraven/netraven/gen/sqlc/job"
	"github.com/netraven/netraven/internal/errs"
)

// store is all that knows PostgreSQL.
type store struct {
	pool *pgxpool.Pool
	q    *jobsql.Queries
}

func newStore(pool *pgxpool.Pool) *store { return &store{pool: pool, q: jobsql.New(pool)} }

// txTries bounds how often a transaction that lost a deadlock or a serialization is repeated.
const txTries = 4

// tx runs fn in a transaction, and again if the database chose it as a deadlock's victim. fn may run several times.
func (s *store) tx(ctx context.Context, fn func(q *jobsql.Queries) error) error {
	var err error
	for range txTries {
		err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return fn(s.q.WithTx(tx)) })
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "40P01" && pg.Code != "40001" {
			break
		}
	}
	return sqlError(err)
}

// sqlError gives database errors a type where callers can do something about them.
func sqlError(err error) error {
	var typed *errs.Error
	var pg *pgconn.PgError
	switch {
	case err == nil, errors.As(err, &typed), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &pg):
		return pgError(pg)
	default:
		return errs.Internal(fmt.Errorf("database: %w", err))
	}
}

func pgError(pg *pgconn.PgError) error {
	if pg.Code == "23505" && pg.ConstraintName == "job_name" {
		return errs.New(codes.AlreadyExists, "JOB_EXISTS", "there is a job of that name already").Field("name", "EXISTS", "choose another name")
	}
	switch pg.Code[:2] {
	case "08", "53", "57": // connection, resources, operator intervention
		return errs.New(codes.Unavailable, "DATABASE_UNAVAILABLE", "the database cannot take this right now; try again").Wrap(pg)
	}
	return errs.Internal(pg)
}

// missing turns "no rows" into NOT_FOUND of the noun.
func missing(err error, noun, id string) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return errs.NotFound(noun, id)
	}
	return sqlError(err)
}

// parseID reads an id that must name a noun: what is no UUID names nothing.
func parseID(noun, id string) (uuid.UUID, error) {
	u, err := uuid.Parse(id)
	if err != nil {
		return uuid.Nil, errs.NotFound(noun, id)
	}
	return u, nil
}

// fieldID reads an id in a field of a request.
func fieldID(field, id string) (uuid.UUID, error) {
	u, err := uuid.Parse(id)
	if err != nil {
		return uuid.Nil, errs.Invalid(field, "NOT_AN_ID", "must be an id, such as 0190f5fe-7c00-7a00-8000-0123456789ab")
	}
	return u, nil
}

func fieldIDs(field string, ids []string) error {
	for i, id := range ids {
		if _, err := fieldID(fmt.Sprintf("%s[%d]", field, i), id); err != nil {
			return err
		}
	}
	return nil
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func utc(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
