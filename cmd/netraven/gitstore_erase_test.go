package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/db"
	gitstoredb "github.com/netraven/netraven/db/gitstore"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/services/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// runErase is `netraven gitstore erase ...`.
func runErase(t *testing.T, stdin string, args ...string) (stdout string, err error) {
	t.Helper()
	var out, said bytes.Buffer
	cmd := gitstoreCommand()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(append([]string{"erase"}, args...))
	cmd.SetIn(bytes.NewBufferString(stdin))
	cmd.SetOut(&out)
	cmd.SetErr(&said)
	err = cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// history is a data folder with one revision, that a serve has left.
func history(t *testing.T) (data string) {
	t.Helper()
	data = dataFolder(t)
	const device, task = "01900000-0000-7000-8000-0000000003e8", "01900000-0000-7000-8000-000000000031"
	r, err := repo.Open(filepath.Join(data, "gitstore", "configs.git"), repo.Options{})
	require.NoError(t, err)
	message := repo.Message("r1: running.cfg +1 -0", repo.Trailers{{Key: repo.TrailerDevice, Value: device}, {Key: repo.TrailerTask, Value: task}, {Key: repo.TrailerRun, Value: task},
		{Key: repo.TrailerFence, Value: "1"}, {Key: repo.TrailerArtifact, Value: "running.cfg"}, {Key: repo.TrailerDigest, Value: "00"}})
	b, err := r.Prepare(t.Context(), repo.Hash{}, []repo.Change{{Edits: []repo.Edit{repo.Put("hq/r1/running.cfg", []byte("password hunter2\n"))}, Message: message, When: time.Unix(1e9, 0)}})
	require.NoError(t, err)
	require.NoError(t, r.SetHead(repo.Hash{}, b.Head))
	require.NoError(t, r.Close())

	pg := startPostgres(t, data, "")
	pool := pgtest.Open(t, pg.URL(), db.Options{Schema: "gitstore", MaxConns: 1})
	require.NoError(t, db.Migrate(t.Context(), pool, "gitstore", gitstoredb.Migrations))
	commit, blob := b.Head.String(), b.Commits[0].Blobs[0].String()
	for _, q := range []string{
		"UPDATE repository SET head = '" + commit + "'",
		"INSERT INTO revision VALUES ('" + task + "', '" + device + "', 'running.cfg', 1, 17, 1, 0, false, 'netraven', '" + commit + "', '" + blob + "', '00', '" + task + "', '" + task + "', 1, now())",
		"INSERT INTO artifact VALUES ('" + device + "', 'running.cfg', 'hq/r1/running.cfg', '" + task + "', 1, '" + blob + "', '00', 'l', 'd', 1, now())",
	} {
		_, err := pool.Exec(t.Context(), q)
		require.NoError(t, err)
	}
	_, err = runErase(t, "hunter2\n", "--data", data, "--text-file", "-")
	require.ErrorContains(t, err, "stop serve first")
	pool.Close()
	require.NoError(t, pg.Stop(t.Context()))
	return data
}

func TestEraseWithoutAServer(t *testing.T) {
	data := history(t)
	secrets := filepath.Join(t.TempDir(), "secrets")
	require.NoError(t, os.WriteFile(secrets, []byte("hunter2\r\n\n"), 0o600))

	out, err := runErase(t, "", "--data", data, "--text-file", secrets, "--dry-run")
	require.NoError(t, err)
	require.Contains(t, out, "nothing is changed yet: 1 texts in 1 of 1 commits")
	out, err = runErase(t, "", "--data", data, "--text-file", secrets, "--device", "HQ/r1", "-o", "json")
	require.NoError(t, err)
	var done gitstore.Erased
	require.NoError(t, json.Unmarshal([]byte(out), &done))
	require.Equal(t, 1, done.Rewritten)
	require.Len(t, done.Newest, 1)

	r, err := repo.Open(filepath.Join(data, "gitstore", "configs.git"), repo.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	head, err := r.Head()
	require.NoError(t, err)
	require.Equal(t, "configs", done.Repositories[0].Name)
	require.Equal(t, done.Repositories[0].NewHead, head.String())
	at, err := r.Lookup(t.Context(), head, "hq/r1/running.cfg")
	require.NoError(t, err)
	text, err := r.Blob(t.Context(), at)
	require.NoError(t, err)
	require.Equal(t, "password <erased>\n", string(text))

	out, err = runErase(t, "hunter2\n", "--data", data, "--text-file", "-")
	require.NoError(t, err)
	require.Contains(t, out, "Erased: 0 texts in 0 of 1 commits")
}

func TestEraseArguments(t *testing.T) {
	data := dataFolder(t)
	for _, c := range []struct {
		stdin, says string
		args        []string
	}{
		{"", "there is no database", []string{"--all", "--device", "r1"}},
		{"", "is empty", []string{"--text-file", "-"}},
		{"", "no such file", []string{"--text-file", filepath.Join(data, "none")}},
		{"", "table or json", []string{"--output", "xml"}},
	} {
		_, err := runErase(t, c.stdin, append(c.args, "--data", data)...)
		require.ErrorContains(t, err, c.says)
	}
	require.NoDirExists(t, filepath.Join(data, "postgres"), "asking makes no database")
}
