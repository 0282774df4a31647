package pgembed

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// folder is a temporary folder that the server's user may search, also when the tests run as root.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o711))
	return dir
}

func config(dir string) Config {
	return Config{DataDir: filepath.Join(dir, "postgres"), BinDir: os.Getenv("NETRAVEN_PG_BIN"), Logger: slog.New(slog.DiscardHandler)}
}

func deadline(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// start starts a server that ends with the test.
func start(t *testing.T, cfg Config) *Server {
	t.Helper()
	s, err := Start(deadline(t), cfg)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.WithoutCancel(t.Context()))) })
	return s
}

// ask runs one query that answers one text.
func ask(t *testing.T, url, sql string) string {
	t.Helper()
	ctx := deadline(t)
	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(ctx)) }()
	var answer string
	require.NoError(t, conn.QueryRow(ctx, sql).Scan(&answer))
	return answer
}

func TestStartStopRestart(t *testing.T) {
	cfg := config(folder(t))
	s := start(t, cfg)
	require.Equal(t, "kept", ask(t, s.URL(), "SELECT 'kept'::text"))
	_, err := pgxExec(t, s.URL(), "CREATE TABLE note (text text); INSERT INTO note VALUES ('kept')")
	require.NoError(t, err)
	require.NoError(t, s.Err())
	require.NoError(t, s.Stop(deadline(t)))
	<-s.Done()
	require.NoError(t, s.Err(), "a wanted end is no failure")
	require.NoError(t, s.Stop(deadline(t)), "Stop may be repeated")

	s = start(t, cfg)
	require.Equal(t, "kept", ask(t, s.URL(), "SELECT text FROM note"))
}

func pgxExec(t *testing.T, url, sql string) (string, error) {
	t.Helper()
	ctx := deadline(t)
	conn, err := pgx.Connect(ctx, url)
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close(ctx)) }()
	tag, err := conn.Exec(ctx, sql)
	return tag.String(), err
}

func TestServerIsPrivateAndDurable(t *testing.T) {
	t.Setenv("PGPASSWORD", "of another server")
	cfg := config(folder(t))
	s := start(t, cfg)
	for sql, want := range map[string]string{
		"SHOW listen_addresses":     "",
		"SHOW fsync":                "on",
		"SHOW full_page_writes":     "on",
		"SHOW data_checksums":       "on",
		"SHOW server_encoding":      "UTF8",
		"SELECT lower('ÄÖ')":        "äö",
		"SELECT current_database()": "netraven",
		"SELECT string_agg(DISTINCT auth_method, ',') FROM pg_hba_file_rules": "scram-sha-256",
	} {
		require.Equal(t, want, ask(t, s.URL(), sql), sql)
	}
	for path, want := range map[string]os.FileMode{cfg.DataDir: 0o700, filepath.Join(cfg.DataDir, "pgpass"): 0o600, s.socket: 0o700} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, want, info.Mode().Perm(), path)
	}
	require.NoFileExists(t, filepath.Join(cfg.DataDir, "initdb-password"))
	lines := s.cluster.lockFileLines()
	require.GreaterOrEqual(t, len(lines), 6)
	require.Empty(t, strings.TrimSpace(lines[5]), "the lock file's line of TCP addresses")

	pass, err := os.ReadFile(filepath.Join(cfg.DataDir, "pgpass"))
	require.NoError(t, err)
	password := strings.TrimSpace(strings.TrimPrefix(string(pass), "*:*:*:netraven:"))
	require.Len(t, password, 48)
	require.NotContains(t, s.URL(), password)

	wrong, err := pgx.ParseConfig(s.URL())
	require.NoError(t, err)
	require.Equal(t, password, wrong.Password)
	wrong.Password = "guess"
	_, err = pgx.ConnectConfig(deadline(t), wrong)
	require.ErrorContains(t, err, "28P01", "the socket alone opens nothing")
}

func TestLongDataPathGetsAShortSocket(t *testing.T) {
	dir := filepath.Join(folder(t), strings.Repeat("long-name-", 9))
	cfg := config(dir)
	cfg.Volatile = true
	s := start(t, cfg)
	require.False(t, strings.HasPrefix(s.socket, cfg.DataDir))
	require.Equal(t, "1", ask(t, s.URL(), "SELECT '1'"))
	require.NoError(t, s.Stop(deadline(t)))
	require.NoDirExists(t, s.socket)
}

func TestSecondProcessIsRefused(t *testing.T) {
	cfg := config(folder(t))
	cfg.Volatile = true
	s := start(t, cfg)
	_, err := Start(deadline(t), cfg)
	require.ErrorContains(t, err, "another NetRaven")
	require.Equal(t, "1", ask(t, s.URL(), "SELECT '1'"), "the first goes on")
}

func TestUnexpectedEndIsReported(t *testing.T) {
	cfg := config(folder(t))
	cfg.Volatile = true
	s := start(t, cfg)
	process, err := os.FindProcess(s.Pid())
	require.NoError(t, err)
	require.NoError(t, process.Kill())
	<-s.Done()
	require.ErrorContains(t, s.Err(), "ended unexpectedly")
}

func TestOtherMajorVersionIsRefused(t *testing.T) {
	cfg := config(folder(t))
	cluster := filepath.Join(cfg.DataDir, "cluster")
	require.NoError(t, os.MkdirAll(cluster, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(cluster, "PG_VERSION"), []byte("9\n"), 0o600))
	_, err := Start(deadline(t), cfg)
	var missing *NotFoundError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, 9, missing.Major)
	require.ErrorContains(t, err, "belongs to PostgreSQL 9")
	require.ErrorContains(t, err, "netraven db upgrade")
	entries, err := os.ReadDir(cluster)
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing was written")
}

func TestUnfinishedInitialisationIsMadeAnew(t *testing.T) {
	cfg := config(folder(t))
	cfg.Volatile = true
	require.NoError(t, os.MkdirAll(filepath.Join(cfg.DataDir, "initializing", "base"), 0o700))
	s := start(t, cfg)
	require.Equal(t, "1", ask(t, s.URL(), "SELECT '1'"))
	require.NoDirExists(t, filepath.Join(cfg.DataDir, "initializing"))
}

func TestCancelledStartLeavesNothingRunning(t *testing.T) {
	ctx, cancel := context.WithCancel(deadline(t))
	cancel()
	_, err := Start(ctx, config(folder(t)))
	require.ErrorIs(t, err, context.Canceled)
}
