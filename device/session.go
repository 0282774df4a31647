package device

import (
	"cmp"
	"context"
	"net"
	"strconv"

	"golang.org/x/crypto/ssh"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/platforms"
)

// Session is one logged-in session. It is used by one goroutine at a time and must be closed.
type Session struct {
	cfg    Config
	limits Limits
	ctx    context.Context
	cancel context.CancelFunc

	pins   []ssh.PublicKey // the spec's keys
	cas    []ssh.PublicKey // the authorities of host certificates
	first  []byte          // the key trusted in this attempt, where none is pinned
	report *Report
	index  int    // the credential being tried
	stage  string // where we are, for failures
	words  []byte // the end of what the device said last

	jump   *Session // the one with the jump host, which outlives connections to the device
	link   *link
	shell  *shell // nil while commands travel by exec channels
	large  bool   // a slot for large answers is held
	queued bool   // one was waited for in vain
}

// Report is what is known after Open, whether it succeeded or not.
type Report struct {
	// HostKey is the key that the device presented, in SSH wire format; nil if it came to none.
	HostKey []byte
	// HostKeyPinned says that HostKey is one of the spec's.
	HostKeyPinned bool
	// Grant is what Config.Credentials returned, or nil.
	Grant *vaultv1.Grant
	// Credentials has one entry per credential of the grant, in its order.
	Credentials []*jobv1.CredentialOutcome
	// Algorithms are those of the last connection, such as "curve25519-sha256 aes128-gcm@openssh.com".
	Algorithms string
	// Jump is what is known of the jump host, once it was come to; nil if there is none.
	Jump *Report
}

// Open connects, logs in and prepares a session. It blocks until that is done, and within the bounds of
// the spec's deadline, Limits and ctx; ctx ends the session also later. The session is nil if and only
// if a failure is returned; the report is never nil. Each call is a new attempt.
func Open(ctx context.Context, cfg Config) (*Session, *Report, *jobv1.Failure) {
	s := newSession(ctx, cfg)
	if f := s.open(); f != nil {
		s.Close()
		return nil, s.report, f
	}
	return s, s.report, nil
}

func newSession(ctx context.Context, cfg Config) *Session {
	cfg = cfg.withDefaults()
	s := &Session{cfg: cfg, limits: cfg.Limits, report: &Report{}}
	if d := cfg.Spec.GetDeadline(); d != nil {
		s.ctx, s.cancel = context.WithTimeout(ctx, d.AsTime().Sub(cfg.Now()))
	} else {
		s.ctx, s.cancel = context.WithCancel(ctx)
	}
	return s
}

func (s *Session) open() *jobv1.Failure {
	f := s.pin()
	if f == nil {
		f = s.logIn()
	}
	if f != nil {
		f = s.finish(f)
	}
	return f
}

// logIn tries the credentials, each on connections of its own.
func (s *Session) logIn() *jobv1.Failure {
	renamed := false
	for {
		end, f := s.attempt()
		if end == loggedIn {
			s.outcome(jobv1.CredentialOutcome_WORKED)
			return nil
		}
		s.disconnect(f)
		switch end {
		case wrongName:
			if renamed { // the grant does not change; this cannot happen twice
				return failure(jobv1.Failure_INTERNAL, "The login name of the credential changed during the attempt.")
			}
			renamed = true
			continue
		case refused:
			s.outcome(jobv1.CredentialOutcome_REFUSED)
		case unsuitable:
		default:
			return f
		}
		if s.index+1 >= len(s.report.Grant.GetCredentials()) {
			return f
		}
		s.cfg.Log("warn", "credential "+s.credential().GetName()+" was not accepted, trying the next one")
		s.index, renamed = s.index+1, false
	}
}

// attempt is one connection with one credential, up to a prepared session.
func (s *Session) attempt() (ending, *jobv1.Failure) {
	if end, f := s.connect(); end != loggedIn {
		return end, f
	}
	if s.cfg.Page.Transport == platforms.Exec {
		return loggedIn, nil
	}
	return s.openShell()
}

// disconnect ends the connection after a failed try, keeping what the device said for the failure.
func (s *Session) disconnect(f *jobv1.Failure) {
	if f != nil {
		s.finish(f)
	}
	if s.link != nil {
		s.link.close()
		s.link = nil
	}
	if s.shell != nil {
		s.shell.release()
		s.shell = nil
	}
	s.shrink()
}

// Close logs out, without waiting for the device's consent, and ends everything that belongs to the
// session. It may be repeated.
func (s *Session) Close() {
	if s.shell != nil && s.link != nil {
		s.shell.logOut()
	}
	s.disconnect(nil)
	if s.jump != nil {
		s.jump.Close()
	}
	s.cancel()
}

func (s *Session) enter(stage string) {
	if s.stage != stage {
		s.stage = stage
		s.cfg.Progress(stage)
	}
}

func (s *Session) legacy() bool { return s.cfg.Spec.GetLegacyAlgorithms() || s.cfg.Page.SSH.Legacy }

// newline ends every line sent: the device's own, or its platform's.
func (s *Session) newline() string { return cmp.Or(s.cfg.Spec.GetNewline(), s.cfg.Page.Login.Newline) }

func (s *Session) port() int {
	if p := s.cfg.Spec.GetPort(); p != 0 {
		return int(p)
	}
	return 22
}

func (s *Session) address() string {
	return net.JoinHostPort(s.cfg.Spec.GetAddress(), strconv.Itoa(s.port()))
}

// Grant returns what Config.Credentials returned.
func (s *Session) Grant() *vaultv1.Grant { return s.report.Grant }

// credential returns the one being tried; nil before there is a grant.
func (s *Session) credential() *vaultv1.GrantedCredential {
	if all := s.report.Grant.GetCredentials(); s.index < len(all) {
		return all[s.index]
	}
	return nil
}

// outcome notes what the present credential came to.
func (s *Session) outcome(r jobv1.CredentialOutcome_Result) {
	if s.index < len(s.report.Credentials) {
		s.report.Credentials[s.index].Result = r
	}
}
