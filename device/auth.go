package device

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

// auth is the authentication on one connection: the host key first, then one credential.
type auth struct {
	session *Session
	ctx     context.Context
	user    string // the login name of the connection

	mu      sync.Mutex // the host key is checked on a goroutine of the SSH library
	over    bool       // the handshake has returned
	key     []byte
	end     ending
	failure *jobv1.Failure

	publickey bool   // the key was offered
	password  string // the method that carried the password
	rounds    int    // keyboard-interactive questions answered
}

var errStop = errors.New("device: stop the handshake")

// stop makes the handshake end with a failure of our own.
func (a *auth) stop(end ending, f *jobv1.Failure) error {
	a.end, a.failure = end, f
	return errStop
}

// finish waits until no callback runs and lets none begin.
func (a *auth) finish() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
}

// checkHostKey decides on the host key and then fetches the credentials: it is the first moment at
// which the device is known, and the last before a login name is used.
func (a *auth) checkHostKey(key ssh.PublicKey) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over || a.key != nil { // a later key exchange: the same key or none
		if bytes.Equal(a.key, key.Marshal()) {
			return nil
		}
		return errStop
	}
	s := a.session
	if f := s.checkHostKey(key); f != nil {
		return a.stop(broken, f)
	}
	a.key = key.Marshal()
	s.enter("login")
	if f := s.fetchGrant(a.ctx); f != nil {
		return a.stop(broken, f)
	}
	c := s.credential()
	s.cfg.Usernames.put(c.GetId(), c.GetUsername())
	if c.GetUsername() != a.user {
		return a.stop(wrongName, nil)
	}
	return nil
}

// fetchGrant asks for the credentials, once.
func (s *Session) fetchGrant(ctx context.Context) *jobv1.Failure {
	if s.report.Grant != nil {
		return nil
	}
	grant, err := s.cfg.Credentials(ctx)
	if err != nil {
		if s.ctx.Err() != nil {
			return ended(s.ctx)
		}
		if ctx.Err() != nil {
			return failure(jobv1.Failure_TIMEOUT, "The credentials did not arrive in time; the device was not asked for a login.")
		}
		if wait, ok := errors.AsType[*WaitError](err); ok { // not the device's fault, and over soon: another attempt will find out
			s.cfg.Log("warn", "no credentials yet: "+wait.Why)
			return failure(jobv1.Failure_BUSY, "The device was not asked for a login: %s.", wait.Why)
		}
		s.cfg.Log("error", "no credentials: "+err.Error())
		return failure(jobv1.Failure_NO_CREDENTIAL, "The credentials for this device could not be had.")
	}
	if len(grant.GetCredentials()) == 0 {
		return failure(jobv1.Failure_NO_CREDENTIAL, "No credential applies to this device. Give it a tag that a credential has, or name it in one.")
	}
	s.report.Grant = grant
	for _, c := range grant.GetCredentials() {
		s.report.Credentials = append(s.report.Credentials, &jobv1.CredentialOutcome{CredentialId: c.GetId(), Result: jobv1.CredentialOutcome_UNUSED})
	}
	return nil
}

// next chooses the method to try: the key, then one that carries the password, each once.
func (a *auth) next(c *ssh.ClientAuthContext) (ssh.AuthMethod, error) {
	cred := a.session.credential()
	allowed := func(m string) bool { return slices.Contains(c.AllowedMethods, m) }
	if cred.GetPrivateKey() != "" && allowed("publickey") && !a.publickey {
		a.publickey = true
		signer, err := readKey(cred)
		if err == nil {
			return ssh.PublicKeys(signer), nil
		}
		if cred.GetPassword() == "" {
			return nil, a.stop(unsuitable, failure(jobv1.Failure_AUTH, "The private key of credential %s cannot be read: %s.", cred.GetName(), err))
		}
		a.session.cfg.Log("warn", "the private key of credential "+cred.GetName()+" cannot be read; trying its password")
	}
	if cred.GetPassword() != "" && a.password == "" {
		for _, m := range []string{"password", "keyboard-interactive"} {
			if allowed(m) {
				a.password = m
				return a.method(m, cred), nil
			}
		}
	}
	if a.asked() {
		end, f := a.refusal()
		if slices.Contains(c.PartialSuccessMethods, a.password) || slices.Contains(c.PartialSuccessMethods, "publickey") {
			f = failure(jobv1.Failure_AUTH, "The device accepted credential %s and asks for a further factor (%s), which NetRaven cannot give.",
				cred.GetName(), strings.Join(c.AllowedMethods, ", "))
		}
		return nil, a.stop(end, f)
	}
	return nil, a.stop(unsuitable, failure(jobv1.Failure_AUTH, "The device takes logins by %s only, and credential %s has nothing for that.",
		strings.Join(c.AllowedMethods, ", "), cred.GetName()))
}

func (a *auth) method(name string, cred *vaultv1.GrantedCredential) ssh.AuthMethod {
	if name == "password" {
		return ssh.Password(cred.GetPassword())
	}
	return ssh.KeyboardInteractive(func(_, instruction string, questions []string, echos []bool) ([]string, error) {
		for _, text := range append([]string{instruction}, questions...) {
			a.session.overheard(text)
		}
		return a.answer(cred, questions, echos)
	})
}

// answer answers one round of keyboard-interactive questions. A second hidden question is either the
// same one again, which is a refusal, or one that we have no answer to.
func (a *auth) answer(cred *vaultv1.GrantedCredential, questions []string, echos []bool) ([]string, error) {
	answers := make([]string, len(questions))
	if hidden := len(echos) - count(echos, true); hidden > 1 && a.rounds == 0 {
		return nil, a.stop(unsuitable, failure(jobv1.Failure_AUTH, "The device asks for %d secrets at once, as with a second factor; credential %s has one, and nothing was sent.",
			hidden, cred.GetName()))
	}
	for i := range questions {
		switch {
		case !echos[i] && a.rounds > 0:
			return nil, errStop
		case !echos[i]:
			answers[i] = cred.GetPassword()
			a.rounds++
		default:
			answers[i] = cred.GetUsername()
		}
	}
	return answers, nil
}

func count(all []bool, what bool) (n int) {
	for _, b := range all {
		if b == what {
			n++
		}
	}
	return n
}

// asked reports whether the device was given something to refuse.
func (a *auth) asked() bool { return a.publickey || a.password != "" }

// refusal is the failure of a credential that the device did not accept.
func (a *auth) refusal() (ending, *jobv1.Failure) {
	cred := a.session.credential()
	how := "its key"
	if a.password != "" {
		how = "its password (" + a.password + ")"
	}
	return refused, failure(jobv1.Failure_AUTH, "The device refused credential %s, user %q, with %s. Check them on the device or its login server.",
		cred.GetName(), cred.GetUsername(), how)
}

// readKey reads a private key. Errors are for people and hold nothing of the key.
func readKey(c *vaultv1.GrantedCredential) (ssh.Signer, error) {
	pem := []byte(c.GetPrivateKey())
	signer, err := ssh.ParsePrivateKey(pem)
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		if c.GetPassphrase() == "" {
			return nil, errors.New("it needs a passphrase")
		}
		if signer, err = ssh.ParsePrivateKeyWithPassphrase(pem, []byte(c.GetPassphrase())); err != nil {
			return nil, errors.New("its passphrase is wrong")
		}
	}
	if err != nil {
		return nil, errors.New("it is no OpenSSH or PEM private key")
	}
	return signer, nil
}
