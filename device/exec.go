package device

import (
	"bytes"
	"cmp"
	"errors"
	"io"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

const (
	// statusWait is how long an exit status may come after the end of the output.
	statusWait = 2 * time.Second
	// maxErrors bounds what is read of a command's error output.
	maxErrors = 4 << 10
)

// exec runs a command in an exec channel of its own. refused says that the device has no such channels.
func (s *Session) exec(c Command) (a Answer, refused bool, f *jobv1.Failure) {
	s.link.watch.begin(c.Timeout, s.limits.Silence)
	channel, requests, err := s.link.client.OpenChannel("session", nil)
	if err != nil {
		if _, ok := errors.AsType[*ssh.OpenChannelError](err); ok {
			return a, true, nil
		}
		return a, false, s.channelRefused(err)
	}
	defer channel.Close()
	ok, err := channel.SendRequest("exec", true, ssh.Marshal(struct{ Command string }{c.Send}))
	if err != nil || !ok {
		s.link.served.Go(func() { ssh.DiscardRequests(requests) })
		if r := s.link.watch.reason(); r != open {
			return a, false, s.cutOff(r)
		}
		return a, true, nil
	}
	text, f := s.readExec(s.traced(channel, c.Send))
	if f != nil {
		s.link.served.Go(func() { ssh.DiscardRequests(requests) })
		return a, false, f
	}
	if a.Exit = s.link.exitStatus(requests); a.Exit == nil && !s.alive() {
		// The end of a connection ends its channels in the same way as the end of a command does.
		if r := s.link.watch.reason(); r != open {
			return a, false, s.cutOff(r)
		}
		return a, false, failure(jobv1.Failure_INCOMPLETE, "The device closed the connection without saying that its answer had ended.")
	}
	a.Text = text
	if a.Refused = refusal(s.cfg.Page, text); a.Refused == "" && len(bytes.TrimSpace(text)) == 0 {
		words := make([]byte, maxErrors)
		n, _ := io.ReadFull(channel.Stderr(), words)
		a.Refused = refusal(s.cfg.Page, words[:n])
		if a.Refused == "" && a.Exit != nil && *a.Exit != 0 { // no answer and an error, in whatever words
			first, _, _ := bytes.Cut(bytes.TrimSpace(words[:n]), []byte("\n"))
			a.Refused = cmp.Or(plainWords(string(first[:min(len(first), 120)])), "exit status "+strconv.Itoa(*a.Exit))
		}
	}
	return a, false, nil
}

// readExec reads an exec channel to its end, through a screen like everything else: some devices send
// terminal bytes here too.
func (s *Session) readExec(channel ssh.Channel) ([]byte, *jobv1.Failure) {
	buf := largeBuffers.Get().(*[]byte)
	defer largeBuffers.Put(buf)
	var out screen
	raw := 0
	for {
		if f := s.grow(len(out.text)); f != nil {
			return nil, f
		}
		out.most = s.most()
		n, err := channel.Read(*buf)
		if n > 0 {
			s.link.watch.touch()
			out.write((*buf)[:n])
			raw += n
		}
		switch {
		case raw > s.limits.Bytes || len(out.text) > s.limits.Bytes+maxPrompt:
			s.heard(out.text[:out.bol])
			return nil, failure(jobv1.Failure_OUTPUT_LIMIT, "The device sent more than %d MiB in answer to one command.", s.limits.Bytes>>20)
		case err == nil:
			continue
		case s.link.watch.reason() != open:
			s.heard(out.text[:out.bol])
			return nil, s.cutOff(s.link.watch.reason())
		}
		return out.text[:out.bol+len(out.line())], nil
	}
}

// exitStatus waits for the channel's end and returns the status it came with. A device may keep the
// channel open; then there is none.
func (l *link) exitStatus(requests <-chan *ssh.Request) *int {
	var status *int
	late := time.NewTimer(statusWait)
	defer late.Stop()
	for {
		select {
		case <-late.C:
			l.served.Go(func() { ssh.DiscardRequests(requests) })
			return status
		case r, ok := <-requests:
			if !ok {
				return status
			}
			if r.Type == "exit-status" {
				var m struct{ Status uint32 }
				if ssh.Unmarshal(r.Payload, &m) == nil {
					n := int(m.Status)
					status = &n
				}
			}
			if r.WantReply {
				_ = r.Reply(false, nil)
			}
		}
	}
}
