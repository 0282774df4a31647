package device

import (
	"bytes"
	"strings"
	"time"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/platforms"
)

// maxGreeting bounds what a device may send before its first prompt.
const maxGreeting = 1 << 20

// logIn goes from an open shell to a prepared prompt.
func (sh *shell) logIn() (ending, *jobv1.Failure) {
	s := sh.session
	if end, f := sh.greet(); end != loggedIn {
		return end, f
	}
	if f := sh.enable(); f != nil {
		return broken, f
	}
	if len(s.cfg.Page.Login.Setup) > 0 {
		s.enter("setup")
	}
	for _, step := range s.cfg.Page.Login.Setup {
		out, f := sh.run(step.Send, step.Answers, s.limits.Command, false)
		if f != nil {
			return broken, f
		}
		if said := refusal(s.cfg.Page, out); said != "" {
			s.cfg.Log("info", "the device refused the setup command "+step.Send)
			if f := sh.clearLine(); f != nil {
				return broken, f
			}
		}
	}
	return loggedIn, nil
}

// greeter is the dialog before the first prompt.
type greeter struct {
	*shell
	asked   int // questions answered, of any kind
	named   int // times the login name was given
	secret  int // times the password was given
	woken   int // empty lines sent to a silent device
	quiet   *time.Timer
	scanned int // how far refusals were looked for
}

// greet reads the greeting, answers what the page knows and ends at the first prompt.
func (sh *shell) greet() (ending, *jobv1.Failure) {
	g := greeter{shell: sh}
	// The first prompt is due within the login's bound; a silence before it may be one of thought.
	sh.session.link.watch.begin(sh.session.limits.Login, sh.session.limits.Silence)
	for {
		g.wakeLater()
		f := sh.fill()
		g.calm()
		if f != nil {
			return broken, g.noPrompt(f)
		}
		if sh.raw > maxGreeting {
			return broken, failure(jobv1.Failure_OUTPUT_LIMIT, "The device sent more than %d MiB before its first prompt.", maxGreeting>>20)
		}
		end, f, over := g.step()
		if over {
			return end, f
		}
	}
}

// step looks at what stands at the end of the screen. over says that the dialog has ended.
func (g *greeter) step() (_ ending, _ *jobv1.Failure, over bool) {
	l := &g.session.cfg.Page.Login
	if f := g.refused(l.Failed); f != nil {
		return refused, f, true
	}
	line := g.screen.line()
	if len(line) == 0 || len(line) > maxPrompt {
		return 0, nil, false
	}
	cred := g.session.credential()
	switch {
	case ends(l.Username, line):
		if g.named++; g.named > 1 {
			return refused, inSession(cred), true
		}
		return g.give(cred.GetUsername() + l.Newline)
	case ends(l.Password, line):
		if g.secret++; g.secret > 1 {
			return refused, inSession(cred), true
		}
		return g.give(cred.GetPassword() + l.Newline)
	}
	if e, _ := g.ask(l.Answers); e != nil {
		return g.give(strings.ReplaceAll(e.Send, "\n", l.Newline))
	}
	if e, _ := g.ask(g.session.cfg.Page.Pager); e != nil {
		return g.give(e.Send)
	}
	if _, ok := g.prompt.match(g.screen.shown(), g.screen.bol); ok {
		g.prompt.learn(line)
		return loggedIn, nil, true
	}
	return 0, nil, false
}

// give answers a question. The screen forgets the line, so that the question is not answered twice.
func (g *greeter) give(text string) (ending, *jobv1.Failure, bool) {
	if g.asked++; g.asked > maxReplies {
		return broken, failure(jobv1.Failure_PROMPT, "The device asks the same question again and again before its prompt."), true
	}
	g.screen.newline()
	if f := g.put(text); f != nil {
		return broken, f, true
	}
	return 0, nil, false
}

// refused looks for the words of a refused in-session login, once an answer was given.
func (g *greeter) refused(words []*platforms.Pattern) *jobv1.Failure {
	text := g.screen.text[g.scanned:]
	if g.secret == 0 {
		g.scanned = g.screen.bol
		return nil
	}
	for _, p := range words {
		if p.Match(text) {
			return inSession(g.session.credential())
		}
	}
	g.scanned = g.screen.bol
	return nil
}

func inSession(cred *vaultv1.GrantedCredential) *jobv1.Failure {
	return failure(jobv1.Failure_AUTH, "The device asked for a login inside the session and refused credential %s, user %q.", cred.GetName(), cred.GetUsername())
}

// wakeLater sends an empty line to a device that says nothing: some wait for it.
func (g *greeter) wakeLater() {
	if g.woken >= 2 {
		return
	}
	g.quiet = time.AfterFunc(4*g.session.limits.Nudge, func() {
		_, _ = g.channel.Write([]byte(g.session.cfg.Page.Login.Newline))
	})
}

func (g *greeter) calm() {
	if g.quiet != nil && !g.quiet.Stop() {
		g.woken++
	}
	g.quiet = nil
}

// noPrompt makes a greeting that did not end in time a failure about prompts.
func (g *greeter) noPrompt(f *jobv1.Failure) *jobv1.Failure {
	if f.GetClass() != jobv1.Failure_TIMEOUT || g.session.ctx.Err() != nil {
		return f
	}
	if len(bytes.TrimSpace(g.screen.text)) == 0 {
		return failure(jobv1.Failure_PROMPT, "The login worked, but the device shows no prompt. Is a session of this user hanging on it?")
	}
	return failure(jobv1.Failure_PROMPT, "No prompt of platform %s was recognised. Is it the right platform for this device?", g.session.cfg.Page.Name)
}

func ends(p *platforms.Pattern, line []byte) bool {
	if p == nil {
		return false
	}
	_, ok := p.AtEnd(line)
	return ok
}

// refusal returns the first line by which the device refused a command, or "". Only the beginning of an
// answer is looked at: further down, the same words may stand in a configuration.
func refusal(page *platforms.Page, out []byte) string {
	const lines, bytesAtMost = 8, 2 << 10
	head := bytes.TrimLeft(out, " \n")
	head = head[:min(len(head), bytesAtMost)]
	for i, n := 0, 0; i < len(head); i++ {
		if head[i] == '\n' {
			if n++; n == lines {
				head = head[:i]
			}
		}
	}
	for _, p := range page.Reject {
		if at := p.Find(head); at != nil {
			line := head[at[0]:]
			if i := bytes.IndexByte(line, '\n'); i > 0 {
				line = line[:i]
			}
			return plainWords(string(line[:min(len(line), 120)]))
		}
	}
	return ""
}

// clearLine clears what a refused command left on the input line, where the page says that it does.
func (sh *shell) clearLine() *jobv1.Failure {
	if keys := sh.session.cfg.Page.ClearLine; keys != "" {
		return sh.put(keys)
	}
	return nil
}
