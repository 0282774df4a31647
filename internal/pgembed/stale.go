package pgembed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ourMark is an argument of every server started here: it tells our own stale server from one that somebody started by hand.
const ourMark = "cluster_name=netraven"

// stalePatience bounds the wait for an earlier server's shutdown checkpoint.
const stalePatience = time.Minute

// endStale ends the server that an earlier, killed NetRaven left on this cluster, and waits for one that is already ending. It does
// nothing to any other process: a lock file whose process id now belongs to somebody else is only removed.
func (c cluster) endStale(ctx context.Context) error {
	pid, ok := c.lockFilePid()
	if !ok {
		return nil
	}
	// The handle comes first and the look second: if the id is recycled in between, the look is at the stranger, or the signal is to nobody.
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil
	}
	defer func() { _ = process.Release() }()

	ctx, cancel := context.WithTimeout(ctx, stalePatience)
	defer cancel()
	for asked := false; ; {
		err := process.Signal(syscall.Signal(0))
		if errors.Is(err, os.ErrProcessDone) || errors.Is(err, syscall.ESRCH) {
			return nil
		}
		args, ok := commandLine(pid)
		switch {
		case !ok:
			return nil // unknown, or just gone: the server decides about its lock file itself
		case !c.isServer(args):
			if asked {
				return nil
			}
			c.log.Warn("removing a stale lock file: its process id now belongs to another program", "pid", pid, "file", c.lockFile())
			return c.removeLockFile(pid)
		case !slices.Contains(args, ourMark):
			return fmt.Errorf("a PostgreSQL that NetRaven did not start (process %d) is running on %s: stop it first", pid, c.dir)
		case !asked:
			c.log.Info("ending the private PostgreSQL that an earlier NetRaven left behind", "pid", pid)
			if err := process.Signal(syscall.SIGINT); err != nil && !errors.Is(err, os.ErrProcessDone) {
				return fmt.Errorf("end the earlier PostgreSQL (process %d) on %s: %w", pid, c.dir, err)
			}
			asked = true
		}
		if err := pause(ctx, 20*time.Millisecond); err != nil {
			return fmt.Errorf("the earlier PostgreSQL (process %d) on %s is still ending: %w", pid, c.dir, err)
		}
	}
}

// isServer tells whether a command line is that of a postgres on this very cluster.
func (c cluster) isServer(args []string) bool {
	if len(args) == 0 || filepath.Base(args[0]) != "postgres" {
		return false
	}
	i := slices.Index(args, "-D")
	return i > 0 && i+1 < len(args) && args[i+1] == c.dir
}

func (c cluster) lockFile() string { return filepath.Join(c.dir, "postmaster.pid") }

// lockFilePid reads the process id that the server's lock file names.
func (c cluster) lockFilePid() (int, bool) {
	lines := c.lockFileLines()
	if len(lines) == 0 {
		return 0, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(lines[0]))
	return pid, err == nil && pid > 1
}

func (c cluster) lockFileLines() []string {
	raw, err := os.ReadFile(c.lockFile())
	if err != nil {
		return nil
	}
	return strings.Split(string(raw), "\n")
}

// removeLockFile removes the lock file if it still names pid. PostgreSQL would refuse to start only because some process has that id;
// its second guard, the shared memory block that any left-over backend still holds, stays in force.
func (c cluster) removeLockFile(pid int) error {
	if now, ok := c.lockFilePid(); !ok || now != pid {
		return nil
	}
	if err := os.Remove(c.lockFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("remove stale lock file: %w", err)
	}
	return nil
}

// pause waits for d or for the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
