package vault

import (
	"context"

	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
	"github.com/netraven/netraven/internal/errs"
)

func (s *store) putSecret(ctx context.Context, sealed vaultsql.PutOwnedSecretParams) error {
	return s.q.PutOwnedSecret(ctx, sealed)
}

func (s *store) getSecret(ctx context.Context, o owned) (vaultsql.Secret, error) {
	row, err := s.q.GetOwnedSecret(ctx, vaultsql.GetOwnedSecretParams{Owner: o.owner, Kind: o.kind, ID: o.id})
	if ok, err := found(err); !ok && err == nil {
		return row, errs.NotFound("secret", o.id.String())
	}
	return row, err
}

func (s *store) deleteSecret(ctx context.Context, o owned) error {
	return s.q.DeleteOwnedSecret(ctx, vaultsql.DeleteOwnedSecretParams{Owner: o.owner, Kind: o.kind, ID: o.id})
}
