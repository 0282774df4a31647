package pgembed

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const childEnvName = "NETRAVEN_TEST_PGEMBED_DATA"

// TestMain lets the test binary play the parent that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnvName); dir != "" {
		playParent(dir)
	}
	os.Exit(m.Run())
}

func playParent(dir string) {
	s, err := Start(context.Background(), Config{DataDir: dir, BinDir: os.Getenv("NETRAVEN_PG_BIN")})
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println("ready", s.Pid())
	<-s.Done()
	os.Exit(1)
}

// startParent starts a process that runs a server on dir, and returns it with the server's process id.
func startParent(t *testing.T, dir string) (*exec.Cmd, int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnvName+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "ready ")))
	require.NoError(t, err, line)
	return cmd, pid
}

func kill9(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // reports the kill
}

// awaitEnd waits until a process that is no child of ours is gone (or a zombie that its new parent has not collected).
func awaitEnd(t *testing.T, pid int) {
	t.Helper()
	require.Eventually(t, func() bool {
		args, ok := commandLine(pid)
		return !ok || len(args) == 0 || args[0] == ""
	}, 30*time.Second, 20*time.Millisecond, "process %d is still there", pid)
}

func Test13KilledParentTakesItsServerAlong(t *testing.T) {
	cfg := config(folder(t))
	parent, pid := startParent(t, cfg.DataDir)
	kill9(t, parent)
	awaitEnd(t, pid)
	s := start(t, cfg)
	require.Equal(t, "1", ask(t, s.URL(), "SELECT '1'"))
	require.NotEqual(t, pid, s.Pid())
}

func Test13RestartAtOnceWaitsForTheOldServer(t *testing.T) {
	cfg := config(folder(t))
	for range 3 {
		parent, _ := startParent(t, cfg.DataDir)
		kill9(t, parent)
	}
	s := start(t, cfg)
	require.Equal(t, "1", ask(t, s.URL(), "SELECT '1'"))
}

func Test13LeftBehindServerIsEnded(t *testing.T) {
	// The server of a system without a parent-death signal: its parent is gone, it is not.
	cfg := config(folder(t))
	cfg.Volatile = true
	s := start(t, cfg)
	require.NoError(t, s.Stop(deadline(t)))
	c := s.cluster
	socket, err := c.socketDir()
	require.NoError(t, err)
	orphan := exec.Command(filepath.Join(s.bin.Dir, "postgres"), serverArgs(c, socket, cfg)...)
	orphan.Dir = c.home
	orphan.SysProcAttr = c.as.attr()
	require.NoError(t, orphan.Start())
	ended := make(chan error, 1)
	go func() { ended <- orphan.Wait() }()
	require.Eventually(t, func() bool {
		lines := c.lockFileLines()
		return len(lines) >= 8 && strings.HasPrefix(lines[7], "ready")
	},
		30*time.Second, 10*time.Millisecond)

	s = start(t, cfg)
	require.NoError(t, <-ended, "a clean shutdown")
	require.Equal(t, "1", ask(t, s.URL(), "SELECT '1'"))
}

func Test14RecycledPidIsNotKilled(t *testing.T) {
	cfg := config(folder(t))
	cfg.Volatile = true
	s := start(t, cfg)
	_, err := pgxExec(t, s.URL(), "CREATE TABLE note (text text); INSERT INTO note VALUES ('kept')")
	require.NoError(t, err)
	require.NoError(t, s.Stop(deadline(t)))

	// A stranger of the server's own user, so that PostgreSQL's own guess (may I signal it?) would be wrong.
	stranger := exec.Command("sleep", "600")
	stranger.SysProcAttr = s.cluster.as.attr()
	require.NoError(t, stranger.Start())
	gone := make(chan struct{})
	go func() { _ = stranger.Wait(); close(gone) }()
	t.Cleanup(func() { _ = stranger.Process.Kill(); <-gone })
	writeLockFile(t, s.cluster, stranger.Process.Pid)

	s = start(t, cfg)
	require.Equal(t, "kept", ask(t, s.URL(), "SELECT text FROM note"))
	requireAlive(t, stranger.Process, gone)
}

func Test14AnotherClustersServerIsNotKilled(t *testing.T) {
	other := config(folder(t))
	other.Volatile = true
	neighbour := start(t, other)
	cfg := config(folder(t))
	cfg.Volatile = true
	s := start(t, cfg)
	require.NoError(t, s.Stop(deadline(t)))
	writeLockFile(t, s.cluster, neighbour.Pid())

	s = start(t, cfg)
	require.Equal(t, "1", ask(t, s.URL(), "SELECT '1'"))
	require.Equal(t, "1", ask(t, neighbour.URL(), "SELECT '1'"))
	require.NoError(t, neighbour.Err())
}

func Test14ServerStartedByHandIsRefused(t *testing.T) {
	cfg := config(folder(t))
	cfg.Volatile = true
	s := start(t, cfg)
	require.NoError(t, s.Stop(deadline(t)))
	c := s.cluster
	socket, err := c.socketDir()
	require.NoError(t, err)
	byHand := exec.Command(filepath.Join(s.bin.Dir, "postgres"), "-D", c.dir, "-k", socket, "-c", "listen_addresses=")
	byHand.Dir = c.home
	byHand.SysProcAttr = c.as.attr()
	require.NoError(t, byHand.Start())
	require.Eventually(t, func() bool {
		lines := c.lockFileLines()
		return len(lines) >= 8 && strings.HasPrefix(lines[7], "ready")
	},
		30*time.Second, 10*time.Millisecond)

	_, err = Start(deadline(t), cfg)
	require.ErrorContains(t, err, "NetRaven did not start")
	require.NoError(t, byHand.Process.Signal(syscall.SIGINT))
	require.NoError(t, byHand.Wait(), "it ran on until we ended it")
}

func writeLockFile(t *testing.T, c cluster, pid int) {
	t.Helper()
	text := fmt.Sprintf("%d\n%s\n%d\n5432\n%s\n\n  1 2\nready   \n", pid, c.dir, time.Now().Unix(), filepath.Join(c.home, "socket"))
	require.NoError(t, os.WriteFile(c.lockFile(), []byte(text), 0o600))
	require.NoError(t, c.as.own(c.lockFile()))
}

func requireAlive(t *testing.T, p *os.Process, gone <-chan struct{}) {
	t.Helper()
	require.NoError(t, p.Signal(syscall.Signal(0)))
	select {
	case <-gone:
		t.Fatal("the stranger was ended")
	default:
	}
}

// TestAsPlainUser runs the tests that meet the operating system once more as nobody.
func TestAsPlainUser(t *testing.T) {
	if os.Getuid() != 0 {
		return // this already is a plain user's run
	}
	u, err := user.Lookup("nobody")
	require.NoError(t, err)
	nobody, err := accountOf(u)
	require.NoError(t, err)
	dir := folder(t)
	require.NoError(t, nobody.own(dir))
	binary := filepath.Join(dir, "pgembed.test")
	raw, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(binary, raw, 0o755))

	cmd := exec.CommandContext(deadline(t), binary, "-test.run=Test13Killed|Test14Recycled|StartStop|Private", "-test.timeout=110s")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + dir, "HOME=" + dir, "NETRAVEN_PG_BIN=" + os.Getenv("NETRAVEN_PG_BIN")}
	cmd.SysProcAttr = nobody.attr()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
}
