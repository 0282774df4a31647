package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/app"
	"github.com/netraven/netraven/db"
	"github.com/netraven/netraven/internal/pgembed"
	"github.com/netraven/netraven/internal/pgtest"
)

// dataFolder is a data folder that the private server's user may pass through, also when the tests run as root.
func dataFolder(t *testing.T) string {
	t.Helper()
	t.Setenv("NETRAVEN_DATABASE_URL", "")
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o711))
	return dir
}

// runDB is `netraven db ...`; said is what it printed for people.
func runDB(t *testing.T, stdin []byte, args ...string) (stdout []byte, said string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var out, progress bytes.Buffer
	cmd := dbCommand()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	cmd.SetIn(bytes.NewReader(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&progress)
	err = cmd.ExecuteContext(ctx)
	return out.Bytes(), progress.String(), err
}

func startPostgres(t *testing.T, data, bin string) *pgembed.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	s, err := pgembed.Start(ctx, pgembed.Config{DataDir: filepath.Join(data, "postgres"), BinDir: bin, Volatile: true, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.WithoutCancel(t.Context()))) })
	return s
}

// fill makes every schema of the house and a row in every table.
func fill(t *testing.T, url string) {
	t.Helper()
	for _, s := range app.Schemas() {
		pool := pgtest.Open(t, url, db.Options{Schema: s.Name, MaxConns: 1})
		require.NoError(t, db.Migrate(t.Context(), pool, s.Name, s.Migrations))
		rows, err := os.ReadFile(filepath.Join("..", "..", "db", "archive", "testdata", s.Name+".sql"))
		require.NoError(t, err)
		_, err = pool.Exec(t.Context(), string(rows))
		require.NoError(t, err, s.Name)
		pool.Close()
	}
}

func TestDumpWhileServeRunsAndRestore(t *testing.T) {
	bin := os.Getenv("NETRAVEN_PG_BIN")
	data, file := dataFolder(t), filepath.Join(t.TempDir(), "netraven.dump")
	server := startPostgres(t, data, bin)
	fill(t, server.URL())
	_, said, err := runDB(t, nil, "dump", file, "--data", data, "--pg-bin", bin)
	require.NoError(t, err)
	require.Contains(t, said, "dumped inventory.device: 20001 rows")
	require.Contains(t, said, filepath.Join(data, "keys"))
	require.NoError(t, server.Stop(t.Context()))

	_, _, err = runDB(t, nil, "restore", file, "--data", data, "--pg-bin", bin)
	require.ErrorContains(t, err, "not empty")
	through, _, err := runDB(t, nil, "dump", "-", "--data", data, "--pg-bin", bin)
	require.NoError(t, err, "without a running server too")

	fresh := filepath.Join(dataFolder(t), "new")
	_, said, err = runDB(t, through, "restore", "-", "--data", fresh, "--pg-bin", bin)
	require.NoError(t, err)
	require.Contains(t, said, filepath.Join(fresh, "keys"))
	_, said, err = runDB(t, nil, "dump", file, "--data", fresh, "--pg-bin", bin)
	require.NoError(t, err)
	require.Contains(t, said, "dumped inventory.device: 20001 rows")

	// The same into an external database.
	t.Setenv("NETRAVEN_DATABASE_URL", pgtest.URL(t))
	_, _, err = runDB(t, through, "restore", "-", "--data", fresh)
	require.NoError(t, err)
	_, _, err = runDB(t, through, "restore", "-", "--data", fresh)
	require.ErrorContains(t, err, "not empty")
	_, _, err = runDB(t, nil, "upgrade", "--data", fresh)
	require.ErrorContains(t, err, "a PostgreSQL that NetRaven does not run")
}

func TestDumpOfNothing(t *testing.T) {
	data := dataFolder(t)
	_, _, err := runDB(t, nil, "dump", "-", "--data", data)
	require.ErrorContains(t, err, "there is no database in "+data)
	entries, err := os.ReadDir(data)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestUpgradeOfTheHouse(t *testing.T) {
	var programs []pgembed.Binaries
	for _, dir := range []string{os.Getenv("NETRAVEN_PG_BIN"), os.Getenv("NETRAVEN_PG_BIN2")} {
		for major := pgembed.OldestMajor; major < pgembed.OldestMajor+20; major++ {
			if b, err := pgembed.Find(t.Context(), dir, nil, major); err == nil {
				programs = append(programs, b)
			}
		}
	}
	require.NotEmpty(t, programs)
	from, to := programs[0], programs[len(programs)-1]
	data := dataFolder(t)
	server := startPostgres(t, data, from.Dir)
	fill(t, server.URL())
	if from.Major == to.Major {
		t.Logf("Only PostgreSQL %d is on this machine (NETRAVEN_PG_BIN2 may name the programs of another): here only the refusal is tested, the way itself in internal/pgembed "+
			"between two clusters of one version, and dump and restore of the house in TestDumpWhileServeRunsAndRestore.", from.Major)
		require.NoError(t, server.Stop(t.Context()))
		_, _, err := runDB(t, nil, "upgrade", "--data", data, "--pg-bin", from.Dir)
		require.ErrorContains(t, err, "install the server programs of a newer PostgreSQL")
		return
	}
	_, _, err := runDB(t, nil, "upgrade", "--data", data, "--pg-bin", to.Dir, "--old-pg-bin", from.Dir)
	require.ErrorContains(t, err, "stop it first")
	require.NoError(t, server.Stop(t.Context()))

	out, said, err := runDB(t, nil, "upgrade", "--data", data, "--pg-bin", to.Dir, "--old-pg-bin", from.Dir)
	require.NoError(t, err, said)
	require.Contains(t, string(out), fmt.Sprintf("cluster.old-%d", from.Major))
	_, said, err = runDB(t, nil, "dump", "-", "--data", data, "--pg-bin", to.Dir)
	require.NoError(t, err)
	require.Contains(t, said, "dumped inventory.device: 20001 rows")
	require.Contains(t, said, fmt.Sprintf("from PostgreSQL %d", to.Major))
}
