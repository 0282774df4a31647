package device

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/platforms"
)

// jumpStage is the stage of everything that goes wrong at a jump host.
const jumpStage = "jump"

// Jump is a host that forwards connections to the device (direct-tcpip). It has a host key and credentials of its own.
type Jump struct {
	// Spec says where it is, which host keys it may show and which credentials it takes.
	Spec *jobv1.TaskSpec
	// Credentials is as Config.Credentials, for the jump host.
	Credentials func(ctx context.Context) (*vaultv1.Grant, error)
	// Allow says whether it may be asked for a connection to the device's host; an error is a *PolicyError. Nil: it may.
	Allow func(host string) error
}

// bastion is the page of a jump host: it is logged in to, and asked for nothing but connections.
var bastion = &platforms.Page{Transport: platforms.Exec}

// dial opens the connection to the device, through the jump host if there is one. A failure says at which of the two it came about.
func (s *Session) dial() (net.Conn, *jobv1.Failure) {
	if s.cfg.Jump == nil {
		ctx, cancel := context.WithTimeout(s.ctx, s.limits.Connect)
		defer cancel()
		conn, err := s.cfg.Dial(ctx, "tcp", s.address())
		if err != nil {
			return nil, s.unreachable(s.ctx, err)
		}
		return conn, nil
	}
	if allow := s.cfg.Jump.Allow; allow != nil {
		if err := allow(s.cfg.Spec.GetAddress()); err != nil {
			return nil, s.unreachable(s.ctx, err)
		}
	}
	used := s.jump != nil
	if f := s.reachJump(); f != nil {
		return nil, f
	}
	conn, f := s.forward()
	if f == nil || !used || s.jump.standing() {
		return conn, f
	}
	// It was about to hang up after the connection before this one.
	if f := s.reachJump(); f != nil {
		return nil, f
	}
	return s.forward()
}

// reachJump logs in to the jump host, unless an earlier connection of this session did and that still stands. A host that hangs up with the
// last forwarded connection is logged in to again, with the grant that is there.
func (s *Session) reachJump() *jobv1.Failure {
	if s.jump != nil && s.jump.standing() {
		s.jump.link.watch.begin(aLongTime, 0)
		return nil
	}
	s.enter(jumpStage)
	var f *jobv1.Failure
	if s.jump == nil {
		cfg := s.cfg
		cfg.Spec, cfg.Credentials, cfg.Page, cfg.Jump, cfg.Traffic = s.cfg.Jump.Spec, s.cfg.Jump.Credentials, bastion, nil, nil
		cfg.Progress = func(string) {}
		cfg.Log = func(level, message string) { s.cfg.Log(level, "jump host "+s.jumpName()+": "+message) }
		s.jump = newSession(s.ctx, cfg)
		s.report.Jump = s.jump.report
		f = s.jump.open()
	} else {
		s.jump.disconnect(nil)
		if f = s.jump.logIn(); f != nil {
			f = s.jump.finish(f)
		}
	}
	if f != nil {
		f.Stage, f.Hint = jumpStage, "At the jump host "+s.jumpName()+": "+f.GetHint()
		return f
	}
	s.jump.link.watch.begin(aLongTime, 0) // it may be silent; the device's own connection is watched
	s.cfg.Log("info", "logged in to the jump host "+s.jumpName())
	s.enter("connect")
	return nil
}

// standing reports whether the connection is there. It asks the other side: a channel that is opened while a connection ends would wait for
// ever in the SSH library.
func (s *Session) standing() bool {
	if s.link == nil || s.link.gone == nil || s.link.watch.reason() != open {
		return false
	}
	s.link.watch.begin(s.limits.Connect, 0)
	return s.alive()
}

// aLongTime is more than any session lives.
const aLongTime = 24 * time.Hour

func (s *Session) jumpName() string {
	return s.cfg.Jump.Spec.GetDeviceName() + " (" + s.cfg.Jump.Spec.GetAddress() + ")"
}

// forward asks the jump host for a connection to the device.
func (s *Session) forward() (net.Conn, *jobv1.Failure) {
	ctx, cancel := context.WithTimeout(s.ctx, s.limits.Connect) // the login at the jump host has bounds of its own
	defer cancel()
	type opened struct {
		channel  ssh.Channel
		requests <-chan *ssh.Request
		err      error
	}
	link, done := s.jump.link, make(chan opened, 1)
	go func() {
		channel, requests, err := link.client.OpenChannel("direct-tcpip", ssh.Marshal(struct {
			Host       string
			Port       uint32
			Origin     string
			OriginPort uint32
		}{s.cfg.Spec.GetAddress(), uint32(s.port()), "127.0.0.1", 0}))
		done <- opened{channel, requests, err}
	}()
	select {
	case <-link.gone:
		return nil, s.notForwarded(io.EOF)
	case o := <-done:
		if o.err != nil {
			return nil, s.notForwarded(o.err)
		}
		link.served.Go(func() { ssh.DiscardRequests(o.requests) })
		return link.carry(o.channel), nil
	case <-ctx.Done():
		link.watch.close(cancelled) // ends what waits for the channel
		if s.ctx.Err() != nil {
			return nil, ended(s.ctx)
		}
		return nil, failure(jobv1.Failure_UNREACHABLE, "The jump host %s got no answer from %s within %s. Check the address and the route from there.",
			s.jumpName(), s.address(), s.limits.Connect)
	}
}

// notForwarded says why the jump host opened no connection.
func (s *Session) notForwarded(err error) *jobv1.Failure {
	refused, ok := errors.AsType[*ssh.OpenChannelError](err)
	switch {
	case !ok:
		f := failure(jobv1.Failure_UNREACHABLE, "At the jump host %s: it closed the connection when it was asked for one to %s.", s.jumpName(), s.address())
		f.Stage = jumpStage
		return f
	case refused.Reason == ssh.ConnectionFailed:
		return failure(jobv1.Failure_UNREACHABLE, "The jump host %s cannot connect to %s: %s. Is SSH enabled there, and does the jump host have a route?",
			s.jumpName(), s.address(), plainWords(refused.Message))
	case refused.Reason == ssh.ResourceShortage:
		f := failure(jobv1.Failure_BUSY, "At the jump host %s: it has no connection to give: %s.", s.jumpName(), plainWords(refused.Message))
		f.Stage = jumpStage
		return f
	}
	f := failure(jobv1.Failure_FORBIDDEN, "At the jump host %s: it does not forward to %s: %s. On OpenSSH look at AllowTcpForwarding and PermitOpen.",
		s.jumpName(), s.address(), plainWords(refused.Message))
	f.Stage = jumpStage
	return f
}

// carry is a channel of the jump host as a connection that can be closed at any moment: a channel's own reads end only when the other side
// says so.
func (l *link) carry(channel ssh.Channel) net.Conn {
	ours, theirs := net.Pipe()
	l.served.Go(func() {
		_, _ = io.Copy(channel, theirs)
		_ = channel.Close()
	})
	l.served.Go(func() {
		_, _ = io.Copy(theirs, channel)
		_ = theirs.Close()
	})
	return ours
}
