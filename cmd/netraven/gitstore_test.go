package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/services/gitstore"
)

// runGitstore is `netraven gitstore ...`.
func runGitstore(t *testing.T, args ...string) (stdout, said string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var out, progress bytes.Buffer
	cmd := gitstoreCommand()
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	cmd.SetOut(&out)
	cmd.SetErr(&progress)
	err = cmd.ExecuteContext(ctx)
	return out.String(), progress.String(), err
}

func TestVerifyAndReindexWithoutAServer(t *testing.T) {
	bin, data := os.Getenv("NETRAVEN_PG_BIN"), dataFolder(t)
	run := func(args ...string) (string, string, error) {
		return runGitstore(t, append(args, "--data", data, "--pg-bin", bin)...)
	}
	_, _, err := run("verify")
	require.ErrorContains(t, err, "there is no database in")
	server := startPostgres(t, data, bin)
	fill(t, server.URL()) // its index has a row, and git has nothing
	for _, command := range []string{"verify", "reindex"} {
		_, _, err := run(command)
		require.ErrorContains(t, err, "stop netraven serve first")
	}
	require.NoError(t, server.Stop(t.Context()))

	out, said, err := run("verify", "--output", "json")
	require.ErrorContains(t, err, "things are wrong with the history")
	require.Contains(t, said, "reading packs ...\n")
	var found struct {
		Findings []gitstore.Finding `json:"findings"`
	}
	require.NoError(t, json.Unmarshal([]byte(out), &found))
	require.NotEmpty(t, found.Findings)
	require.Equal(t, "01900000-0000-7000-8000-0000000003e8", found.Findings[1].Device)

	out, _, err = run("reindex")
	require.ErrorContains(t, err, "1 rows of the index are not in git")
	require.Contains(t, out, "01900000-0000-7000-8000-000000000061")
	out, _, err = run("reindex", "--prune", "-o", "json")
	require.NoError(t, err)
	var done gitstore.Reindexed
	require.NoError(t, json.Unmarshal([]byte(out), &done))
	require.True(t, done.Written)
	require.EqualValues(t, 1, done.Foreign)
	out, _, err = run("verify")
	require.NoError(t, err)
	require.Contains(t, out, "are whole")
	_, _, err = run("verify", "-o", "xml")
	require.ErrorContains(t, err, "--output is table or json")
}
