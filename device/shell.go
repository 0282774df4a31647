package device

import (
	"cmp"
	"errors"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/platforms"
)

// The terminal we claim to be: wide enough that nothing wraps, high enough that a device which pages in
// spite of everything does so rarely; more than this some devices refuse. A device's spec may say another size.
const (
	terminalType = "vt100"
	terminalRows = 1000
)

const (
	smallBuffer = 2 << 10
	largeBuffer = 32 << 10
)

// largeBuffers are for answers that fill a small one; most sessions only wait most of the time.
var largeBuffers = sync.Pool{New: func() any { b := make([]byte, largeBuffer); return &b }}

// shell is an interactive shell on a pseudo-terminal.
type shell struct {
	session *Session
	channel ssh.Channel
	screen  screen
	prompt  prompt

	small []byte
	large *[]byte
	raw   int // bytes received for the present command

	echoless bool // the device does not echo
	left     bool // the last command stands behind the prompt still
}

// openShell opens a shell and goes on to a usable prompt.
func (s *Session) openShell() (ending, *jobv1.Failure) {
	s.enter("login")
	channel, requests, err := s.link.client.OpenChannel("session", nil)
	if err != nil {
		return broken, s.channelRefused(err)
	}
	s.link.served.Go(func() { ssh.DiscardRequests(requests) })
	sh := &shell{session: s, channel: s.traced(channel, ""), prompt: newPrompt(s.cfg.Page.Login.Prompt), small: make([]byte, smallBuffer)}
	s.shell = sh
	// A device that refuses a terminal may give a shell nevertheless.
	_, err = channel.SendRequest("pty-req", true, s.ptyRequest())
	if err == nil {
		var ok bool
		if ok, err = channel.SendRequest("shell", true, nil); err == nil && !ok {
			return broken, failure(jobv1.Failure_FORBIDDEN, "The device refuses an interactive shell to this user.")
		}
	}
	if err != nil {
		return broken, sh.hungUp()
	}
	return sh.logIn()
}

func (s *Session) ptyRequest() []byte {
	columns := cmp.Or(uint32(max(s.cfg.Spec.GetTerminalColumns(), 0)), maxColumn)
	rows := cmp.Or(uint32(max(s.cfg.Spec.GetTerminalRows(), 0)), terminalRows)
	return ssh.Marshal(struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}{terminalType, columns, rows, columns * 8, rows * 8,
		string([]byte{53, 0, 0, 0, 1, 128, 0, 0x96, 0, 129, 0, 0x96, 0, 0})}) // ECHO, speeds, end
}

// channelRefused says why a device that let us in opens no session.
func (s *Session) channelRefused(err error) *jobv1.Failure {
	if r := s.link.watch.reason(); r != open {
		return s.cutOff(r)
	}
	if e, ok := errors.AsType[*ssh.OpenChannelError](err); ok {
		if e.Reason == ssh.ResourceShortage || e.Reason == ssh.ConnectionFailed {
			return failure(jobv1.Failure_BUSY, "The device let the user in and had no session to give: %s.", plainWords(e.Message))
		}
		return failure(jobv1.Failure_FORBIDDEN, "The device let the user in and refuses a session: %s.", plainWords(e.Message))
	}
	return failure(jobv1.Failure_UNREACHABLE, "The device closed the connection right after the login.")
}

// fill reads what the device sends next onto the screen. A failure ends the session.
func (sh *shell) fill() *jobv1.Failure {
	if f := sh.room(); f != nil {
		return f
	}
	buf := sh.small
	if sh.large != nil {
		buf = *sh.large
	}
	n, err := sh.channel.Read(buf)
	if n == 0 && err != nil {
		return sh.hungUp()
	}
	sh.session.link.watch.touch()
	sh.screen.write(buf[:n])
	if n == len(buf) && sh.large == nil {
		sh.large = largeBuffers.Get().(*[]byte)
	}
	sh.raw += n
	if limit := sh.session.limits.Bytes; sh.raw > limit || len(sh.screen.text) > limit+maxPrompt {
		return failure(jobv1.Failure_OUTPUT_LIMIT, "The device sent more than %d MiB in answer to one command.", limit>>20)
	}
	return nil
}

// room has the session hold what it needs to read on. It may wait, and whoever sends something after a
// quiet calls it first: the quiet must be the device's.
func (sh *shell) room() *jobv1.Failure {
	f := sh.session.grow(len(sh.screen.text))
	sh.screen.most = sh.session.most()
	return f
}

// release gives the large buffer back.
func (sh *shell) release() {
	if sh.large != nil {
		largeBuffers.Put(sh.large)
		sh.large = nil
	}
}

// hungUp says why nothing more comes.
func (sh *shell) hungUp() *jobv1.Failure {
	s := sh.session
	if r := s.link.watch.reason(); r != open {
		return s.cutOff(r)
	}
	if s.stage == "command" || s.stage == "complete" {
		return failure(jobv1.Failure_INCOMPLETE, "The device closed the session in the middle of an answer.")
	}
	return failure(jobv1.Failure_UNREACHABLE, "The device closed the session before it was usable.")
}

// send writes a line.
func (sh *shell) send(line string) *jobv1.Failure {
	return sh.put(line + sh.session.newline())
}

// reply writes what a page says to reply: as it is, with its own line ends.
func (sh *shell) reply(text string) *jobv1.Failure {
	return sh.put(strings.ReplaceAll(text, "\n", sh.session.newline()))
}

func (sh *shell) put(text string) *jobv1.Failure {
	if _, err := sh.channel.Write([]byte(text)); err != nil {
		return sh.hungUp()
	}
	return nil
}

// ask finds the question that stands at the end of the screen and where in the current line it begins.
func (sh *shell) ask(list []platforms.Exchange) (*platforms.Exchange, int) {
	return sh.screen.question(list)
}

func (s *screen) question(list []platforms.Exchange) (*platforms.Exchange, int) {
	if len(list) == 0 {
		return nil, 0
	}
	line := s.line()
	cut := max(0, len(line)-maxPrompt)
	tail := line[cut:]
	if len(tail) == 0 {
		return nil, 0
	}
	for i := range list {
		if at, ok := list[i].Expect.AtEnd(tail); ok {
			return &list[i], cut + at
		}
	}
	return nil, 0
}

// logOut says goodbye. Nothing waits for the device's answer: what frees its terminal line is the end of
// the connection, and the courtesy is what its log shows.
func (sh *shell) logOut() {
	if sh.session.link.watch.reason() != open || len(sh.prompt.learned) == 0 {
		return
	}
	for _, step := range sh.session.cfg.Page.Login.Logout {
		_ = sh.send(step.Send)
		for _, a := range step.Answers {
			_ = sh.reply(a.Send)
		}
	}
}
