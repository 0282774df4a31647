package device

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// maxBanner bounds what a device may send before and with the line by which its SSH server names itself.
const maxBanner = 8 << 10

// Probed is what a device shows without a login.
type Probed struct {
	// TCP is how long the connection took to open, name resolution included.
	TCP time.Duration
	// Banner is the line by which the SSH server names itself, if it was asked for.
	Banner string
}

// Probe connects and, with banner, reads the line by which an SSH server names itself. It sends nothing, so it needs neither a page nor
// credentials, and says nothing of host keys. It blocks within Limits.Connect for each of the two steps, the spec's deadline and ctx.
func Probe(ctx context.Context, cfg Config, banner bool) (Probed, *jobv1.Failure) {
	cfg = cfg.withDefaults()
	s := &Session{cfg: cfg, limits: cfg.Limits, report: &Report{}, ctx: ctx}
	if d := cfg.Spec.GetDeadline(); d != nil {
		var cancel context.CancelFunc
		s.ctx, cancel = context.WithTimeout(ctx, d.AsTime().Sub(cfg.Now()))
		defer cancel()
	}
	if cfg.Jump != nil {
		s.enter(jumpStage)
		return Probed{}, s.finish(failure(jobv1.Failure_POLICY, "This device is reached through the jump host %s, which takes a login, and this kind of job makes none. The kind login tries both.", s.jumpName()))
	}
	s.enter("connect")
	dialling, cancel := context.WithTimeout(s.ctx, s.limits.Connect)
	defer cancel()
	start := time.Now()
	conn, err := cfg.Dial(dialling, "tcp", s.address())
	if err != nil {
		return Probed{}, s.finish(s.unreachable(s.ctx, err))
	}
	defer conn.Close()
	out := Probed{TCP: time.Since(start)}
	if !banner {
		return out, nil
	}
	s.enter("banner")
	var f *jobv1.Failure
	if out.Banner, f = s.readBanner(conn); f != nil {
		return out, s.finish(f)
	}
	return out, nil
}

// readBanner reads up to the line that begins with "SSH-"; a server may send others before it.
func (s *Session) readBanner(conn net.Conn) (string, *jobv1.Failure) {
	stop := context.AfterFunc(s.ctx, func() { _ = conn.Close() })
	defer stop()
	_ = conn.SetReadDeadline(time.Now().Add(s.limits.Connect))
	buf := make([]byte, 0, 256)
	for len(buf) < maxBanner {
		n, err := conn.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if line, ok := identification(string(buf)); ok {
			return line, nil
		}
		if err != nil {
			return "", s.noBanner(string(buf), err)
		}
		if len(buf) == cap(buf) {
			buf = append(make([]byte, 0, min(2*cap(buf), maxBanner)), buf...)
		}
	}
	return "", s.noBanner(string(buf), nil)
}

// identification finds the whole line that begins with "SSH-".
func identification(text string) (string, bool) {
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "SSH-") && strings.HasSuffix(line, "\n") {
			return strings.TrimSpace(plainWords(line)), true
		}
	}
	return "", false
}

// noBanner says why there is no such line; err is why reading ended, nil: too much came.
func (s *Session) noBanner(text string, err error) *jobv1.Failure {
	timeout, ok := errors.AsType[net.Error](err)
	switch {
	case s.ctx.Err() != nil:
		return ended(s.ctx)
	case text == "" && ok && timeout.Timeout():
		return failure(jobv1.Failure_TIMEOUT, "The connection to port %d is open, but nothing speaks there: no SSH server named itself within %s.", s.port(), s.limits.Connect)
	case text == "":
		return busy()
	}
	f := failure(jobv1.Failure_UNREACHABLE, "What answers on port %d does not speak SSH. Check the port.", s.port())
	f.DeviceSaid = said([]byte(text), s.cfg.Page, nil)
	return f
}
