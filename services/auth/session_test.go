package auth

import (
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/secret"
)

func TestWrongCredentialsAreTheSameForEveryone(t *testing.T) {
	h := withAdmin(t)
	var messages []string
	for _, r := range []*authv1.LoginRequest{
		{Username: "admin", Password: "wrong wrong wrong"}, {Username: "nobody-here", Password: adminPassword},
		{Username: "admin"}, {}, {Username: "admin", Password: strings.Repeat("x", 1<<20)}, {Username: "a\x00b", Password: "x"},
	} {
		_, err := h.people().Login(t.Context(), r)
		refused(t, err, codes.Unauthenticated, "WRONG_CREDENTIALS")
		messages = append(messages, errs.From(err).Message())
	}
	for _, m := range messages {
		require.Equal(t, messages[0], m)
	}
	require.NotContains(t, h.dump(), "nobody-here", "what was typed as a name may be a password")
	require.Len(t, h.audited("auth.login"), 6)
}

func TestAnUnknownUserCostsAHash(t *testing.T) {
	h := newHasher(1)
	require.NoError(t, h.slots.Acquire(t.Context(), 1)) // nobody can hash now
	done := make(chan bool, 1)
	go func() {
		ok, _ := h.verify(t.Context(), "", secret.NewString("any password"))
		done <- ok
	}()
	select {
	case <-done:
		t.Fatal("an unknown user was answered without a hash")
	default:
	}
	h.slots.Release(1)
	require.False(t, <-done)
}

func TestPasswordHashCarriesItsParameters(t *testing.T) {
	h := newHasher(0)
	hash, err := h.hash(t.Context(), secret.NewString(adminPassword))
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$"), hash)
	for password, want := range map[string]bool{adminPassword: true, adminPassword + " ": false, "": false} {
		ok, err := h.verify(t.Context(), hash, secret.NewString(password))
		require.NoError(t, err)
		require.Equal(t, want, ok)
	}
	// A hash of other parameters, as an earlier release might have left it.
	weak := strings.Replace(hash, "m=19456,t=2", "m=64,t=1", 1)
	ok, err := h.verify(t.Context(), weak, secret.NewString(adminPassword))
	require.NoError(t, err)
	require.False(t, ok)
	for _, damaged := range []string{"x", "$argon2id$v=19$m=1$a$b", "$argon2i$v=19$m=64,t=1,p=1$AAAA$AAAA", hash + "!"} {
		_, err := h.verify(t.Context(), damaged, secret.NewString(adminPassword))
		require.Error(t, err)
	}
}

func TestFailedLoginsAreLimited(t *testing.T) {
	h := withAdmin(t)
	people := h.people()
	wrong := func() error {
		_, err := people.Login(t.Context(), &authv1.LoginRequest{Username: "admin", Password: "wrong wrong wrong"})
		return err
	}
	for range 10 {
		refused(t, wrong(), codes.Unauthenticated, "WRONG_CREDENTIALS")
	}
	refused(t, wrong(), codes.ResourceExhausted, "LOGIN_RATE_LIMITED")
	h.pass(7 * time.Second)
	h.login("admin", adminPassword)
	for range 12 { // successes cost nothing
		h.login("admin", adminPassword)
	}
	require.Contains(t, h.audited("auth.login"), "LOGIN_RATE_LIMITED")
	require.NoError(t, h.svc.tickOnce(t.Context()))
	h.pass(2 * time.Hour)
	require.NoError(t, h.svc.tickOnce(t.Context()))
	var buckets int
	require.NoError(t, h.pool.QueryRow(t.Context(), "SELECT count(*) FROM login_bucket").Scan(&buckets))
	require.Zero(t, buckets)
}

// FAILURES 56: the replay of an old refresh token ends the session of thief and owner, and is audited.
func TestFailure56RefreshTokenReplay(t *testing.T) {
	h := withAdmin(t)
	people := h.people()
	refresh := func(token string) (*authv1.TokenPair, error) {
		return people.Refresh(t.Context(), &authv1.RefreshRequest{RefreshToken: token})
	}
	stolen := h.login("admin", adminPassword)
	second, err := refresh(stolen.GetRefreshToken())
	require.NoError(t, err)
	require.NotEqual(t, stolen.GetRefreshToken(), second.GetRefreshToken())
	h.pass(61 * time.Second)
	_, err = refresh(stolen.GetRefreshToken())
	refused(t, err, codes.Unauthenticated, "REFRESH_TOKEN_INVALID")
	_, err = refresh(second.GetRefreshToken())
	refused(t, err, codes.Unauthenticated, "REFRESH_TOKEN_INVALID")
	require.Equal(t, []string{"REFRESH_TOKEN_REUSED"}, h.audited("auth.refresh"))
	_, err = refresh("no such token")
	refused(t, err, codes.Unauthenticated, "REFRESH_TOKEN_INVALID")

	// Two generations back is reuse even within the minute.
	first := h.login("admin", adminPassword)
	next, err := refresh(first.GetRefreshToken())
	require.NoError(t, err)
	last, err := refresh(next.GetRefreshToken())
	require.NoError(t, err)
	_, err = refresh(first.GetRefreshToken())
	refused(t, err, codes.Unauthenticated, "REFRESH_TOKEN_INVALID")
	_, err = refresh(last.GetRefreshToken())
	refused(t, err, codes.Unauthenticated, "REFRESH_TOKEN_INVALID")
}

// FAILURES 57: two tabs refresh with one token at once; both stay signed in.
func TestFailure57TwoTabsRefreshAtOnce(t *testing.T) {
	h := withAdmin(t)
	people := h.people()
	pair := h.login("admin", adminPassword)
	got := make([]*authv1.TokenPair, 4)
	failed := make([]error, len(got))
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() {
			got[i], failed[i] = people.Refresh(t.Context(), &authv1.RefreshRequest{RefreshToken: pair.GetRefreshToken()})
		})
	}
	wg.Wait()
	for i := range got {
		require.NoError(t, failed[i])
	}
	h.pass(10 * time.Minute)
	_, err := people.Refresh(t.Context(), &authv1.RefreshRequest{RefreshToken: got[2].GetRefreshToken()})
	require.NoError(t, err, "whichever answer came last is the one the browser keeps")
}

func TestSessionsEnd(t *testing.T) {
	h := withAdmin(t)
	people := h.people()
	idle, used := h.login("admin", adminPassword), h.login("admin", adminPassword)
	out := h.login("admin", adminPassword)
	_, err := h.as(h.principal(out.GetAccessToken())).Logout(t.Context(), &authv1.LogoutRequest{})
	require.NoError(t, err)
	_, err = people.Refresh(t.Context(), &authv1.RefreshRequest{RefreshToken: out.GetRefreshToken()})
	refused(t, err, codes.Unauthenticated, "REFRESH_TOKEN_INVALID")
	for range 8 { // every eleven days, 88 in all; 90 are allowed
		h.pass(11 * 24 * time.Hour)
		used, err = people.Refresh(t.Context(), &authv1.RefreshRequest{RefreshToken: used.GetRefreshToken()})
		require.NoError(t, err)
	}
	h.pass(11 * 24 * time.Hour)
	_, err = people.Refresh(t.Context(), &authv1.RefreshRequest{RefreshToken: used.GetRefreshToken()})
	refused(t, err, codes.Unauthenticated, "REFRESH_TOKEN_INVALID")
	_, err = people.Refresh(t.Context(), &authv1.RefreshRequest{RefreshToken: idle.GetRefreshToken()})
	refused(t, err, codes.Unauthenticated, "REFRESH_TOKEN_INVALID")
	h.pass(10 * 24 * time.Hour)
	require.NoError(t, h.svc.tickOnce(t.Context()))
	var sessions int
	require.NoError(t, h.pool.QueryRow(t.Context(), "SELECT count(*) FROM session").Scan(&sessions))
	require.Zero(t, sessions)
}

// FAILURES 58: tokens that are not ours, or not for us, or of a key that is gone, are refused.
func TestFailure58ForgedTokens(t *testing.T) {
	h := withAdmin(t)
	good := h.login("admin", adminPassword).GetAccessToken()
	kid, key, err := h.svc.ring.signer(h.now())
	require.NoError(t, err)
	claims := func(audience string) jwt.MapClaims {
		return jwt.MapClaims{"iss": "netraven", "aud": audience, "sub": "x", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(), "perms": []string{"*"}}
	}
	forge := func(method jwt.SigningMethod, key any, audience, kid string) string {
		token := jwt.NewWithClaims(method, claims(audience))
		token.Header["kid"] = kid
		out, err := token.SignedString(key)
		require.NoError(t, err)
		return out
	}
	_, stranger, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	part := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"` + kid + `"}`))
	for name, token := range map[string]string{
		"alg none":          forge(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "netraven", kid),
		"alg none, swapped": none + "." + part[1] + ".",
		"HS256 public key":  forge(jwt.SigningMethodHS256, []byte(key.Public().(ed25519.PublicKey)), "netraven", kid),
		"foreign audience":  forge(jwt.SigningMethodEdDSA, key, "other", kid),
		"unknown kid":       forge(jwt.SigningMethodEdDSA, stranger, "netraven", "gone"),
		"stranger's key":    forge(jwt.SigningMethodEdDSA, stranger, "netraven", kid),
		"cut":               part[0] + "." + part[1],
		"empty":             "",
	} {
		_, err := h.verifier().Verify(t.Context(), token)
		refused(t, err, codes.Unauthenticated, "TOKEN_INVALID")
		_ = name
	}
	_, err = h.verifier().Verify(t.Context(), good)
	require.NoError(t, err)
	// Two periods later the key that signed is retired: its tokens are worthless, whatever they say.
	eternal := forge(jwt.SigningMethodEdDSA, key, "netraven", kid)
	for range 3 {
		h.pass(31 * 24 * time.Hour)
		require.NoError(t, h.svc.tickOnce(t.Context()))
	}
	_, err = h.verifier().Verify(t.Context(), eternal)
	refused(t, err, codes.Unauthenticated, "TOKEN_INVALID")
}

func TestSigningKeysRotateWithOverlap(t *testing.T) {
	h := withAdmin(t)
	kids := func() (out []string) {
		set, err := h.svc.GetJwks(t.Context(), nil)
		require.NoError(t, err)
		for _, k := range set.GetKeys() {
			require.Equal(t, "OKP", k.GetKty())
			out = append(out, k.GetKid())
		}
		return out
	}
	signer := func() string {
		kid, _, err := h.svc.ring.signer(h.now())
		require.NoError(t, err)
		return kid
	}
	first := kids()
	require.Len(t, first, 2)
	require.Equal(t, first[0], signer())
	h.pass(30*24*time.Hour + time.Minute)
	require.Equal(t, first[1], signer(), "the next key was published all the time")
	require.NoError(t, h.svc.tickOnce(t.Context()))
	require.Len(t, kids(), 3, "old, present, next")
	h.pass(3 * time.Hour)
	require.NoError(t, h.svc.tickOnce(t.Context()))
	require.NotContains(t, kids(), first[0])
	require.Len(t, kids(), 2)
	h.pass(400 * 24 * time.Hour) // asleep for a year
	require.NoError(t, h.svc.tickOnce(t.Context()))
	signs := signer()
	require.Contains(t, kids(), signs)
	require.NoError(t, h.svc.tickOnce(t.Context()))
	require.Equal(t, signs, signer())
}

func TestChangePasswordRefusals(t *testing.T) {
	h := withAdmin(t)
	p := h.principal(h.login("admin", adminPassword).GetAccessToken())
	for password, reason := range map[string]string{"short": "PASSWORD_TOO_WEAK", "": "PASSWORD_TOO_WEAK", adminPassword: "PASSWORD_TOO_WEAK", "aaaaaaaaaaaaaaaa": "PASSWORD_TOO_WEAK"} {
		_, err := h.as(p).ChangePassword(t.Context(), &authv1.ChangePasswordRequest{CurrentPassword: adminPassword, NewPassword: password})
		refused(t, err, codes.InvalidArgument, reason)
	}
	_, err := h.as(p).ChangePassword(t.Context(), &authv1.ChangePasswordRequest{CurrentPassword: "not the password", NewPassword: "another good password"})
	refused(t, err, codes.Unauthenticated, "WRONG_CREDENTIALS")
	ghost := authn.Principal{UserID: newID().String(), Username: "ghost"}
	_, err = h.as(ghost).ChangePassword(t.Context(), &authv1.ChangePasswordRequest{CurrentPassword: adminPassword, NewPassword: "another good password"})
	refused(t, err, codes.NotFound, "USER_NOT_FOUND")
}

func FuzzDecodeHash(f *testing.F) {
	f.Add("$argon2id$v=19$m=19456,t=2,p=1$AAAA$AAAA")
	f.Add("$argon2id$v=19$m=1,t=0,p=0$$")
	f.Fuzz(func(t *testing.T, encoded string) {
		time, _, threads, _, key, err := decodeHash(encoded)
		if err == nil && (time == 0 || threads == 0 || len(key) == 0) {
			t.Fatalf("%q gives parameters that argon2 panics at", encoded)
		}
	})
}
