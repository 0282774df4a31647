package authn

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"google.golang.org/grpc/codes"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/errs"
)

const (
	issuer   = "netraven"
	audience = "netraven"
	// refetchEvery bounds how often tokens with unknown key ids can make us ask auth.
	refetchEvery = 5 * time.Second
)

type claims struct {
	jwt.RegisteredClaims
	Username    string   `json:"name"`
	SessionID   string   `json:"sid"`
	Roles       []string `json:"roles,omitempty"`
	Permissions []string `json:"perms,omitempty"`
	MustChange  bool     `json:"pwc,omitempty"`
}

// Sign makes an access token for p that lives ttl from now. kid names the key in the published set.
func Sign(key ed25519.PrivateKey, kid string, p Principal, now time.Time, ttl time.Duration) (string, error) {
	t := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: p.UserID,
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now.Add(-time.Minute)), ExpiresAt: jwt.NewNumericDate(now.Add(ttl)),
		},
		Username: p.Username, SessionID: p.SessionID, Roles: p.Roles, Permissions: p.Permissions, MustChange: p.MustChangePassword,
	})
	t.Header["kid"] = kid
	return t.SignedString(key)
}

// Verifier verifies access tokens. It asks for the published keys at the first token, and again when a token names a key it does not
// know, at most every five seconds. Safe for concurrent use.
type Verifier struct {
	fetch func(context.Context) (*authv1.Jwks, error)
	now   func() time.Time

	mu      sync.RWMutex
	keys    map[string]ed25519.PublicKey
	fetched time.Time
	asking  sync.Mutex
}

// NewVerifier makes a verifier that gets keys by fetch.
func NewVerifier(fetch func(context.Context) (*authv1.Jwks, error)) *Verifier {
	return &Verifier{fetch: fetch, now: time.Now}
}

// Verify answers who a token belongs to. It may block on fetch. Errors: UNAUTHENTICATED/TOKEN_INVALID, UNAUTHENTICATED/TOKEN_EXPIRED,
// UNAVAILABLE/SERVICE_UNAVAILABLE when keys are needed and auth is away.
func (v *Verifier) Verify(ctx context.Context, token string) (Principal, error) {
	var fetchErr error
	var c claims
	_, err := jwt.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		key, err := v.key(ctx, kid)
		fetchErr = err
		return key, err
	}, jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}), jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(30*time.Second), jwt.WithTimeFunc(v.now))
	switch {
	case err == nil && c.Subject != "":
		return Principal{UserID: c.Subject, Username: c.Username, SessionID: c.SessionID, Roles: c.Roles, Permissions: c.Permissions,
			MustChangePassword: c.MustChange}, nil
	case fetchErr != nil && errs.Code(fetchErr) != codes.Unauthenticated:
		return Principal{}, fetchErr
	case errors.Is(err, jwt.ErrTokenExpired):
		return Principal{}, errs.New(codes.Unauthenticated, "TOKEN_EXPIRED", "the access token has expired; refresh it or sign in again").Wrap(err)
	default:
		return Principal{}, errs.New(codes.Unauthenticated, "TOKEN_INVALID", "the access token is not valid; sign in again").Wrap(err)
	}
}

func (v *Verifier) key(ctx context.Context, kid string) (ed25519.PublicKey, error) {
	if key, ok := v.cached(kid); ok {
		return key, nil
	}
	v.asking.Lock()
	defer v.asking.Unlock()
	if key, ok := v.cached(kid); ok {
		return key, nil
	}
	unknown := errs.New(codes.Unauthenticated, "TOKEN_INVALID", "the access token is not valid; sign in again")
	if v.now().Sub(v.fetched) < refetchEvery {
		return nil, unknown
	}
	set, err := v.fetch(ctx)
	if err != nil {
		return nil, err
	}
	v.replace(set)
	if key, ok := v.cached(kid); ok {
		return key, nil
	}
	return nil, unknown
}

func (v *Verifier) cached(kid string) (ed25519.PublicKey, bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	key, ok := v.keys[kid]
	return key, ok
}

func (v *Verifier) replace(set *authv1.Jwks) {
	keys := make(map[string]ed25519.PublicKey, len(set.GetKeys()))
	for _, k := range set.GetKeys() {
		x, err := base64.RawURLEncoding.DecodeString(k.GetX())
		if err == nil && len(x) == ed25519.PublicKeySize && k.GetKty() == "OKP" && k.GetCrv() == "Ed25519" {
			keys[k.GetKid()] = x
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.keys, v.fetched = keys, v.now()
}
