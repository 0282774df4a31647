package device

import (
	"strings"

	"golang.org/x/crypto/ssh"
)

// Traffic is a piece of what passes between a session and its device. Data is only valid during the call.
type Traffic struct {
	// Login says that it passed before there was a session: a banner, or a question whose answer is not shown. It is whole.
	Login bool
	// Exec is the command of the exec channel that the piece belongs to; empty: the shell.
	Exec string
	// Sent says that it went to the device; else it came from there.
	Sent bool
	// Secret says that what was sent is a password or an enable secret. Data holds the line end only.
	Secret bool
	Data   []byte
}

// traced is the channel, seen by Config.Traffic if there is one.
func (s *Session) traced(c ssh.Channel, exec string) ssh.Channel {
	if s.cfg.Traffic == nil {
		return c
	}
	return &tracedChannel{Channel: c, session: s, exec: exec}
}

type tracedChannel struct {
	ssh.Channel
	session *Session
	exec    string
}

// overheard notes what the device says while it authenticates.
func (s *Session) overheard(text string) {
	if text != "" && len(s.words) < maxErrors {
		s.words = append(append(s.words, text...), '\n')
	}
	if s.cfg.Traffic != nil && text != "" {
		s.cfg.Traffic(Traffic{Login: true, Data: []byte(text + "\n")})
	}
}

// Read notes what came.
func (c *tracedChannel) Read(b []byte) (int, error) {
	n, err := c.Channel.Read(b)
	if n > 0 {
		c.session.cfg.Traffic(Traffic{Exec: c.exec, Data: b[:n]})
	}
	return n, err
}

// Write notes what goes, secrets left out.
func (c *tracedChannel) Write(b []byte) (int, error) {
	line := strings.TrimRight(string(b), "\r\n")
	t := Traffic{Exec: c.exec, Sent: true, Data: b}
	if cred := c.session.credential(); line != "" && (line == cred.GetPassword() || line == cred.GetEnableSecret()) {
		t.Secret, t.Data = true, b[len(line):]
	}
	c.session.cfg.Traffic(t)
	return c.Channel.Write(b)
}
