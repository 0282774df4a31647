package device

import (
	"bytes"
	"time"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/platforms"
)

// Command is one command to run.
type Command struct {
	// Send is the command, without a line end.
	Send string
	// Answers are the questions it may ask and what to reply, in a shell.
	Answers []platforms.Exchange
	// Once never sends the command a second time. Else it is sent again where a device shows no sign of having taken it.
	Once bool
	// Timeout bounds the command with all its output. Zero: Limits.Command.
	Timeout time.Duration
}

// Answer is what a device said to a command.
type Answer struct {
	// Text is the device's text without echo, prompt, pager and control bytes; line ends are "\n". The
	// caller owns it.
	Text []byte
	// Refused is the line by which the device refused the command, as it stands in Text and not masked;
	// empty if it did not.
	Refused string
	// Exit is the exit status of an exec channel, nil if none came or a shell was used.
	Exit *int
}

// Run runs a command and blocks until its answer has ended. After a failure the session is of no use any
// more, except to be closed. Run may not be called concurrently.
func (s *Session) Run(c Command) (Answer, *jobv1.Failure) {
	s.enter("command")
	if c.Timeout <= 0 {
		c.Timeout = s.limits.Command
	}
	a, f := s.run(c)
	if f != nil {
		return Answer{}, s.finish(f)
	}
	return a, nil
}

func (s *Session) run(c Command) (Answer, *jobv1.Failure) {
	if s.shell == nil {
		a, refused, f := s.exec(c)
		if f != nil || !refused {
			s.heard(a.Text)
			return a, f
		}
		s.cfg.Log("info", "the device refuses exec channels; going on in a shell")
		if _, f := s.openShell(); f != nil {
			return Answer{}, f
		}
		s.enter("command")
	}
	text, f := s.shell.run(c.Send, c.Answers, c.Timeout, true, c.Once)
	if f != nil {
		return Answer{}, f
	}
	s.heard(text)
	a := Answer{Text: text, Refused: s.shell.refused(text)}
	if a.Refused != "" {
		f = s.shell.clearLine()
	}
	return a, f
}

// RunInShell is Run in a shell, which is opened if commands travelled by exec channels so far, and used from
// then on. A device that gives no shell, or one whose prompt is not known, is asked once more in an
// exec channel.
func (s *Session) RunInShell(c Command) (Answer, *jobv1.Failure) {
	if s.shell == nil {
		if _, f := s.openShell(); f != nil {
			if f.GetClass() != jobv1.Failure_FORBIDDEN && f.GetClass() != jobv1.Failure_PROMPT {
				return Answer{}, s.finish(f)
			}
			s.cfg.Log("info", "the device gives no shell that can be used: "+f.GetHint())
			if s.shell != nil {
				s.shell.release()
				s.shell = nil
			}
		}
	}
	return s.Run(c)
}

// Confirm sends an empty line and reports whether the same prompt comes back, with nothing before it: a
// device that is in the middle of something says something else. Exec channels have no prompt: false.
func (s *Session) Confirm() (bool, *jobv1.Failure) {
	if s.shell == nil {
		return false, nil
	}
	before := bytes.Clone(s.shell.prompt.learned)
	out, f := s.shell.run("", nil, s.limits.Login, false, false)
	if f != nil {
		return false, s.finish(f)
	}
	return len(bytes.TrimSpace(out)) == 0 && bytes.Equal(before, s.shell.prompt.learned), nil
}

// Stage names what the session is about to do, for failures and progress.
func (s *Session) Stage(name string) { s.enter(name) }

// Fail completes a failure that the caller found, with stage, credential and the device's last words.
func (s *Session) Fail(class jobv1.Failure_Class, hint string, args ...any) *jobv1.Failure {
	for i, a := range args { // before they are quoted: a quote in a secret would hide it
		if text, ok := a.(string); ok {
			args[i] = strip(text, s.report.Grant)
		}
	}
	return s.finish(failure(class, hint, args...))
}
