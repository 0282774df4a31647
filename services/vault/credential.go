package vault

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/emptypb"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
	"github.com/netraven/netraven/internal/secret"
)

const (
	defaultPriority = 100
	defaultRate     = 5
)

// ListCredentials pages through the credentials by name, without secrets.
func (s *Service) ListCredentials(ctx context.Context, req *vaultv1.ListCredentialsRequest) (*vaultv1.ListCredentialsResponse, error) {
	at, err := page.Parse(req.GetPageToken(), 1)
	if err != nil {
		return nil, err
	}
	after := ""
	if at != nil {
		after = strings.ReplaceAll(at[0], "\x00", "") // a token can be made up
	}
	size := page.Size(req.GetPageSize())
	rows, err := s.store.listCredentials(ctx, after, size+1)
	if err != nil {
		return nil, err
	}
	resp := &vaultv1.ListCredentialsResponse{}
	if len(rows) > int(size) {
		rows = rows[:size]
		resp.NextPageToken = page.Token(rows[size-1].Credential.Name)
	}
	for _, r := range rows {
		resp.Items = append(resp.Items, credentialOf(r))
	}
	return resp, nil
}

// CreateCredential stores a credential, in probation until it has worked.
func (s *Service) CreateCredential(ctx context.Context, req *vaultv1.CreateCredentialRequest) (*vaultv1.Credential, error) {
	c := req.GetCredential()
	if c.GetPriority() == 0 && c != nil {
		c.Priority = defaultPriority
	}
	now := s.now()
	row := vaultsql.Credential{ID: newID(), Version: 1, CreatedAt: now, UpdatedAt: now}
	sec := secrets{
		password: secret.NewString(c.GetPassword()), privateKey: secret.NewString(c.GetPrivateKey()),
		passphrase: secret.NewString(c.GetPassphrase()), enableSecret: secret.NewString(c.GetEnableSecret()),
	}
	if err := setFields(&row, c, allFields); err != nil {
		return nil, err
	}
	row.SecretsSet = sec.names()
	if err := check(row, sec); err != nil {
		return nil, err
	}
	sealed, err := s.envelope.seal(row.ID, row.Version, sec)
	if err != nil {
		return nil, err
	}
	if err := s.audit.ready(); err != nil {
		return nil, err
	}
	if err := s.store.createCredential(ctx, row, sealed); err != nil {
		return nil, err
	}
	s.audit.add(s.line(ctx, "credential.create", row.ID, map[string]string{"name": row.Name, "secrets": strings.Join(row.SecretsSet, " ")}))
	return s.credential(ctx, row.ID)
}

// GetCredential answers one credential without secrets.
func (s *Service) GetCredential(ctx context.Context, req *vaultv1.GetCredentialRequest) (*vaultv1.Credential, error) {
	id, err := credentialID(req.GetId())
	if err != nil {
		return nil, err
	}
	return s.credential(ctx, id)
}

func (s *Service) credential(ctx context.Context, id uuid.UUID) (*vaultv1.Credential, error) {
	row, err := s.store.getCredential(ctx, id)
	if err != nil {
		return nil, err
	}
	return credentialOf(row), nil
}

// UpdateCredential changes exactly the fields of the mask; a changed secret makes a new version, in probation.
func (s *Service) UpdateCredential(ctx context.Context, req *vaultv1.UpdateCredentialRequest) (*vaultv1.Credential, error) {
	id, err := credentialID(req.GetCredential().GetId())
	if err != nil {
		return nil, err
	}
	paths := req.GetUpdateMask().GetPaths()
	if err := s.audit.ready(); err != nil {
		return nil, err
	}
	err = s.store.updateCredential(ctx, id, s.now(), func(row *vaultsql.Credential, sealed vaultsql.CredentialSecret) (*vaultsql.PutSecretParams, error) {
		return s.change(row, sealed, req.GetCredential(), paths)
	})
	if err != nil {
		return nil, err
	}
	s.audit.add(s.line(ctx, "credential.update", id, map[string]string{"fields": strings.Join(paths, " ")}))
	return s.credential(ctx, id)
}

// change applies a mask to a row. It answers the new secrets if one of them changes.
func (s *Service) change(row *vaultsql.Credential, sealed vaultsql.CredentialSecret, c *vaultv1.Credential, paths []string) (*vaultsql.PutSecretParams, error) {
	if err := setFields(row, c, paths); err != nil {
		return nil, err
	}
	if !touchesSecrets(paths) {
		return nil, checkRow(*row)
	}
	sec, err := s.envelope.open(sealed)
	if err != nil {
		return nil, err
	}
	setSecrets(&sec, c, paths)
	row.SecretsSet = sec.names()
	row.Version++
	if err := check(*row, sec); err != nil {
		return nil, err
	}
	put, err := s.envelope.seal(row.ID, row.Version, sec)
	return &put, err
}

// DeleteCredential removes a credential and its secrets for good.
func (s *Service) DeleteCredential(ctx context.Context, req *vaultv1.DeleteCredentialRequest) (*emptypb.Empty, error) {
	id, err := credentialID(req.GetId())
	if err != nil {
		return nil, err
	}
	row, err := s.store.getCredential(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := s.audit.ready(); err != nil {
		return nil, err
	}
	if err := s.store.deleteCredential(ctx, id); err != nil {
		return nil, err
	}
	s.audit.add(s.line(ctx, "credential.delete", id, map[string]string{"name": row.Credential.Name}))
	return &emptypb.Empty{}, nil
}

func credentialID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil { // no credential has such an id, whatever its form
		return id, errs.NotFound("credential", text)
	}
	return id, nil
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }
