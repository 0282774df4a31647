package auth

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	authsql "github.com/netraven/netraven/gen/sqlc/auth"
)

// store is auth's schema. Safe for concurrent use.
type store struct {
	pool *pgxpool.Pool
	q    *authsql.Queries
}

func newStore(pool *pgxpool.Pool) *store { return &store{pool: pool, q: authsql.New(pool)} }

// tx runs fn in one transaction, which commits if fn answers nil.
func (s *store) tx(ctx context.Context, fn func(*authsql.Queries) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return fn(s.q.WithTx(tx)) })
}

// found tells whether a row was there, and passes other errors on.
func found(err error) (bool, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// violates tells whether a statement failed by the named constraint.
func violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == constraint
}

func (s *store) appendAudit(ctx context.Context, lines []*authv1.AuditLine, now time.Time) error {
	return appendAudit(ctx, s.q, lines, now)
}

// appendAudit writes lines in one statement; a line whose id is known is left as it is.
func appendAudit(ctx context.Context, q *authsql.Queries, lines []*authv1.AuditLine, now time.Time) error {
	if len(lines) == 0 {
		return nil
	}
	p := authsql.AppendAuditParams{ReceivedAt: now}
	for _, l := range lines {
		details, err := json.Marshal(l.GetDetails())
		if err != nil {
			return err
		}
		if l.GetDetails() == nil {
			details = []byte("{}")
		}
		id, err := uuid.Parse(l.GetId())
		if err != nil {
			return err
		}
		p.Ids = append(p.Ids, id)
		p.Ats = append(p.Ats, l.GetAt().AsTime())
		p.Actors = append(p.Actors, l.GetActor())
		p.ActorNames = append(p.ActorNames, l.GetActorName())
		p.Sources = append(p.Sources, l.GetSource())
		p.Actions = append(p.Actions, l.GetAction())
		p.ObjectKinds = append(p.ObjectKinds, l.GetObjectKind())
		p.ObjectIds = append(p.ObjectIds, l.GetObjectId())
		p.Outcomes = append(p.Outcomes, l.GetOutcome())
		p.Details = append(p.Details, details)
	}
	return q.AppendAudit(ctx, p)
}

// removeExpired deletes sessions and join tokens that ended before one time, and login buckets untouched since another.
func (s *store) removeExpired(ctx context.Context, ended, untouched time.Time) error {
	_, err1 := s.q.DeleteOldSessions(ctx, ended)
	_, err2 := s.q.DeleteOldJoinTokens(ctx, ended)
	_, err3 := s.q.DeleteOldLoginBuckets(ctx, untouched)
	return errors.Join(err1, err2, err3)
}

// rotateKeys asks plan what to add and remove, does it, and answers the keys in order of signs_from. One replica at a time.
func (s *store) rotateKeys(
	ctx context.Context, plan func([]authsql.SigningKey) (add []authsql.SigningKey, remove []string, err error),
) ([]authsql.SigningKey, error) {
	var rows []authsql.SigningKey
	err := s.tx(ctx, func(q *authsql.Queries) error {
		if err := q.LockFirstStart(ctx); err != nil {
			return err
		}
		before, err := q.ListSigningKeys(ctx)
		if err != nil {
			return err
		}
		add, remove, err := plan(before)
		if err != nil {
			return err
		}
		for _, k := range add {
			if err := q.InsertSigningKey(ctx, authsql.InsertSigningKeyParams(k)); err != nil {
				return err
			}
		}
		for _, kid := range remove {
			if err := q.DeleteSigningKey(ctx, kid); err != nil {
				return err
			}
		}
		rows, err = q.ListSigningKeys(ctx)
		return err
	})
	return rows, err
}

// loadAuthority answers the authority; if there is none, it keeps the one that create makes. One replica at a time.
func (s *store) loadAuthority(ctx context.Context, create func() (authsql.InsertAuthorityParams, error)) (authsql.GetAuthorityRow, error) {
	var row authsql.GetAuthorityRow
	err := s.tx(ctx, func(q *authsql.Queries) error {
		if err := q.LockFirstStart(ctx); err != nil {
			return err
		}
		var err error
		row, err = q.GetAuthority(ctx)
		if ok, err := found(err); ok || err != nil {
			return err
		}
		params, err := create()
		if err != nil {
			return err
		}
		row = authsql.GetAuthorityRow(params)
		return q.InsertAuthority(ctx, params)
	})
	return row, err
}
