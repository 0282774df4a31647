package pgtest

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/db"
)

var notes = fstest.MapFS{"00001_init.sql": {Data: []byte("-- +goose Up\nCREATE TABLE note (text text NOT NULL);\n-- +goose Down\nDROP TABLE note;\n")}}

func TestEachTestHasItsOwnDatabase(t *testing.T) {
	for i := range 3 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			pool := New(t, "demo", notes)
			_, err := pool.Exec(t.Context(), "INSERT INTO note VALUES ('mine')")
			require.NoError(t, err)
			var count int
			require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM demo.note").Scan(&count))
			require.Equal(t, 1, count)
		})
	}
}

func TestURLIsEmpty(t *testing.T) {
	pool := Open(t, URL(t), db.Options{})
	var count int
	require.NoError(t, pool.QueryRow(t.Context(), "SELECT count(*) FROM pg_namespace WHERE nspname = 'demo'").Scan(&count))
	require.Zero(t, count)
}

const playEnv = "NETRAVEN_TEST_PGTEST_PLAY"

// TestPlay is the process that TestNothingIsLeftBehind ends.
func TestPlay(t *testing.T) {
	how := os.Getenv(playEnv)
	if how == "" {
		return
	}
	New(t, "demo", notes)
	fmt.Println("server", need(t).pg.Pid())
	switch how {
	case "panic":
		panic("as asked")
	case "wait":
		select {}
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	for _, how := range []string{"end", "panic", "wait"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, os.Chmod(filepath.Dir(dir), 0o711))
			require.NoError(t, os.Chmod(dir, 0o755))
			cmd := exec.Command(os.Args[0], "-test.run=^TestPlay$")
			cmd.Env = append(os.Environ(), playEnv+"="+how, "TMPDIR="+dir)
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			line, err := bufio.NewReader(out).ReadString('\n')
			require.NoError(t, err)
			var pid int
			_, err = fmt.Sscanf(strings.TrimSpace(line), "server %d", &pid)
			require.NoError(t, err, line)
			if how == "wait" {
				require.NoError(t, cmd.Process.Kill())
			}
			_ = cmd.Wait() // it ends as asked, not well
			require.Eventually(t, func() bool {
				left, err := os.ReadDir(dir)
				return err == nil && len(left) == 0 && !running(pid)
			}, 30*time.Second, 20*time.Millisecond, "server %d or files in %s are left", pid, dir)
		})
	}
}

// running tells whether a process exists and is no zombie.
func running(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && len(line) > 0
}

func TestNoServerProgramsIsAFailureThatSaysWhatToDo(t *testing.T) {
	empty, tmp := t.TempDir(), t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestURLIsEmpty$")
	cmd.Env = append(os.Environ(), "PATH="+empty, "NETRAVEN_PG_BIN="+empty, "TMPDIR="+tmp)
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Contains(t, string(out), "make postgres")
	require.Eventually(t, func() bool { left, err := os.ReadDir(tmp); return err == nil && len(left) == 0 }, 30*time.Second, 20*time.Millisecond)
}
