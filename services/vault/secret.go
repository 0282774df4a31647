package vault

import (
	"context"
	"fmt"
	"regexp"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/keyfile"
)

const maxSecret = 128 << 10

var kindStyle = regexp.MustCompile(`^[a-z_]{1,40}$`)

// owned names a secret. Its owner is the service that calls, so no service can name another's.
type owned struct {
	owner, kind string
	id          uuid.UUID
}

func ownedBy(ctx context.Context, kind, id string) (owned, error) {
	o := owned{owner: authn.FromContext(ctx).Service, kind: kind}
	var err error
	if o.id, err = uuid.Parse(id); err != nil || o.owner == "" || !kindStyle.MatchString(kind) {
		return o, invalid("id", "INVALID", "kind is a word of small letters, and id a UUID")
	}
	return o, nil
}

// aad binds what is sealed to its owner.
func (o owned) aad(field string) []byte {
	return fmt.Appendf(nil, "vault|secret|%s|%s|%s|%s", o.owner, o.kind, o.id, field)
}

// sealOwned closes a secret under a new data key.
func (e envelope) sealOwned(o owned, secret []byte) (vaultsql.PutOwnedSecretParams, error) {
	p := vaultsql.PutOwnedSecretParams{Owner: o.owner, Kind: o.kind, ID: o.id}
	dataKey := newDataKey()
	var err error
	if p.DataKey, err = e.wrap(dataKey, o.aad("data_key")); err != nil {
		return p, err
	}
	under, err := keyfile.New(dataKey)
	if err != nil {
		return p, err
	}
	p.Sealed, err = under.Seal(secret, o.aad("secret"))
	return p, err
}

// openOwned is the reverse of sealOwned.
func (e envelope) openOwned(o owned, row vaultsql.Secret) ([]byte, error) {
	dataKey, err := e.unwrap(row.DataKey, o.aad("data_key"))
	if err != nil {
		return nil, err
	}
	under, err := keyfile.New(dataKey)
	if err != nil {
		return nil, err
	}
	secret, err := under.Open(row.Sealed, o.aad("secret"))
	if err != nil {
		return nil, fmt.Errorf("secret %s of %s is damaged: %w", o.id, o.owner, err)
	}
	return secret, nil
}

// PutSecret seals a secret of the caller's.
func (s *Service) PutSecret(ctx context.Context, req *vaultv1.PutSecretRequest) (*vaultv1.PutSecretResponse, error) {
	o, err := ownedBy(ctx, req.GetKind(), req.GetId())
	if err != nil {
		return nil, err
	}
	if n := len(req.GetSecret()); n == 0 || n > maxSecret {
		return nil, invalid("secret", "INVALID", "1 byte to 128 KiB")
	}
	sealed, err := s.envelope.sealOwned(o, req.GetSecret())
	if err != nil {
		return nil, err
	}
	return &vaultv1.PutSecretResponse{}, s.store.putSecret(ctx, sealed)
}

// OpenSecret answers a secret of the caller's.
func (s *Service) OpenSecret(ctx context.Context, req *vaultv1.OpenSecretRequest) (*vaultv1.OpenSecretResponse, error) {
	o, err := ownedBy(ctx, req.GetKind(), req.GetId())
	if err != nil {
		return nil, err
	}
	if err := s.envelope.usable(); err != nil {
		return nil, err
	}
	if err := s.audit.ready(); err != nil {
		return nil, err
	}
	row, err := s.store.getSecret(ctx, o)
	if err != nil {
		return nil, err
	}
	opened, err := s.envelope.openOwned(o, row)
	if err != nil {
		return nil, err
	}
	who := authn.FromContext(ctx)
	s.audit.add(&authv1.AuditLine{Id: newID().String(), At: timestamppb.New(s.now()), Actor: who.Actor(), ActorName: who.Name(), Action: "secret.open",
		ObjectKind: o.kind, ObjectId: o.id.String(), Outcome: "OK", Details: map[string]string{"name": req.GetName()}})
	return &vaultv1.OpenSecretResponse{Secret: opened}, nil
}

// DeleteSecret removes a secret of the caller's for good.
func (s *Service) DeleteSecret(ctx context.Context, req *vaultv1.DeleteSecretRequest) (*vaultv1.DeleteSecretResponse, error) {
	o, err := ownedBy(ctx, req.GetKind(), req.GetId())
	if err != nil {
		return nil, err
	}
	return &vaultv1.DeleteSecretResponse{}, s.store.deleteSecret(ctx, o)
}
