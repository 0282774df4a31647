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
	if end, f := sh.greet(); end != loggedIn {
		return end, f
	}
	climbed, f := sh.enable()
	if f == nil {
		f = sh.setup()
	}
	if f == nil && !climbed {
		// What was taken for the first prompt may have been a line of the banner; by now it is the prompt.
		if climbed, f = sh.enable(); climbed && f == nil {
			f = sh.setup()
		}
	}
	if f != nil {
		return broken, f
	}
	return loggedIn, nil
}

// setup runs the page's setup commands; refused ones are noted.
func (sh *shell) setup() *jobv1.Failure {
	s := sh.session
	if len(s.cfg.Page.Login.Setup) > 0 {
		s.enter("setup")
	}
	for _, step := range s.cfg.Page.Login.Setup {
		out, f := sh.run(step.Send, step.Answers, s.limits.Command, false, false)
		if f != nil {
			return f
		}
		if sh.refused(out) != "" {
			s.cfg.Log("info", "the device refused the setup command "+step.Send)
			if f := sh.clearLine(); f != nil {
				return f
			}
		}
	}
	return nil
}

// greeter is the dialog before the first prompt. What looks like a question may be a line of a banner that
// is still coming, and a password typed at a prompt would stand in the device's log: so a question is
// answered only when nothing has followed it for a while.
type greeter struct {
	*shell
	asked   int // questions answered, of any kind
	named   int // times the login name was given
	secret  int // times the password was given
	woken   int // empty lines sent to a silent device
	scanned int // how far refusals were looked for

	quiet *time.Timer
	count *int // what the pending answer counts for
	line  int  // where the line stands that it answers
	done  int  // where the line stands that was answered last
}

// greet reads the greeting, answers what the page knows and ends at the first prompt.
func (sh *shell) greet() (ending, *jobv1.Failure) {
	g := greeter{shell: sh, done: -1}
	// The first prompt is due within the login's bound; a silence before it may be one of thought.
	sh.session.link.watch.begin(sh.session.limits.Login, sh.session.limits.Silence)
	g.wakeLater()
	for {
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
		g.wakeLater()
		return 0, nil, false
	}
	cred := g.session.credential()
	if g.asked > maxReplies {
		return broken, failure(jobv1.Failure_PROMPT, "The device asks the same question again and again before its prompt."), true
	}
	fresh := g.screen.bol != g.done
	switch e, _ := g.ask(l.Answers); {
	case fresh && ends(l.Username, line):
		if g.named > 0 {
			return refused, inSession(cred), true
		}
		g.sendLater(g.session.limits.Nudge, cred.GetUsername()+g.session.newline(), &g.named)
	case fresh && ends(l.Password, line):
		if g.secret > 0 {
			return refused, inSession(cred), true
		}
		g.sendLater(g.session.limits.Nudge, cred.GetPassword()+g.session.newline(), &g.secret)
	case fresh && e != nil:
		g.sendLater(g.session.limits.Nudge, strings.ReplaceAll(e.Send, "\n", g.session.newline()), &g.asked)
	default:
		if _, ok := g.prompt.match(g.screen.shown(), g.screen.bol); ok {
			g.prompt.learn(line)
			return loggedIn, nil, true
		}
		g.wakeLater()
	}
	return 0, nil, false
}

// wakeLater sends an empty line to a device that says nothing: some wait for it.
func (g *greeter) wakeLater() {
	if g.woken < 2 {
		g.sendLater(4*g.session.limits.Nudge, g.session.newline(), &g.woken)
		g.line = -1 // it answers nothing
	}
}

// sendLater types text if nothing comes for a while, and then counts it.
func (g *greeter) sendLater(after time.Duration, text string, count *int) {
	g.count, g.line = count, g.screen.bol
	g.quiet = time.AfterFunc(after, func() { _, _ = g.channel.Write([]byte(text)) })
}

// calm takes back what was to be sent, or counts it.
func (g *greeter) calm() {
	if g.quiet != nil && !g.quiet.Stop() {
		*g.count++
		g.done = g.line
	}
	g.quiet = nil
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
