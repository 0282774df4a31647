package pgembed

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// postmaster is the server process, a child of ours.
type postmaster struct {
	cmd     *exec.Cmd
	pid     int
	log     *serverLog
	done    chan struct{}
	waitErr error // set before done is closed
	asked   atomic.Bool
}

// serverArgs are the server's arguments: ours first, then the caller's, of which the last counts.
func serverArgs(c cluster, socket string, cfg Config) []string {
	settings := []string{
		ourMark,
		"listen_addresses=", // no TCP
		"port=5432",         // names the socket only
		"unix_socket_directories=" + socket,
		"unix_socket_permissions=0700",
		"max_connections=200",
		"jit=off", // our queries are short
		"logging_collector=off",
		"log_destination=stderr",
		"log_line_prefix=",
		"log_checkpoints=off",
		"log_error_verbosity=terse",     // details and statements may hold
		"log_min_error_statement=panic", // what people stored
		"password_encryption=scram-sha-256",
	}
	durability := "on"
	if cfg.Volatile {
		durability = "off"
	}
	settings = append(settings, "fsync="+durability, "full_page_writes="+durability, "synchronous_commit="+durability)
	for _, name := range slices.Sorted(maps.Keys(cfg.Settings)) {
		settings = append(settings, name+"="+cfg.Settings[name])
	}
	args := []string{"-D", c.dir}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

// launch starts the server and waits until it takes connections. Backends of a server that was killed may hold the shared memory for a moment
// longer than it lived, so that one refusal is tried again.
func launch(ctx context.Context, c cluster, bin Binaries, args []string, volatile bool) (*postmaster, error) {
	const tries = 20
	for try := 1; ; try++ {
		p, err := spawn(c, bin, args, volatile)
		if err != nil {
			return nil, err
		}
		if err = p.waitReady(ctx, c); err == nil {
			return p, nil
		}
		p.end(syscall.SIGQUIT)
		if try == tries || ctx.Err() != nil || !strings.Contains(p.log.tail(), "is still in use") {
			return nil, fmt.Errorf("start PostgreSQL %d on %s: %w", bin.Major, c.dir, err)
		}
		if err := pause(ctx, 250*time.Millisecond); err != nil {
			return nil, err
		}
	}
}

// spawn starts the process on a thread that waits for it, so that its end means the end of our process.
func spawn(c cluster, bin Binaries, args []string, volatile bool) (*postmaster, error) {
	//nolint:noctx // it is ended by stop, not by a context
	p := &postmaster{cmd: exec.Command(filepath.Join(bin.Dir, "postgres"), args...), log: &serverLog{log: c.log}, done: make(chan struct{})}
	p.cmd.Dir = c.home
	p.cmd.Env = childEnv()
	p.cmd.Stderr = p.log
	p.cmd.WaitDelay = 5 * time.Second // a left-over backend may keep the pipe of the log open
	p.cmd.SysProcAttr = c.as.attr()
	onDeath := syscall.SIGINT // "fast": cut connections, checkpoint
	if volatile {
		onDeath = syscall.SIGQUIT // "immediate": nothing worth a checkpoint
	}
	dieWithParent(p.cmd.SysProcAttr, onDeath)

	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		if err == nil {
			p.pid = p.cmd.Process.Pid
		}
		started <- err
		if err == nil {
			p.waitErr = p.cmd.Wait()
			close(p.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return p, nil
}

// waitReady waits for the word "ready" that the server writes into its lock file.
func (p *postmaster) waitReady(ctx context.Context, c cluster) error {
	began := time.Now()
	told := false
	for {
		if lines := c.lockFileLines(); len(lines) >= 8 && strings.TrimSpace(lines[0]) == strconv.Itoa(p.pid) && strings.HasPrefix(lines[7], "ready") {
			return nil
		}
		if !told && time.Since(began) > 5*time.Second {
			told = true
			c.log.Info("PostgreSQL is not ready yet; after a crash it repeats its journal first", "data", c.dir)
		}
		select {
		case <-p.done:
			return fmt.Errorf("it ended at once (%v): %s", p.waitErr, p.log.tail())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// failure says why the server ended unasked; nil while it runs.
func (p *postmaster) failure() error {
	select {
	case <-p.done:
	default:
		return nil
	}
	if p.asked.Load() {
		return nil
	}
	return fmt.Errorf("the private PostgreSQL ended unexpectedly (%v): %s", p.waitErr, p.log.tail())
}

// stop asks for a fast shutdown, and for an immediate one when ctx ends.
func (p *postmaster) stop(ctx context.Context) error {
	p.asked.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGINT) // fails only when it has ended already
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		p.end(syscall.SIGQUIT)
		return fmt.Errorf("the private PostgreSQL did not stop in time and will recover at the next start: %w", ctx.Err())
	}
}

// end sends sig and waits a bounded time; then it kills.
func (p *postmaster) end(sig syscall.Signal) {
	p.asked.Store(true)
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}
