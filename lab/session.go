package lab

import (
	"time"

	"golang.org/x/crypto/ssh"
)

// session is one channel of one client: a shell, or one exec command.
type session struct {
	*wire
	// user is the account; login is all that the client gave as its name.
	user, login string
	// pty says that a terminal was asked for; rows and columns are its size.
	pty           bool
	rows, columns int

	in      []byte
	spare   []byte
	skipLF  bool
	paging  bool
	enabled bool
	// configuring says that lines change the configuration.
	configuring bool
	exec        bool
	over        bool
	// root and status are a linux shell's: su was had, and the last exit status.
	root   bool
	status uint32
	// filters are the pipes of the command that is being answered.
	filters []string
}

func newSession(d *Device, p *peer, user string, ch ssh.Channel) *session {
	_, account := d.choose(user)
	return &session{
		wire: &wire{ch: ch, peer: p, dev: d}, user: account, login: user, rows: 24, columns: 80,
		paging: true, enabled: !d.spec.UserMode,
	}
}

type ptyRequest struct {
	Term                         string
	Columns, Rows, Width, Height uint32
	Modes                        string
}

type execRequest struct{ Command string }

// requests answers the channel's requests. The first shell or exec starts the
// dialogue, which closes the channel when it ends.
func (s *session) requests(reqs <-chan *ssh.Request) {
	running := false
	for r := range reqs {
		ok, start := false, func() {}
		f := s.dev.Fault()
		switch r.Type {
		case "pty-req":
			ok = s.size(r.Payload)
		case "env":
			ok = true
		case "shell":
			ok, start = !running && !f.NoShell, s.shell
		case "exec":
			var e execRequest
			ok = ssh.Unmarshal(r.Payload, &e) == nil && !running && !f.NoExec
			start = func() { s.execute(e.Command) }
		}
		if r.WantReply {
			_ = r.Reply(ok, nil)
		}
		if ok && (r.Type == "shell" || r.Type == "exec") {
			running = true
			s.dev.lab.sessions.Go(start)
		}
	}
}

func (s *session) size(payload []byte) bool {
	var q ptyRequest
	if ssh.Unmarshal(payload, &q) != nil {
		return false
	}
	s.pty = true
	if q.Rows > 0 && q.Rows < 1000 {
		s.rows = int(q.Rows)
	}
	if q.Columns > 0 && q.Columns < 10000 {
		s.columns = int(q.Columns)
	}
	return true
}

func (s *session) shell() {
	k := s.dev.kind
	if s.dev.Fault().LookAlikes {
		s.write(lookAlikes)
	}
	s.write(k.greeting(s))
	for !s.over && s.err == nil {
		if !s.dev.Fault().NoPrompt {
			s.write(k.prompt(s))
		}
		line, ok := k.readLine(s)
		if !ok {
			break
		}
		if line == "" {
			continue
		}
		s.dev.tally.command(line)
		s.pause()
		k.run(s, line)
		s.logLine()
	}
	s.finish(0)
}

func (s *session) execute(command string) {
	s.exec, s.paging, s.lf = true, false, !s.pty && s.dev.kind.plainExec()
	s.dev.tally.command(command)
	s.pause()
	s.finish(s.dev.kind.run(s, command))
}

// finish flushes, tells the exit status and closes the channel. Errors mean
// that the client has gone, which is what finish is for.
func (s *session) finish(status uint32) {
	s.flush()
	if s.err == nil && !s.dev.Fault().NoPrompt {
		_, _ = s.ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{status}))
	}
	_ = s.ch.Close()
}

// pause waits for the device's latency, or until the client has gone.
func (s *session) pause() {
	d := s.dev.lab.cfg.Latency + time.Duration(s.dev.Fault().Latency)
	if d <= 0 {
		return
	}
	s.flush()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.peer.done:
	}
}

func (s *session) logLine() {
	if s.dev.Fault().LogLines && !s.over {
		s.write("*" + time.Now().UTC().Format("Jan _2 15:04:05.000") +
			": %LINEPROTO-5-UPDOWN: Line protocol on Interface uplink, changed state to up\r\n")
	}
}
