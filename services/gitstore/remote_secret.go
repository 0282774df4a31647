package gitstore

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/secret"
	"github.com/netraven/netraven/services/gitstore/remote"
)

// secretKind is what vault knows the secrets of remotes by.
const secretKind = "remote"

// keepSecret has vault keep a secret under a new id.
func (s *Service) keepSecret(ctx context.Context, sec *gitstorev1.RemoteSecret) (*uuid.UUID, error) {
	packed, err := proto.Marshal(sec)
	if err != nil {
		return nil, err
	}
	id := uuid.Must(uuid.NewV7())
	_, err = s.secrets.PutSecret(ctx, &vaultv1.PutSecretRequest{Kind: secretKind, Id: id.String(), Secret: packed})
	return &id, err
}

// dropSecret removes a secret that no remote names any more. One that cannot be removed is sealed and useless.
func (s *Service) dropSecret(ctx context.Context, id *uuid.UUID) {
	if id == nil {
		return
	}
	if _, err := s.secrets.DeleteSecret(context.WithoutCancel(ctx), &vaultv1.DeleteSecretRequest{Kind: secretKind, Id: id.String()}); err != nil {
		s.log.Error("a secret of a remote that is not used any more is still in vault", "secret", id, "err", err)
	}
}

// target opens what is needed to push to a remote. It lives as long as the push.
func (s *Service) target(ctx context.Context, row gitstoresql.Remote) (t remote.Target, err error) {
	t.Username, t.CA = row.Username, row.Ca
	if t.Address, err = remote.ParseAddress(row.Url); err != nil {
		return t, err
	}
	if t.HostKeys, err = remote.ParseHostKeys(row.KnownHost); err != nil {
		return t, err
	}
	if row.SecretID == nil {
		return t, nil
	}
	opened, err := s.secrets.OpenSecret(ctx, &vaultv1.OpenSecretRequest{Kind: secretKind, Id: row.SecretID.String(), Name: row.Name})
	if err != nil {
		return t, err
	}
	var sec gitstorev1.RemoteSecret
	if err := proto.Unmarshal(opened.GetSecret(), &sec); err != nil {
		return t, errs.Internal(nil) // the parser's words are about the secret
	}
	t.Password, t.PrivateKey, t.Passphrase = secret.NewString(sec.GetPassword()), secret.NewString(sec.GetPrivateKey()), secret.NewString(sec.GetPassphrase())
	return t, nil
}
