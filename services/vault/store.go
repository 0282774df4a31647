package vault

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc/codes"

	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
	"github.com/netraven/netraven/internal/errs"
)

// held is a credential and how it fares.
type held = vaultsql.GetCredentialRow

// store is vault's schema. Safe for concurrent use.
type store struct {
	pool *pgxpool.Pool
	q    *vaultsql.Queries
}

func newStore(pool *pgxpool.Pool) *store { return &store{pool: pool, q: vaultsql.New(pool)} }

// tx runs fn in one transaction, which commits if fn answers nil.
func (s *store) tx(ctx context.Context, fn func(*vaultsql.Queries) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return fn(s.q.WithTx(tx)) })
}

// found tells whether a row was there, and passes other errors on.
func found(err error) (bool, error) {
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// loadInstallation answers the public recovery key; if there is none, it keeps the one that create makes. One replica at a time.
func (s *store) loadInstallation(ctx context.Context, now time.Time, create func() ([]byte, error)) (public []byte, err error) {
	err = s.tx(ctx, func(q *vaultsql.Queries) error {
		if err := q.LockFirstStart(ctx); err != nil {
			return err
		}
		row, err := q.GetInstallation(ctx)
		if ok, err := found(err); ok || err != nil {
			public = row.RecoveryPublic
			return err
		}
		if public, err = create(); err != nil {
			return err
		}
		return q.InsertInstallation(ctx, vaultsql.InsertInstallationParams{RecoveryPublic: public, CreatedAt: now})
	})
	return public, err
}

func (s *store) getCredential(ctx context.Context, id uuid.UUID) (held, error) {
	return getCredential(ctx, s.q, id)
}

func getCredential(ctx context.Context, q *vaultsql.Queries, id uuid.UUID) (held, error) {
	row, err := q.GetCredential(ctx, id)
	if ok, err := found(err); !ok && err == nil {
		return row, errs.NotFound("credential", id.String())
	}
	return row, err
}

func (s *store) listCredentials(ctx context.Context, after string, size int32) ([]held, error) {
	rows, err := s.q.ListCredentials(ctx, vaultsql.ListCredentialsParams{After: after, PageSize: size})
	out := make([]held, len(rows))
	for i, r := range rows {
		out[i] = held(r)
	}
	return out, err
}

// listApplicable answers the credentials that share a tag with a device or name it, and the one it let in last.
func (s *store) listApplicable(ctx context.Context, device uuid.UUID, keys []string) ([]held, uuid.UUID, error) {
	rows, err := s.q.ListApplicable(ctx, vaultsql.ListApplicableParams{TagKeys: keys, DeviceIds: []uuid.UUID{device}})
	if err != nil {
		return nil, uuid.Nil, err
	}
	lastGood, _, err := s.deviceState(ctx, []uuid.UUID{device})
	out := make([]held, len(rows))
	for i, r := range rows {
		out[i] = held(r)
	}
	return out, lastGood[device], err
}

func (s *store) createCredential(ctx context.Context, row vaultsql.Credential, sealed vaultsql.PutSecretParams) error {
	err := s.tx(ctx, func(q *vaultsql.Queries) error {
		if err := q.InsertCredential(ctx, vaultsql.InsertCredentialParams(row)); err != nil {
			return err
		}
		if err := q.PutSecret(ctx, sealed); err != nil {
			return err
		}
		return q.InsertUse(ctx, vaultsql.InsertUseParams{CredentialID: row.ID, Now: row.CreatedAt})
	})
	return nameError(err, row.Name)
}

// updateCredential lets change alter a row, and stores the row and the secrets that change answers. One update of a credential at a time.
func (s *store) updateCredential(
	ctx context.Context, id uuid.UUID, now time.Time,
	change func(*vaultsql.Credential, vaultsql.CredentialSecret) (*vaultsql.PutSecretParams, error),
) error {
	var name string
	err := s.tx(ctx, func(q *vaultsql.Queries) error {
		_, err := q.LockCredential(ctx, id)
		if ok, err := found(err); err != nil {
			return err
		} else if !ok {
			return errs.NotFound("credential", id.String())
		}
		sealed, err := q.GetSecret(ctx, id)
		if err != nil {
			return err
		}
		row, err := getCredential(ctx, q, id)
		if err != nil {
			return err
		}
		c := row.Credential
		put, err := change(&c, sealed)
		if err != nil {
			return err
		}
		name = c.Name
		err = q.UpdateCredential(ctx, vaultsql.UpdateCredentialParams{
			ID: id, Name: c.Name, Username: c.Username, Enable: c.Enable, Tags: c.Tags, TagKeys: c.TagKeys, DeviceIds: c.DeviceIds, Priority: c.Priority,
			LoginsPerSecond: c.LoginsPerSecond, MaxInFlight: c.MaxInFlight, LocalFallback: c.LocalFallback, Version: c.Version, SecretsSet: c.SecretsSet,
			UpdatedAt: now,
		})
		if err != nil || put == nil {
			return err
		}
		if err := q.PutSecret(ctx, *put); err != nil {
			return err
		}
		return q.BeginVersion(ctx, vaultsql.BeginVersionParams{CredentialID: id, Now: now})
	})
	return nameError(err, name)
}

func nameError(err error, name string) error {
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "credential_name_key" {
		// The driver's detail quotes values; the cause is kept out of the log on purpose.
		return errs.New(codes.AlreadyExists, "CREDENTIAL_EXISTS", "there is already a credential %q", name)
	}
	return err
}

func (s *store) deleteCredential(ctx context.Context, id uuid.UUID) error {
	n, err := s.q.DeleteCredential(ctx, id)
	if err == nil && n == 0 {
		return errs.NotFound("credential", id.String())
	}
	return err
}
