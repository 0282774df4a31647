package device

import (
	"bytes"
	"time"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/platforms"
)

const (
	// maxNudges bounds the empty lines sent in one command.
	maxNudges = 5
	// maxStale is how many answers to a pager in a row may bring nothing new.
	maxStale = 20
	// maxReplies bounds how often the questions of one command are answered.
	maxReplies = 200
	// maxBlind is how often a pager's key is pressed with no question to be seen.
	maxBlind = 3
	// maxAfter is how many lines may stand behind a prompt because the device logged something there.
	maxAfter = 4
)

// exchange is one command on its way through the shell.
type exchange struct {
	*shell
	sent    string
	answers []platforms.Exchange

	from    int  // where the answer begins on the screen; the echo lies before it
	echoed  bool // the echo was found
	nudges  int
	nudged  bool // an empty line was sent and no other text has come since
	replied int
	pages   int
	stale   int // pages in a row that brought nothing
	grown   int // bytes on the screen at the last page
	seen    int // screen length at which a question was last answered
	quiet   *time.Timer

	key      string // of the pager that was answered last
	pressing bool   // what quiet sends is that key
	blind    int    // keys pressed without a question to be seen
}

// run sends a line and reads until the prompt is back. What it returns lies in the screen's buffer until
// the next command, unless keep asks for it to be handed over.
func (sh *shell) run(line string, answers []platforms.Exchange, limit time.Duration, keep, once bool) ([]byte, *jobv1.Failure) {
	sh.session.link.watch.begin(limit, sh.session.limits.Silence)
	x, f := sh.try(line, answers)
	if f == nil && !once && !x.echoed && len(bytes.TrimSpace(x.answer())) == 0 && !sh.echoless {
		// Some devices throw away what is typed while they are busy with a login.
		x, f = sh.try(line, answers)
	}
	if f != nil {
		return nil, f
	}
	out := x.answer()
	sh.echoless = !x.echoed
	sh.settle(x)
	sh.release()
	if keep {
		sh.screen.reset(true)
	}
	return out, nil
}

func (sh *shell) try(line string, answers []platforms.Exchange) (*exchange, *jobv1.Failure) {
	sh.screen.reset(false)
	sh.raw = 0
	x := &exchange{shell: sh, sent: line, answers: answers, seen: -1}
	if f := sh.send(line); f != nil {
		return nil, f
	}
	for {
		if f := sh.room(); f != nil {
			return nil, f
		}
		x.nudgeLater()
		f := sh.fill()
		x.calm()
		if f != nil {
			return nil, f
		}
		if x.finished() {
			return x, nil
		}
		if f := x.respond(); f != nil {
			return nil, f
		}
	}
}

// respond answers pagers and questions.
func (x *exchange) respond() *jobv1.Failure {
	if at := len(x.screen.text); at == x.seen {
		return nil
	}
	if e, from := x.ask(x.session.cfg.Page.Pager); e != nil {
		return x.page(e, from)
	}
	if e, _ := x.ask(x.answers); e != nil {
		if x.replied++; x.replied > maxReplies {
			return failure(jobv1.Failure_OUTPUT_LIMIT, "The device asked the same question more than %d times.", maxReplies)
		}
		x.screen.newline() // what comes next is no part of the question, whether the answer is echoed or not
		x.seen = len(x.screen.text)
		return x.reply(e.Send)
	}
	return nil
}

// page answers a pager, as long as that brings something.
func (x *exchange) page(e *platforms.Exchange, from int) *jobv1.Failure {
	x.screen.cutPager(from)
	if len(x.screen.text) <= x.grown {
		x.stale++
	} else {
		x.stale = 0
	}
	x.grown = len(x.screen.text)
	if x.pages++; x.pages > x.session.limits.Pages || x.stale > maxStale {
		return failure(jobv1.Failure_OUTPUT_LIMIT, "The device's pager does not come to an end (%d pages). Is paging switched off in the platform's setup?", x.pages)
	}
	x.key = e.Send
	return x.reply(e.Send)
}

// finished reports whether the device waits for the next command.
func (x *exchange) finished() bool {
	if !x.echoed && x.screen.bol > 0 {
		x.from, x.echoed = cutEcho(x.screen.text[:x.screen.bol], x.sent, x.prompt.precedes)
	}
	line := x.screen.line()
	answered := x.echoed || x.echoless && x.screen.bol > 0
	switch {
	case x.prompt.same(line):
		if answered && (x.prompt.sure() || x.twice()) {
			return true
		}
		return x.twice()
	case x.putBack(line):
		return true
	case len(line) == 0 || len(line) > maxPrompt:
		x.nudged = x.nudged && len(line) == 0
		return false
	}
	if _, ok := x.prompt.match(x.screen.shown(), x.screen.bol); !ok {
		x.nudged = x.nudged && bytes.HasSuffix(line, x.prompt.learned)
		return false
	}
	if answered && x.prompt.related(line) {
		return true
	}
	return x.twice()
}

// twice reports whether the last two lines that are not blank are the same.
func (x *exchange) twice() bool {
	if !x.nudged {
		return false
	}
	line := bytes.TrimSpace(x.screen.line())
	before := bytes.TrimRight(x.screen.text[:x.screen.bol], " \n")
	before = before[bytes.LastIndexByte(before, '\n')+1:]
	return len(line) > 0 && bytes.HasSuffix(bytes.TrimSpace(before), line)
}

// nudgeLater arranges for an empty line to be sent if nothing more comes, where that would tell whether
// the device waits: something like a prompt stands at the end, or the prompt with log lines behind it.
func (x *exchange) nudgeLater() {
	if x.raw == 0 {
		return
	}
	if !x.doubtful() {
		x.pressLater()
		return
	}
	if x.nudges >= maxNudges {
		return
	}
	x.quiet = time.AfterFunc(x.session.limits.Nudge, func() {
		_, _ = x.channel.Write([]byte(x.session.newline()))
	})
}

// pressLater arranges for the key of the last pager to be pressed once more if nothing more comes: a pager that
// redraws its page can wipe its own question.
func (x *exchange) pressLater() {
	if x.key == "" || x.blind >= maxBlind {
		return
	}
	key := x.key
	x.pressing = true
	x.quiet = time.AfterFunc(3*x.session.limits.Nudge, func() { _, _ = x.channel.Write([]byte(key)) })
}

func (x *exchange) doubtful() bool {
	line := x.screen.line()
	if len(line) > maxPrompt {
		return false
	}
	if len(bytes.TrimSpace(line)) > 0 {
		if len(x.prompt.learned) > 0 && bytes.HasSuffix(bytes.TrimRight(line, " "), x.prompt.learned) {
			return true
		}
		_, ok := x.prompt.match(x.screen.shown(), x.screen.bol)
		return ok || x.behind() >= 0
	}
	return x.behind() >= 0
}

// behind returns where a prompt stands that has only a few lines behind it, or -1.
func (x *exchange) behind() int {
	if !x.echoed || !x.prompt.sure() {
		return -1
	}
	end := x.screen.bol
	for range maxAfter {
		if end <= x.from {
			return -1
		}
		start := bytes.LastIndexByte(x.screen.text[:end-1], '\n') + 1
		if x.prompt.same(x.screen.text[start : end-1]) {
			return start
		}
		end = start
	}
	return -1
}

// calm stops a pending nudge, or notes that it was sent.
func (x *exchange) calm() {
	if x.quiet == nil {
		return
	}
	switch sent := !x.quiet.Stop(); {
	case sent && x.pressing:
		x.blind++
	case sent:
		x.nudges++
		x.nudged = true
	}
	x.quiet, x.pressing = nil, false
}

// answer returns the text between the echo and the prompt.
func (x *exchange) answer() []byte {
	text, end := x.screen.text, x.screen.bol
	if start, ok := x.prompt.match(x.screen.shown(), x.screen.bol); ok {
		end = start
	}
	if x.nudges > 0 {
		if at := x.behind(); at >= 0 {
			end = at
		}
		end = x.dropPrompts(end)
	}
	from := x.from
	if !x.echoed {
		from = x.unechoed(end)
	}
	return text[min(from, end):end]
}

// dropPrompts moves end before the prompts that came in answer to nudges.
func (x *exchange) dropPrompts(end int) int {
	want := bytes.TrimSpace(x.screen.line())
	at := end
	for at > 0 {
		start := bytes.LastIndexByte(x.screen.text[:at-1], '\n') + 1
		line := bytes.TrimSpace(x.screen.text[start:at])
		if len(line) > 0 && !bytes.HasSuffix(line, want) {
			return end
		}
		if len(line) > len(want) { // glued to the last line, which had no end
			return start + bytes.LastIndex(x.screen.text[start:at], want)
		}
		if at = start; len(line) > 0 {
			end = start
		}
	}
	return end
}

// unechoed returns where an answer without an echo begins: behind the prompt that the command was typed
// at, and behind what a line editor left of the command there.
func (x *exchange) unechoed(end int) int {
	n := bytes.IndexByte(x.screen.text[:end], '\n')
	if n < 0 || len(x.prompt.learned) == 0 || !bytes.HasPrefix(x.screen.text, x.prompt.learned) {
		return 0
	}
	rest := squeeze(x.screen.text[len(x.prompt.learned):n])
	want := squeeze([]byte(x.sent))
	if k := min(8, len(rest), len(want)); len(rest) == 0 || bytes.Equal(rest[len(rest)-k:], want[len(want)-k:]) {
		return n + 1
	}
	return len(x.prompt.learned)
}
