package stage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestProcessIsStopped(t *testing.T) {
	p, err := Launch("sleeper", filepath.Join(t.TempDir(), "log"), strings.NewReader("token"), "/bin/sh", "-c", "cat; echo; exec sleep 600")
	require.NoError(t, err)
	require.NoError(t, Until(t.Context(), p, time.Minute, func(context.Context) error {
		if b, _ := os.ReadFile(p.Log); string(b) != "token\n" {
			return errors.New("not yet")
		}
		return nil
	}))
	require.NoError(t, p.Alive())
	require.NoError(t, p.Stop())
	require.NoError(t, p.Stop())
	<-p.Done()
}

func TestProcessThatEndsSaysWhy(t *testing.T) {
	p, err := Launch("server", filepath.Join(t.TempDir(), "log"), nil, "/bin/sh", "-c", "echo first; echo the port is taken; exit 3")
	require.NoError(t, err)
	err = Until(t.Context(), p, time.Minute, func(context.Context) error { return errors.New("not ready") })
	var ended *EndedError
	require.ErrorAs(t, err, &ended)
	require.EqualError(t, err, "the server ended by itself (exit status 3); it said last: the port is taken")
}

func TestUntilGivesUp(t *testing.T) {
	err := Until(t.Context(), nil, time.Millisecond, func(context.Context) error { return errors.New("nobody is there") })
	require.ErrorContains(t, err, "not within 1ms: nobody is there")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, Until(ctx, nil, time.Minute, func(context.Context) error { return errors.New("no") }), context.Canceled)
}

func TestFolder(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	f, err := NewFolder("stage")
	require.NoError(t, err)
	info, err := os.Stat(f.Path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o711), info.Mode().Perm(), "PostgreSQL's user passes through")
	require.NoError(t, os.MkdirAll(f.In("data", "deep"), 0o700))
	require.NoError(t, os.WriteFile(f.Log("server"), nil, 0o600))
	require.NoError(t, f.RemoveAllButLogs())
	require.NoDirExists(t, f.In("data"))
	require.FileExists(t, f.Log("server"))
	require.NoError(t, f.Remove())
	require.NoDirExists(t, f.Path)
}

func TestFreeAddressesDiffer(t *testing.T) {
	all, err := FreeAddresses(3)
	require.NoError(t, err)
	require.Len(t, map[string]bool{all[0]: true, all[1]: true, all[2]: true}, 3)
	_, err = Programs(t.TempDir()).Path("netraven")
	require.ErrorContains(t, err, "make build")
}
