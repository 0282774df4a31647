package device

import (
	"bytes"
	"regexp"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/platforms"
)

// userQuestion is asked by devices whose enable is checked by a login server.
var userQuestion = regexp.MustCompile(`(?i)\b(?:user ?name|login): ?$`)

// enableSecret returns what enable is answered with, and whether the credential, or else the page, asks for enable at all.
func enableSecret(c *vaultv1.GrantedCredential, page *platforms.Enable) (secret string, wanted bool) {
	switch c.GetEnable() {
	case vaultv1.GrantedCredential_LOGIN_PASSWORD:
		return c.GetPassword(), true
	case vaultv1.GrantedCredential_SECRET:
		return c.GetEnableSecret(), true
	case vaultv1.GrantedCredential_UNSPECIFIED:
		if page != nil && page.LoginPassword && c.GetEnableSecret() == "" {
			return c.GetPassword(), c.GetPassword() != ""
		}
		return c.GetEnableSecret(), c.GetEnableSecret() != ""
	}
	return "", false
}

// enable goes to the privileged prompt, if the page knows one, the credential asks for it and the device
// is not there already. climbed says that it was needed.
func (sh *shell) enable() (climbed bool, f *jobv1.Failure) {
	s := sh.session
	e := s.cfg.Page.Login.Enable
	secret, wanted := enableSecret(s.credential(), e)
	if e == nil || !ends(e.When, sh.screen.line()) {
		return false, nil
	}
	if !wanted && e.Expect != nil {
		s.cfg.Log("info", "the session stays unprivileged: credential "+s.credential().GetName()+" has no enable")
		return true, nil
	}
	s.enter("enable")
	s.link.watch.begin(s.limits.Login, s.limits.Silence)
	sh.screen.reset(false)
	sh.raw = 0
	if f := sh.send(e.Send); f != nil {
		return true, f
	}
	return true, sh.climb(secret)
}

// climb answers the questions of enable until a privileged prompt stands there or the device has refused.
// What comes before the echo belongs to the greeting.
func (sh *shell) climb(secret string) *jobv1.Failure {
	page := sh.session.cfg.Page
	e := page.Login.Enable
	echoed, named, given := false, false, false
	from := 0
	for {
		if f := sh.fill(); f != nil {
			return f
		}
		if !echoed {
			from, echoed = cutEcho(sh.screen.text[:sh.screen.bol], e.Send, sh.prompt.precedes)
		}
		said := sh.screen.text[from:sh.screen.bol]
		for _, p := range e.Failed {
			if echoed && p.Match(said) {
				return sh.denied()
			}
		}
		line := sh.screen.line()
		if len(line) == 0 || len(line) > maxPrompt || sh.screen.bol == 0 {
			continue
		}
		switch {
		case ends(e.Expect, line) && (echoed || named || given || sh.alone()):
			if given {
				return sh.denied()
			}
			given = true
			sh.screen.newline()
			if f := sh.send(secret); f != nil {
				return f
			}
		case userQuestion.Match(line) && !named:
			named = true
			sh.screen.newline()
			if f := sh.send(sh.session.credential().GetUsername()); f != nil {
				return f
			}
		default:
			if _, ok := sh.prompt.match(sh.screen.shown(), sh.screen.bol); !ok {
				continue
			}
			if !ends(e.When, line) && refusal(page, said) == "" {
				sh.prompt.learn(line)
				return nil
			}
			if echoed || given {
				return sh.denied()
			}
		}
	}
}

// alone reports that nothing stands above the question but the line that enable was typed at: a device
// that does not echo.
func (sh *shell) alone() bool {
	return bytes.Equal(squeeze(sh.screen.text[:sh.screen.bol]), squeeze(sh.prompt.learned))
}

// denied is the failure of enable. The login itself worked.
func (sh *shell) denied() *jobv1.Failure {
	s := sh.session
	s.outcome(jobv1.CredentialOutcome_ENABLE_REFUSED)
	return failure(jobv1.Failure_PRIVILEGE, "The login worked, but the device refused enable with credential %s. Check its enable secret, or the privilege of user %q.",
		s.credential().GetName(), s.credential().GetUsername())
}
