package auth

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	authdb "github.com/netraven/netraven/db/auth"
	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/internal/keyfile"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/internal/secret"
)

const adminPassword = "correct horse battery"

// house is auth with a clock and a log of its own.
type house struct {
	t    *testing.T
	pool *pgxpool.Pool
	key  *keyfile.Key
	cfg  Config
	log  *lockedBuffer
	svc  *Service

	mu    sync.Mutex
	clock time.Time
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newHouse(t *testing.T, cfg Config) *house {
	t.Helper()
	key, err := keyfile.New(bytes.Repeat([]byte{7}, 32))
	require.NoError(t, err)
	if cfg.AdminPasswordFile == "" {
		cfg.AdminPasswordFile = filepath.Join(t.TempDir(), "data", "admin-password")
	}
	h := &house{t: t, pool: pgtest.New(t, "auth", authdb.Migrations), key: key, cfg: cfg, log: &lockedBuffer{}, clock: time.Now()}
	h.svc = h.start()
	return h
}

func withAdmin(t *testing.T) *house {
	t.Helper()
	return newHouse(t, Config{AdminPassword: secret.NewString(adminPassword)})
}

func (h *house) start() *Service {
	h.t.Helper()
	svc, err := New(h.cfg, Deps{Pool: h.pool, Log: slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Now: h.now, Key: h.key})
	require.NoError(h.t, err)
	return svc
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
}

// people is a connection of nobody in particular, through api.
func (h *house) people() authv1.AuthServiceClient {
	return authv1.NewAuthServiceClient(grpctest.Serve(h.t, "api", nil, h.svc))
}

// as is a connection with a user's token.
func (h *house) as(p authn.Principal) authv1.AuthServiceClient {
	return authv1.NewAuthServiceClient(grpctest.Serve(h.t, "api", &p, h.svc))
}

func (h *house) users() authv1.UserServiceClient {
	return authv1.NewUserServiceClient(grpctest.Serve(h.t, "api", &authn.Principal{UserID: newID().String(), Username: "root", Permissions: []string{"*"}}, h.svc))
}

func (h *house) login(username, password string) *authv1.TokenPair {
	h.t.Helper()
	pair, err := h.people().Login(h.t.Context(), &authv1.LoginRequest{Username: username, Password: password})
	require.NoError(h.t, err)
	return pair
}

// principal verifies an access token as any service would.
func (h *house) principal(token string) authn.Principal {
	h.t.Helper()
	p, err := h.verifier().Verify(h.t.Context(), token)
	require.NoError(h.t, err)
	return p
}

func (h *house) verifier() *authn.Verifier {
	return authn.NewVerifier(func(ctx context.Context) (*authv1.Jwks, error) { return h.svc.GetJwks(ctx, nil) })
}

// audited answers the audit lines of an action: outcome, object id.
func (h *house) audited(action string) (outcomes []string) {
	h.t.Helper()
	rows, err := h.pool.Query(h.t.Context(), "SELECT outcome FROM audit_line WHERE action = $1 ORDER BY id", action)
	require.NoError(h.t, err)
	for rows.Next() {
		var o string
		require.NoError(h.t, rows.Scan(&o))
		outcomes = append(outcomes, o)
	}
	require.NoError(h.t, rows.Err())
	return outcomes
}

// dump is all rows of all tables as text, as a thief of the database sees them.
func (h *house) dump() string {
	h.t.Helper()
	rows, err := h.pool.Query(h.t.Context(), `SELECT table_schema, table_name FROM information_schema.tables
		WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`)
	require.NoError(h.t, err)
	var tables []string
	for rows.Next() {
		var schema, table string
		require.NoError(h.t, rows.Scan(&schema, &table))
		tables = append(tables, schema+"."+table)
	}
	require.NoError(h.t, rows.Err())
	var out strings.Builder
	for _, table := range tables {
		var text *string
		require.NoError(h.t, h.pool.QueryRow(h.t.Context(), "SELECT string_agg(r::text, E'\\n') FROM "+table+" r").Scan(&text))
		if text != nil {
			out.WriteString(*text)
		}
	}
	return out.String()
}

func refused(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, reason, errs.Reason(err), "%v", err)
	require.Equal(t, code, errs.Code(err))
}

func TestFirstStartWritesAPasswordThatMustBeChanged(t *testing.T) {
	h := newHouse(t, Config{})
	info, err := os.Stat(h.cfg.AdminPasswordFile)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	b, err := os.ReadFile(h.cfg.AdminPasswordFile)
	require.NoError(t, err)
	password := strings.TrimSpace(string(b))
	require.Contains(t, h.log.String(), h.cfg.AdminPasswordFile)
	require.NotContains(t, h.log.String(), password)

	pair := h.login("Admin", password)
	require.True(t, pair.GetMustChangePassword())
	require.Equal(t, int32(600), pair.GetExpiresIn())
	p := h.principal(pair.GetAccessToken())
	require.True(t, p.MustChangePassword)
	require.Equal(t, []string{"admin"}, p.Roles)
	require.True(t, p.Can("auth.user.write"))

	_, err = h.as(p).GetMe(t.Context(), &authv1.GetMeRequest{})
	refused(t, err, codes.PermissionDenied, "PASSWORD_CHANGE_REQUIRED")

	svc := h.start() // a restart makes no second password
	require.NotNil(t, svc)
	again, err := os.ReadFile(h.cfg.AdminPasswordFile)
	require.NoError(t, err)
	require.Equal(t, b, again)

	changed, err := h.as(p).ChangePassword(t.Context(), &authv1.ChangePasswordRequest{CurrentPassword: password, NewPassword: adminPassword})
	require.NoError(t, err)
	require.False(t, changed.GetMustChangePassword())
	require.NoFileExists(t, h.cfg.AdminPasswordFile)
	_, err = h.people().Refresh(t.Context(), &authv1.RefreshRequest{RefreshToken: pair.GetRefreshToken()})
	refused(t, err, codes.Unauthenticated, "REFRESH_TOKEN_INVALID")
	me, err := h.as(h.principal(changed.GetAccessToken())).GetMe(t.Context(), &authv1.GetMeRequest{})
	require.NoError(t, err)
	require.Equal(t, "admin", me.GetUsername())
	_, err = h.people().Login(t.Context(), &authv1.LoginRequest{Username: "admin", Password: password})
	refused(t, err, codes.Unauthenticated, "WRONG_CREDENTIALS")
	require.Equal(t, []string{"OK"}, h.audited("auth.change_password"))
}

func TestFirstStartTakesTheOperatorsPassword(t *testing.T) {
	h := withAdmin(t)
	require.NoFileExists(t, h.cfg.AdminPasswordFile)
	require.False(t, h.login("admin", adminPassword).GetMustChangePassword())

	weak := newHouse(t, Config{AdminPassword: secret.NewString("weak")})
	require.False(t, weak.login("admin", "weak").GetMustChangePassword())
	require.Contains(t, weak.log.String(), "weaker")
}

func TestFirstStartOfManyReplicasMakesEverythingOnce(t *testing.T) {
	h := withAdmin(t)
	_, err := h.pool.Exec(t.Context(), "TRUNCATE account, signing_key, authority CASCADE")
	require.NoError(t, err)
	pins := make([]string, 6)
	var wg sync.WaitGroup
	for i := range pins {
		wg.Go(func() {
			svc, err := New(h.cfg, Deps{Pool: h.pool, Log: slog.New(slog.DiscardHandler), Key: h.key})
			if err == nil {
				a, _ := svc.GetAuthority(context.Background(), nil)
				pins[i] = a.GetPin()
			}
		})
	}
	wg.Wait()
	for _, pin := range pins {
		require.Equal(t, pins[0], pin)
		require.Len(t, pin, 64)
	}
	var accounts, keys int
	require.NoError(t, h.pool.QueryRow(t.Context(), "SELECT (SELECT count(*) FROM account), (SELECT count(*) FROM signing_key)").Scan(&accounts, &keys))
	require.Equal(t, 1, accounts)
	require.Equal(t, 2, keys)
}

func TestRunEndsWithItsContext(t *testing.T) {
	h := withAdmin(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.svc.Run(ctx) }()
	cancel()
	require.NoError(t, <-ended)
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	h := withAdmin(t)
	_, err := New(Config{}, Deps{})
	require.ErrorContains(t, err, "needed")
	_, err = New(Config{AccessTTL: 2 * time.Hour}, Deps{})
	require.ErrorContains(t, err, "hour")
	other, err := keyfile.New(bytes.Repeat([]byte{8}, 32))
	require.NoError(t, err)
	_, err = New(h.cfg, Deps{Pool: h.pool, Log: slog.New(slog.DiscardHandler), Key: other})
	require.ErrorContains(t, err, "key-encryption key")
}

func TestAuditTrailIsAppendOnlyAndIdempotent(t *testing.T) {
	h := withAdmin(t)
	client := authv1.NewTrustServiceClient(grpctest.Serve(t, "vault", nil, h.svc))
	line := &authv1.AuditLine{Id: uuid.NewString(), Actor: "service:vault", Action: "credential.open", Outcome: "OK",
		ObjectId: "x\x00y" + strings.Repeat("é", 2000), Details: map[string]string{"agent": "a1"}}
	for range 2 {
		_, err := client.AppendAudit(t.Context(), &authv1.AppendAuditRequest{Lines: []*authv1.AuditLine{line, line}})
		require.NoError(t, err)
	}
	require.Equal(t, []string{"OK"}, h.audited("credential.open"))
	for _, statement := range []string{"UPDATE audit_line SET outcome = 'x'", "DELETE FROM audit_line", "TRUNCATE audit_line"} {
		_, err := h.pool.Exec(t.Context(), statement)
		require.ErrorContains(t, err, "append-only")
	}
	_, err := client.AppendAudit(t.Context(), &authv1.AppendAuditRequest{Lines: []*authv1.AuditLine{{Id: "1", Action: "a", Outcome: "OK"}}})
	refused(t, err, codes.InvalidArgument, "FIELD_INVALID")
	_, err = h.as(authn.Principal{UserID: "u", Permissions: []string{"*"}}).GetMe(t.Context(), &authv1.GetMeRequest{})
	require.NoError(t, err)
	user := authv1.NewTrustServiceClient(grpctest.Serve(t, "stranger", nil, h.svc))
	_, err = user.AppendAudit(t.Context(), &authv1.AppendAuditRequest{})
	refused(t, err, codes.PermissionDenied, "INTERNAL_ONLY")
}
