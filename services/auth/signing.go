package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	authsql "github.com/netraven/netraven/gen/sqlc/auth"
)

// retireAfter is how long a key stays published after its successor began to sign: longer than any access token lives.
const retireAfter = 2 * time.Hour

// keyring holds the signing keys in order of signs_from. Safe for concurrent use.
type keyring struct {
	mu   sync.RWMutex
	keys []signingKey
}

type signingKey struct {
	kid       string
	private   ed25519.PrivateKey
	signsFrom time.Time
}

func (r *keyring) replace(keys []signingKey) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = keys
}

// signer answers the key that signs at now.
func (r *keyring) signer(now time.Time) (string, ed25519.PrivateKey, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, k := range slices.Backward(r.keys) {
		if !k.signsFrom.After(now) {
			return k.kid, k.private, nil
		}
	}
	return "", nil, errors.New("no signing key is valid yet; has the clock been set back?")
}

func (r *keyring) published() []*authv1.Jwks_Key {
	r.mu.RLock()
	defer r.mu.RUnlock()
	out := make([]*authv1.Jwks_Key, 0, len(r.keys))
	for _, k := range r.keys {
		x := base64.RawURLEncoding.EncodeToString(k.private.Public().(ed25519.PublicKey))
		out = append(out, &authv1.Jwks_Key{Kty: "OKP", Crv: "Ed25519", X: x, Kid: k.kid, Alg: "EdDSA", Use: "sig"})
	}
	return out
}

// GetJwks answers the public keys that access tokens are signed with, old and next ones included.
func (s *Service) GetJwks(context.Context, *authv1.GetJwksRequest) (*authv1.Jwks, error) {
	return &authv1.Jwks{Keys: s.ring.published()}, nil
}

// rotateKeys makes the keys that are due, removes retired ones and loads the rest. May be repeated, by any number of replicas at once.
func (s *Service) rotateKeys(ctx context.Context) error {
	rows, err := s.store.rotateKeys(ctx, func(rows []authsql.SigningKey) (add []authsql.SigningKey, remove []string, err error) {
		return s.planKeys(rows, s.now())
	})
	if err != nil {
		return err
	}
	keys := make([]signingKey, 0, len(rows))
	for _, r := range rows {
		seed, err := s.key.Open(r.SealedPrivate, keyAAD(r.Kid))
		if err != nil || len(seed) != ed25519.SeedSize {
			return fmt.Errorf("signing key %s cannot be opened: is this the key-encryption key of this database?", r.Kid)
		}
		keys = append(keys, signingKey{kid: r.Kid, private: ed25519.NewKeyFromSeed(seed), signsFrom: r.SignsFrom})
	}
	s.ring.replace(keys)
	return nil
}

// planKeys says which keys to add and which to remove: one signs, the next is known a period before it signs, and a retired one is published
// until no token of it can live. rows are in order of signs_from.
func (s *Service) planKeys(rows []authsql.SigningKey, now time.Time) (add []authsql.SigningKey, remove []string, err error) {
	now = now.Truncate(time.Microsecond) // as the database keeps it
	var signs, next bool
	from := now
	for i, r := range rows {
		if i+1 < len(rows) && rows[i+1].SignsFrom.Add(retireAfter).Before(now) {
			remove = append(remove, r.Kid)
			continue
		}
		if r.SignsFrom.After(now) {
			next = true
		} else {
			signs, from = true, r.SignsFrom
		}
	}
	if !signs {
		k, err := s.newSigningKey(now)
		if err != nil {
			return nil, nil, err
		}
		add, from = append(add, k), now
	}
	if !next {
		at := from.Add(s.cfg.KeyPeriod)
		if at.Before(now.Add(retireAfter)) { // we slept through it: still publish before signing
			at = now.Add(retireAfter)
		}
		k, err := s.newSigningKey(at)
		if err != nil {
			return nil, nil, err
		}
		add = append(add, k)
	}
	return add, remove, nil
}

func (s *Service) newSigningKey(from time.Time) (authsql.SigningKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return authsql.SigningKey{}, err
	}
	kid := newID().String()
	sealed, err := s.key.Seal(private.Seed(), keyAAD(kid))
	return authsql.SigningKey{Kid: kid, PublicKey: public, SealedPrivate: sealed, SignsFrom: from}, err
}

func keyAAD(kid string) []byte { return []byte("auth|signing_key|" + kid) }
