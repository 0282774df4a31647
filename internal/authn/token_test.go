package authn_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"maps"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
)

func verifier(t *testing.T) (*authn.Verifier, ed25519.PrivateKey) {
	t.Helper()
	pub, priv, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	set := &authv1.Jwks{Keys: []*authv1.Jwks_Key{{Kty: "OKP", Crv: "Ed25519", Kid: "k1", X: base64.RawURLEncoding.EncodeToString(pub)}}}
	return authn.NewVerifier(func(context.Context) (*authv1.Jwks, error) { return set, nil }), priv
}

func TestVerifyAnswersWhoWasSigned(t *testing.T) {
	v, key := verifier(t)
	want := authn.Principal{UserID: "u", Username: "ann", SessionID: "s", Roles: []string{"admin"}, Permissions: []string{"*"}, MustChangePassword: true}
	token, err := authn.Sign(key, "k1", want, time.Now(), time.Minute)
	require.NoError(t, err)
	got, err := v.Verify(context.Background(), token)
	require.NoError(t, err)
	require.Equal(t, want, got)
}

// FAILURES 58: alg none, HS256, a foreign audience, an unknown or expired key.
func Test58ForgedTokensAreRefused(t *testing.T) {
	v, key := verifier(t)
	_, other, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	p := authn.Principal{UserID: "u"}
	now := time.Now()
	good := jwt.MapClaims{"iss": "netraven", "aud": "netraven", "sub": "u", "exp": now.Add(time.Minute).Unix()}
	sign := func(m jwt.SigningMethod, k any, kid string, c jwt.MapClaims) string {
		tok := jwt.NewWithClaims(m, c)
		tok.Header["kid"] = kid
		s, err := tok.SignedString(k)
		require.NoError(t, err)
		return s
	}
	with := func(k string, val any) jwt.MapClaims {
		c := jwt.MapClaims{}
		maps.Copy(c, good)
		if val == nil {
			delete(c, k)
		} else {
			c[k] = val
		}
		return c
	}
	expired, err := authn.Sign(key, "k1", p, now.Add(-time.Hour), time.Minute)
	require.NoError(t, err)
	_, err = v.Verify(context.Background(), sign(jwt.SigningMethodEdDSA, key, "k1", good))
	require.NoError(t, err, "the good one passes")
	for name, c := range map[string]struct{ token, reason string }{
		"none":          {sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "k1", good), "TOKEN_INVALID"},
		"hs256":         {sign(jwt.SigningMethodHS256, []byte(key.Public().(ed25519.PublicKey)), "k1", good), "TOKEN_INVALID"},
		"foreign aud":   {sign(jwt.SigningMethodEdDSA, key, "k1", with("aud", "other")), "TOKEN_INVALID"},
		"foreign iss":   {sign(jwt.SigningMethodEdDSA, key, "k1", with("iss", "other")), "TOKEN_INVALID"},
		"no expiry":     {sign(jwt.SigningMethodEdDSA, key, "k1", with("exp", nil)), "TOKEN_INVALID"},
		"no subject":    {sign(jwt.SigningMethodEdDSA, key, "k1", with("sub", nil)), "TOKEN_INVALID"},
		"unknown kid":   {sign(jwt.SigningMethodEdDSA, key, "k2", good), "TOKEN_INVALID"},
		"other's key":   {sign(jwt.SigningMethodEdDSA, other, "k1", good), "TOKEN_INVALID"},
		"expired":       {expired, "TOKEN_EXPIRED"},
		"not a token":   {"abc", "TOKEN_INVALID"},
		"empty":         {"", "TOKEN_INVALID"},
		"two dots only": {"..", "TOKEN_INVALID"},
	} {
		_, err := v.Verify(context.Background(), c.token)
		require.Equal(t, c.reason, errs.Reason(err), name)
	}
}

func TestCan(t *testing.T) {
	for _, c := range []struct {
		pattern, permission string
		want                bool
	}{
		{"*", "config.read_secret", true},
		{"*.read", "inventory.device.read", true},
		{"*.read", "config.read_secret", false},
		{"inventory.*", "inventory.device.write", true},
		{"inventory.*", "inventoryx.device.write", false},
		{"job.run.create", "job.run.create", true},
		{"job.run.create", "job.run.cancel", false},
	} {
		require.Equal(t, c.want, authn.Principal{Permissions: []string{c.pattern}}.Can(c.permission), "%s %s", c.pattern, c.permission)
	}
}
