package stage

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const (
	// stopTime is longer than the server's own limit of 15 seconds.
	stopTime  = 20 * time.Second
	pollEvery = 20 * time.Millisecond
	tailSize  = 4 << 10
)

// Process is a program that was started here.
type Process struct {
	// Name is for people: server, agent, lab.
	Name string
	// Log is the file with everything it prints.
	Log string

	cmd   *exec.Cmd
	ended chan struct{}
	err   error // why it ended; read after ended is closed
}

// Launch starts a program. What it prints goes to log; stdin, if not nil, is what it reads. It does not block.
func Launch(name, log string, stdin io.Reader, program string, args ...string) (*Process, error) {
	out, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() { _ = out.Close() }() // the child has its own copy
	p := &Process{Name: name, Log: log, ended: make(chan struct{}), cmd: exec.Command(program, args...)}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, out, out
	p.cmd.SysProcAttr = childAttr()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("cannot start the %s: %w", name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.ended)
	}()
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.ended }

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// EndedError is a process that ended by itself.
type EndedError struct {
	Process *Process
	// Said is the last line that it printed.
	Said string
}

func (e *EndedError) Error() string {
	return fmt.Sprintf("the %s ended by itself (%s); it said last: %s", e.Process.Name, exitText(e.Process.err), e.Said)
}

// Alive answers nil while the process runs, else an *EndedError.
func (p *Process) Alive() error {
	select {
	case <-p.ended:
		return &EndedError{Process: p, Said: p.lastLine()}
	default:
		return nil
	}
}

func exitText(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

func (p *Process) lastLine() string {
	f, err := os.Open(p.Log)
	if err != nil {
		return "nothing"
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.Size() > tailSize {
		_, _ = f.Seek(-tailSize, io.SeekEnd) // at worst the whole file is read
	}
	b, _ := io.ReadAll(io.LimitReader(f, 2*tailSize))
	b = bytes.TrimSpace(b)
	if line := string(b[bytes.LastIndexByte(b, '\n')+1:]); line != "" {
		return strings.TrimSpace(line)
	}
	return "nothing"
}

// Stop asks the process to end and waits; after 20 seconds it is killed, which is an error. It may be called again, and on nil.
func (p *Process) Stop() error {
	if p == nil {
		return nil
	}
	select {
	case <-p.ended:
		return nil
	default:
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails only if it has ended
	select {
	case <-p.ended:
		return nil
	case <-time.After(stopTime):
		_ = p.cmd.Process.Kill() // as above
		<-p.ended
		return fmt.Errorf("the %s did not end within %s and was killed", p.Name, stopTime)
	}
}

// Until asks ok until it answers nil, and blocks until then. It gives up with ok's last error when limit is over, when ctx ends, or when p, if not nil, has ended.
func Until(ctx context.Context, p *Process, limit time.Duration, ok func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		err := ok(ctx)
		if err == nil {
			return nil
		}
		if p != nil {
			if dead := p.Alive(); dead != nil {
				return dead
			}
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("not within %s: %w", limit, err)
			}
			return ctx.Err()
		case <-tick.C:
		}
	}
}
