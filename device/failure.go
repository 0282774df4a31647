package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"unicode"

	"golang.org/x/crypto/ssh"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

// failure makes a failure of a class with a hint for people. Stage, credential and the device's words
// are added where it leaves the session.
func failure(class jobv1.Failure_Class, hint string, args ...any) *jobv1.Failure {
	return &jobv1.Failure{Class: class, Hint: fmt.Sprintf(hint, args...)}
}

// ended says why ctx is over.
func ended(ctx context.Context) *jobv1.Failure {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return failure(jobv1.Failure_TIMEOUT, "The attempt used up its time. If the device is slow but well, give its runs more time.")
	}
	return failure(jobv1.Failure_CANCELLED, "The attempt was cancelled.")
}

// unreachable says why there is no TCP connection.
func (s *Session) unreachable(ctx context.Context, err error) *jobv1.Failure {
	var policy *PolicyError
	var name *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &policy):
		return failure(jobv1.Failure_POLICY, "The agent's own policy forbids this connection: %s", policy.Rule)
	case ctx.Err() != nil:
		return ended(ctx)
	case errors.As(err, &name):
		return failure(jobv1.Failure_UNREACHABLE, "The name %q could not be resolved where the agent runs. Use an IP address or correct the name.", name.Name)
	case errors.Is(err, syscall.ECONNREFUSED):
		return failure(jobv1.Failure_UNREACHABLE, "The device refuses connections to port %d. Is SSH enabled there, and is this its port?", s.port())
	case errors.As(err, &timeout) && timeout.Timeout():
		return failure(jobv1.Failure_UNREACHABLE, "No answer from %s within %s. Check the address, the route from the agent's network and access lists.", s.address(), s.limits.Connect)
	}
	if errors.Is(err, syscall.ECONNRESET) {
		return busy()
	}
	return failure(jobv1.Failure_UNREACHABLE, "No connection to %s: %s.", s.address(), cause(err))
}

// cause is the innermost words of a network error: the outer ones repeat addresses.
func cause(err error) string {
	if no, ok := errors.AsType[syscall.Errno](err); ok {
		return no.Error()
	}
	return strings.ToValidUTF8(err.Error(), "")
}

// handshakeFailed says why NewClientConn failed when neither the host key nor a credential is at fault.
func (s *Session) handshakeFailed(l *link, err error) *jobv1.Failure {
	var algorithm *ssh.AlgorithmNegotiationError
	switch {
	case errors.As(err, &algorithm):
		return noAlgorithm(algorithm, s.legacy(), len(s.pins) > 0 && !s.replacing(), s.cfg.Spec.GetHostCertificate())
	case l.conn.foreign() && l.watch.reason() != cancelled, strings.Contains(err.Error(), "version string"):
		return failure(jobv1.Failure_UNREACHABLE, "What answers on port %d does not speak SSH. Check the port.", s.port())
	case l.watch.reason() != open:
		return s.cutOff(l.watch.reason())
	case strings.Contains(err.Error(), "reason 12"), hungUp(err) && l.conn.silent():
		return busy()
	case hungUp(err):
		return failure(jobv1.Failure_UNREACHABLE, "The device closed the connection during the SSH key exchange.")
	}
	return failure(jobv1.Failure_UNREACHABLE, "The SSH connection could not be set up: %s.", plainWords(err.Error()))
}

func busy() *jobv1.Failure {
	return failure(jobv1.Failure_BUSY, "The device closed the connection before it said anything: perhaps all its terminal lines are in use, or an access list forbids this source.")
}

func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) || errors.Is(err, os.ErrDeadlineExceeded)
}

// cutOff says what we ended the connection for.
func (s *Session) cutOff(r reason) *jobv1.Failure {
	switch r {
	case cancelled:
		if s.queued && errors.Is(s.ctx.Err(), context.DeadlineExceeded) {
			return crowded()
		}
		return ended(s.ctx)
	case silent:
		return failure(jobv1.Failure_TIMEOUT, "The device said nothing for %s.", s.limits.Silence)
	case tooLong:
		if s.queued {
			return crowded()
		}
		return failure(jobv1.Failure_TIMEOUT, "This step took longer than %s.", s.link.watch.limit())
	}
	return failure(jobv1.Failure_INTERNAL, "The connection was closed here.")
}

// finish completes a failure with the stage, the credential and the device's last words.
func (s *Session) finish(f *jobv1.Failure) *jobv1.Failure {
	if f.GetStage() == "" {
		f.Stage = s.stage
	}
	if f.GetCredential() == "" {
		f.Credential = s.credential().GetName()
	}
	if f.GetDeviceSaid() == "" {
		f.DeviceSaid = s.lastWords()
	}
	f.Hint = strip(f.GetHint(), s.report.Grant)
	return f
}

// plainWords makes device text fit for a message: valid UTF-8 without control characters.
func plainWords(s string) string {
	return strings.Map(func(c rune) rune {
		if c == '\n' || c == '\t' || unicode.IsPrint(c) && c != unicode.ReplacementChar {
			return c
		}
		return -1
	}, strings.ToValidUTF8(s, ""))
}

// strip removes the secrets of a grant from a text. One- and two-letter passwords would make it
// unreadable and protect nothing.
func strip(s string, grant *vaultv1.Grant) string {
	var secrets []string
	for _, c := range grant.GetCredentials() {
		secrets = append(secrets, c.GetPassword(), c.GetEnableSecret(), c.GetPassphrase())
	}
	// The longest first: one secret may begin with another.
	slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	for _, secret := range secrets {
		if len(secret) > 2 {
			s = strings.ReplaceAll(s, secret, "***")
		}
	}
	return s
}
