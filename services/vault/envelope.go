package vault

import (
	"crypto/rand"
	"fmt"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/keyfile"
	"github.com/netraven/netraven/internal/secret"
	"github.com/netraven/netraven/services/vault/recovery"
)

const dataKeySize = 32

// secrets are a credential's secrets, opened. They live as long as one call.
type secrets struct {
	password, privateKey, passphrase, enableSecret secret.String
}

// names answers which are set, as the API names them.
func (s secrets) names() []string {
	out := []string{}
	for _, f := range []struct {
		name  string
		value secret.String
	}{{"password", s.password}, {"private_key", s.privateKey}, {"passphrase", s.passphrase}, {"enable_secret", s.enableSecret}} {
		if !f.value.Empty() {
			out = append(out, f.name)
		}
	}
	return out
}

// envelope seals data keys under the key-encryption key, and secrets under data keys.
type envelope struct {
	kek *keyfile.Key // nil: not available
}

func keyUnavailable() *errs.Error {
	return errs.New(codes.Unavailable, "KEY_UNAVAILABLE", "the key-encryption key is not available; no secret can be stored or opened until an administrator restores it")
}

// usable refuses work that needs the key when there is none.
func (e envelope) usable() error {
	if e.kek == nil {
		return keyUnavailable()
	}
	return nil
}

// wrap seals a key under the key-encryption key.
func (e envelope) wrap(key, aad []byte) ([]byte, error) {
	if e.kek == nil {
		return nil, keyUnavailable()
	}
	return e.kek.Seal(key, aad)
}

// unwrap is the reverse of wrap. A key that does not open was sealed under another key-encryption key.
func (e envelope) unwrap(sealed, aad []byte) ([]byte, error) {
	if e.kek == nil {
		return nil, keyUnavailable()
	}
	key, err := e.kek.Open(sealed, aad)
	if err != nil {
		return nil, keyUnavailable().Wrap(fmt.Errorf("%s: %w", aad, err))
	}
	return key, nil
}

// seal closes all secrets of one version under a new data key.
func (e envelope) seal(id uuid.UUID, version int32, s secrets) (vaultsql.PutSecretParams, error) {
	p := vaultsql.PutSecretParams{CredentialID: id, Version: version}
	dataKey := newDataKey()
	var err error
	if p.DataKey, err = e.wrap(dataKey, credentialAAD(id, version, "data_key")); err != nil {
		return p, err
	}
	under, err := keyfile.New(dataKey)
	if err != nil {
		return p, err
	}
	for _, f := range []struct {
		name  string
		value secret.String
		to    *[]byte
	}{{"password", s.password, &p.Password}, {"private_key", s.privateKey, &p.PrivateKey}, {"passphrase", s.passphrase, &p.Passphrase}, {"enable_secret", s.enableSecret, &p.EnableSecret}} {
		if f.value.Empty() {
			continue
		}
		if *f.to, err = under.Seal([]byte(f.value.Reveal()), credentialAAD(id, version, f.name)); err != nil {
			return p, err
		}
	}
	return p, nil
}

// open is the reverse of seal.
func (e envelope) open(row vaultsql.CredentialSecret) (secrets, error) {
	var s secrets
	dataKey, err := e.unwrap(row.DataKey, credentialAAD(row.CredentialID, row.Version, "data_key"))
	if err != nil {
		return s, err
	}
	under, err := keyfile.New(dataKey)
	if err != nil {
		return s, err
	}
	for _, f := range []struct {
		name   string
		sealed []byte
		to     *secret.String
	}{{"password", row.Password, &s.password}, {"private_key", row.PrivateKey, &s.privateKey}, {"passphrase", row.Passphrase, &s.passphrase}, {"enable_secret", row.EnableSecret, &s.enableSecret}} {
		if f.sealed == nil {
			continue
		}
		plain, err := under.Open(f.sealed, credentialAAD(row.CredentialID, row.Version, f.name))
		if err != nil {
			return secrets{}, fmt.Errorf("field %s of credential %s is damaged: %w", f.name, row.CredentialID, err)
		}
		*f.to = secret.NewString(string(plain))
	}
	return s, nil
}

// openDeviceKey opens a device's data key.
func (e envelope) openDeviceKey(device uuid.UUID, sealed []byte) (recovery.DataKey, error) {
	key, err := e.unwrap(sealed, deviceAAD(device))
	return recovery.DataKey{Bytes: secret.NewBytes(key)}, err
}

func newDataKey() []byte {
	key := make([]byte, dataKeySize)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return key
}

func credentialAAD(id uuid.UUID, version int32, field string) []byte {
	return fmt.Appendf(nil, "%s|%d|%s", id, version, field)
}

func deviceAAD(id uuid.UUID) []byte { return []byte("vault|device_key|" + id.String()) }

var tagAAD = []byte("vault|tag_key")
