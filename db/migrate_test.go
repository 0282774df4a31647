package db_test

import (
	"context"
	"io/fs"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/db"
	"github.com/netraven/netraven/internal/pgtest"
)

func migrations(files map[string]string) fs.FS {
	out := fstest.MapFS{}
	for name, text := range files {
		out["migrations/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return out
}

var first = "-- +goose Up\nCREATE TABLE note (text text NOT NULL);\n-- +goose Down\nDROP TABLE note;\n"

func open(t *testing.T) *pgxpool.Pool {
	t.Helper()
	return pgtest.Open(t, pgtest.URL(t), db.Options{Schema: "demo"})
}

func text(t *testing.T, pool *pgxpool.Pool, sql string) string {
	t.Helper()
	var answer string
	require.NoError(t, pool.QueryRow(t.Context(), sql).Scan(&answer), sql)
	return answer
}

func TestMigrateMakesTheSchemaAndMayBeRepeated(t *testing.T) {
	pool := open(t)
	fsys := migrations(map[string]string{"00001_init.sql": first})
	for range 2 {
		require.NoError(t, db.Migrate(t.Context(), pool, "demo", fsys))
	}
	require.Equal(t, "demo", text(t, pool, "SELECT schemaname FROM pg_tables WHERE tablename = 'note'"))
	require.Equal(t, "1", text(t, pool, "SELECT max(version_id)::text FROM demo.goose_version"))
	require.Equal(t, "0", text(t, pool, "SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'"))
}

func TestReplicasMigrateTogether(t *testing.T) {
	url := pgtest.URL(t)
	fsys := migrations(map[string]string{"00001_init.sql": first, "00002_more.sql": "-- +goose Up\nINSERT INTO note VALUES ('once');\n"})
	var wg sync.WaitGroup
	errs := make([]error, 6)
	for i := range errs {
		pool := pgtest.Open(t, url, db.Options{Schema: "demo", MaxConns: 2})
		wg.Go(func() { errs[i] = db.Migrate(context.WithoutCancel(t.Context()), pool, "demo", fsys) })
	}
	wg.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	require.Equal(t, "1", text(t, pgtest.Open(t, url, db.Options{Schema: "demo"}), "SELECT count(*)::text FROM note"))
}

func Test83FailingMigrationIsUndoneAndTheEarlierVersionGoesOn(t *testing.T) {
	pool := open(t)
	old := migrations(map[string]string{"00001_init.sql": first})
	require.NoError(t, db.Migrate(t.Context(), pool, "demo", old))
	_, err := pool.Exec(t.Context(), "INSERT INTO note VALUES ('kept')")
	require.NoError(t, err)

	half := migrations(map[string]string{"00001_init.sql": first, "00002_good.sql": "-- +goose Up\nCREATE TABLE good (id int);\n",
		"00003_half.sql": "-- +goose Up\nALTER TABLE note RENAME TO lost;\nCREATE TABLE half (id int);\nSELECT 1 / 0;\n"})
	err = db.Migrate(t.Context(), pool, "demo", half)
	require.ErrorContains(t, err, "00003_half.sql")
	require.Equal(t, "kept", text(t, pool, "SELECT text FROM note"), "the old program's table is as it was")
	require.Equal(t, "0", text(t, pool, "SELECT count(*)::text FROM pg_tables WHERE tablename IN ('lost', 'half')"))
	require.Equal(t, "2", text(t, pool, "SELECT max(version_id)::text FROM goose_version"), "the one before it stays")

	require.NoError(t, db.Migrate(t.Context(), pool, "demo", old), "a program of the earlier version starts on the newer schema")
	_, err = pool.Exec(t.Context(), "INSERT INTO note VALUES ('still works')")
	require.NoError(t, err)

	mended := migrations(map[string]string{"00001_init.sql": first, "00002_good.sql": "-- +goose Up\nCREATE TABLE good (id int);\n",
		"00003_half.sql": "-- +goose Up\nCREATE TABLE half (id int);\n"})
	require.NoError(t, db.Migrate(t.Context(), pool, "demo", mended))
}

func Test83ProgramKilledInsideAMigrationLeavesNothing(t *testing.T) {
	pool := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- db.Migrate(ctx, pool, "demo", migrations(map[string]string{
			"00001_slow.sql": "-- +goose Up\nCREATE TABLE half (id int);\nSELECT pg_sleep(600);\n"}))
	}()
	require.Eventually(t, func() bool {
		return text(t, pool, "SELECT count(*)::text FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid <> pg_backend_pid()") == "1"
	}, 30*time.Second, 10*time.Millisecond)
	cancel()
	require.Error(t, <-done)
	require.NoError(t, db.Migrate(t.Context(), pool, "demo", migrations(map[string]string{"00001_init.sql": first})), "the lock is free")
	require.Equal(t, "0", text(t, pool, "SELECT count(*)::text FROM pg_tables WHERE tablename = 'half'"))
}

func TestMigrateRefuses(t *testing.T) {
	pool := open(t)
	for want, fsys := range map[string]fs.FS{
		"no migrations":  fstest.MapFS{},
		"NO TRANSACTION": migrations(map[string]string{"00001_init.sql": "-- +goose NO TRANSACTION\n-- +goose Up\nSELECT 1;\n"}),
	} {
		require.ErrorContains(t, db.Migrate(t.Context(), pool, "demo", fsys), want)
	}
	require.ErrorContains(t, db.Migrate(t.Context(), pool, `x"; DROP`, migrations(map[string]string{"00001_init.sql": first})), "a name is")
}

func TestOpenSetsTheSession(t *testing.T) {
	pool := pgtest.Open(t, pgtest.URL(t), db.Options{Schema: "job", StatementTimeout: 7 * time.Second})
	for setting, want := range map[string]string{"search_path": `"job"`, "timezone": "UTC", "statement_timeout": "7s", "lock_timeout": "15s",
		"idle_in_transaction_session_timeout": "30s", "application_name": "netraven/job"} {
		require.Equal(t, want, text(t, pool, "SHOW "+setting), setting)
	}
}

func TestOpenHidesThePassword(t *testing.T) {
	for _, url := range []string{"postgres://u:hunter22@127.0.0.1:1/x?connect_timeout=1", "postgres://u:hunter22@127.0.0.1:port/x"} {
		_, err := db.Open(t.Context(), url, db.Options{})
		require.Error(t, err)
		require.NotContains(t, err.Error(), "hunter22")
	}
}
