package recording

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"net"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
)

// Server serves one recorded session as an SSH device on loopback. Any user and any password are let in.
type Server struct {
	session *Session
	way     Way
	ln      net.Listener
	config  *ssh.ServerConfig
	running sync.WaitGroup
	mu      sync.Mutex
	conns   map[net.Conn]bool
}

// Serve begins to serve s in the given way. It does not block; Close ends it.
func Serve(s *Session, way Way) (*Server, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		return nil, err
	}
	config := &ssh.ServerConfig{
		PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil },
	}
	config.AddHostKey(signer)
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	v := &Server{session: s, way: way, ln: ln, config: config, conns: map[net.Conn]bool{}}
	v.running.Go(v.accept)
	return v, nil
}

// Port is where the server listens, on 127.0.0.1.
func (v *Server) Port() int { return v.ln.Addr().(*net.TCPAddr).Port }

// Close ends all connections and waits until nothing of the server runs.
func (v *Server) Close() error {
	err := v.ln.Close()
	v.mu.Lock()
	for c := range v.conns {
		_ = c.Close()
	}
	v.mu.Unlock()
	v.running.Wait()
	return err
}

func (v *Server) accept() {
	for {
		conn, err := v.ln.Accept()
		if err != nil {
			return
		}
		v.mu.Lock()
		v.conns[conn] = true
		v.mu.Unlock()
		v.running.Go(func() {
			v.connection(conn)
			_ = conn.Close()
			v.mu.Lock()
			delete(v.conns, conn)
			v.mu.Unlock()
		})
	}
}

func (v *Server) connection(conn net.Conn) {
	_, channels, requests, err := ssh.NewServerConn(conn, v.config)
	if err != nil {
		return
	}
	v.running.Go(func() { ssh.DiscardRequests(requests) })
	for c := range channels {
		if c.ChannelType() != "session" {
			_ = c.Reject(ssh.Prohibited, "sessions only")
			continue
		}
		ch, in, err := c.Accept()
		if err != nil {
			return
		}
		v.running.Go(func() { v.channel(conn, ch, in) })
	}
}

// channel serves what the first shell or exec request asks for.
func (v *Server) channel(conn net.Conn, ch ssh.Channel, in <-chan *ssh.Request) {
	out := &output{Channel: ch, conn: conn, way: v.way}
	for r := range in {
		var start func()
		ok := r.Type == "pty-req" || r.Type == "env" || r.Type == "window-change"
		var p struct{ Command string }
		switch {
		case r.Type == "shell" && v.session.Transport == "shell":
			start = func() { (&dialog{session: v.session, out: out}).run(ch) }
		case r.Type == "exec" && ssh.Unmarshal(r.Payload, &p) == nil && strings.HasPrefix(p.Command, "scp "):
			start = func() { v.copy(ch, p.Command) }
		case r.Type == "exec" && v.session.Transport == "exec":
			start = func() { v.exec(out, p.Command) }
		}
		if r.WantReply {
			_ = r.Reply(ok || start != nil, nil)
		}
		if start != nil {
			v.running.Go(func() { start(); _ = ch.Close() })
		}
	}
}

func (v *Server) exec(out *output, command string) {
	for _, e := range v.session.Exchanges {
		if e.command() != command {
			continue
		}
		if out.say(string(e.Receive)) {
			exit(out, e.Status)
		}
		return
	}
	_, _ = fmt.Fprintln(out.Stderr(), "not in the recording")
	exit(out, 127)
}

// copy is the source side of SCP for one file.
func (v *Server) copy(ch ssh.Channel, command string) {
	name := strings.TrimPrefix(strings.Trim(command[strings.LastIndexByte(command, ' ')+1:], "'"), "/")
	ack := make([]byte, 1)
	for _, f := range v.session.Files {
		if strings.TrimPrefix(f.Name, "/") != name {
			continue
		}
		_, _ = ch.Read(ack)
		_, _ = fmt.Fprintf(ch, "C0644 %d %s\n", len(f.Content), f.Name)
		_, _ = ch.Read(ack)
		_, _ = fmt.Fprintf(ch, "%s\x00", f.Content)
		_, _ = ch.Read(ack)
		exit(ch, 0)
		return
	}
	_, _ = ch.Write([]byte("\x01no such file\n"))
	exit(ch, 1)
}

func exit(ch ssh.Channel, status int) {
	_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
}
