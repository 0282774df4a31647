package device

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/platforms"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// peer is an SSH server on a real socket that behaves as a test says.
type peer struct {
	t      testing.TB
	config *ssh.ServerConfig
	listen net.Listener
	key    ssh.PublicKey

	shell func(c *console)                  // nil: refused
	exec  func(c *console, cmd string) *int // nil: refused; a nil status sends none
	// forward decides on a connection to the address: a reason to refuse it, or 0. Nil: all are prohibited.
	forward func(address string) ssh.RejectionReason

	hangUp   bool                   // with the last forwarded connection
	requests chan string            // takes the names of global requests, if it is there
	pty      atomic.Pointer[[]byte] // the last pty request

	connections, logins, refusals atomic.Int32
	wg                            sync.WaitGroup
	mu                            sync.Mutex
	open                          []net.Conn
	forwards                      int // of open ones
}

const (
	userName = "netraven"
	passWord = "correct-horse"
)

// newPeer returns a server that takes one password and shows an ed25519 key, not yet listening.
func newPeer(t testing.TB) *peer {
	p := &peer{t: t}
	p.config = &ssh.ServerConfig{PasswordCallback: p.password}
	p.addKey(newKey(t))
	return p
}

func newKey(t testing.TB) ssh.Signer {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	s, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	return s
}

func newECDSAKey(t testing.TB) ssh.Signer {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	s, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	return s
}

func (p *peer) addKey(s ssh.Signer) {
	p.config.AddHostKey(s)
	if p.key == nil {
		p.key = s.PublicKey()
	}
}

func (p *peer) password(c ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
	if c.User() == userName && string(given) == passWord {
		return nil, nil
	}
	p.refusals.Add(1)
	return nil, io.ErrUnexpectedEOF
}

// start listens and serves until the test ends.
func (p *peer) start() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(p.t, err)
	p.listen = ln
	p.wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			p.connections.Add(1)
			p.mu.Lock()
			p.open = append(p.open, conn)
			p.mu.Unlock()
			p.wg.Go(func() { p.serve(conn) })
		}
	})
	p.t.Cleanup(func() {
		_ = ln.Close()
		p.mu.Lock()
		for _, c := range p.open {
			_ = c.Close()
		}
		p.mu.Unlock()
		p.wg.Wait()
	})
}

func (p *peer) serve(conn net.Conn) {
	defer conn.Close()
	sc, channels, requests, err := ssh.NewServerConn(conn, p.config)
	if err != nil {
		return
	}
	p.logins.Add(1)
	p.wg.Go(func() {
		for r := range requests {
			if p.requests != nil {
				p.requests <- r.Type
			}
			_ = r.Reply(false, nil)
		}
	})
	for c := range channels {
		if c.ChannelType() == "direct-tcpip" {
			p.wg.Go(func() {
				if p.begin(conn) {
					p.forwardTo(c)
					p.end()
				}
			})
			continue
		}
		ch, in, err := c.Accept()
		if err != nil {
			continue
		}
		p.wg.Go(func() { p.session(sc, ch, in) })
	}
}

func (p *peer) session(conn ssh.Conn, ch ssh.Channel, in <-chan *ssh.Request) {
	for r := range in {
		switch r.Type {
		case "pty-req":
			p.pty.Store(&r.Payload)
			_ = r.Reply(true, nil)
		case "shell":
			_ = r.Reply(p.shell != nil, nil)
			if p.shell != nil {
				p.wg.Go(func() { ssh.DiscardRequests(in) })
				p.shell(&console{Channel: ch, conn: conn, in: bufio.NewReader(ch)})
				_ = ch.Close()
				return
			}
		case "exec":
			_ = r.Reply(p.exec != nil, nil)
			if p.exec != nil {
				p.wg.Go(func() { ssh.DiscardRequests(in) })
				var m struct{ Command string }
				_ = ssh.Unmarshal(r.Payload, &m)
				if s := p.exec(&console{Channel: ch, conn: conn}, m.Command); s != nil {
					_, _ = ch.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(*s)}))
				}
				_ = ch.Close()
				return
			}
		default:
			_ = r.Reply(false, nil)
		}
	}
}

// console is a device's side of a terminal.
type console struct {
	ssh.Channel
	conn ssh.Conn
	in   *bufio.Reader
}

func (c *console) say(text string) { _, _ = io.WriteString(c.Channel, text) }

// lastPty is the payload of the last pty request.
func (p *peer) lastPty() []byte { return *p.pty.Load() }

// line reads what was typed, up to the enter key; ok is false when the client has gone.
func (c *console) line() (text string, ok bool) {
	s, err := c.in.ReadString('\n')
	return strings.TrimRight(s, "\r\n"), err == nil
}

// key reads one key.
func (c *console) key() (byte, bool) {
	b, err := c.in.ReadByte()
	return b, err == nil
}

// router answers commands from a map, with echo, after a greeting; unknown ones are refused.
func router(greeting, prompt string, answers map[string]string) func(*console) {
	return func(c *console) {
		c.say(greeting + prompt)
		for {
			line, ok := c.line()
			if !ok || line == "exit" {
				return
			}
			c.say(line + "\r\n")
			text, known := answers[line]
			switch {
			case known:
				c.say(text)
			case line != "":
				c.say("% Invalid input detected at '^' marker.\r\n\r\n")
			}
			c.say(prompt)
		}
	}
}

const routerPage = `
name: test_router
label: Test
login:
  prompt: '^[\w.\-@/:()]{1,63}[>#] ?$'
  username: '^Username: ?$'
  password: '^Password: ?$'
  failed: ['^% Login invalid']
  enable: {when: '> ?$', send: enable, expect: '(?i)password: ?$', failed: ['^% Access denied']}
  setup: [terminal length 0]
  answers: [{expect: 'Press any key$', send: "x"}]
  logout: exit
pager: [{expect: ' ?--More-- ?$', send: ' '}]
reject: ['^% (?:Invalid|Ambiguous|Incomplete)']
backup:
  - {artifact: running.cfg, send: show run, complete: {last_line: '^end$'}}
secrets:
  - '^snmp-server community (\S+)'
`

func pageOf(t testing.TB, text string) *platforms.Page {
	page, problems := platforms.Parse("test.yaml", []byte(text))
	require.Empty(t, problems)
	return page
}

var hasty = Limits{Connect: 2 * time.Second, Login: 5 * time.Second, Silence: 600 * time.Millisecond, Command: 10 * time.Second, Nudge: 60 * time.Millisecond}

// config is an attempt at the peer with the credentials given, or the one that fits.
func (p *peer) attempt(creds ...*vaultv1.GrantedCredential) Config {
	if len(creds) == 0 {
		creds = []*vaultv1.GrantedCredential{good()}
	}
	addr := p.listen.Addr().(*net.TCPAddr)
	return Config{
		Spec: &jobv1.TaskSpec{
			Address: addr.IP.String(), Port: int32(addr.Port), TrustFirstKey: true, CredentialIds: []string{creds[0].GetId()},
			Deadline: timestamppb.New(time.Now().Add(30 * time.Second)),
		},
		Page: pageOf(p.t, routerPage),
		Credentials: func(context.Context) (*vaultv1.Grant, error) {
			return &vaultv1.Grant{Credentials: creds}, nil
		},
		Limits: hasty,
	}
}

func good() *vaultv1.GrantedCredential {
	return &vaultv1.GrantedCredential{Id: "good", Name: "good one", Username: userName, Password: passWord}
}

func bad() *vaultv1.GrantedCredential {
	return &vaultv1.GrantedCredential{Id: "bad", Name: "bad one", Username: userName, Password: "wrong-password"}
}

// mustOpen opens a session that is closed at the test's end.
func mustOpen(t testing.TB, cfg Config) (*Session, *Report) {
	t.Helper()
	s, report, f := Open(context.Background(), cfg)
	require.Nil(t, f, "%v", f)
	t.Cleanup(s.Close)
	return s, report
}

// mustFail opens a session that must not come about.
func mustFail(t testing.TB, cfg Config, class jobv1.Failure_Class) (*jobv1.Failure, *Report) {
	t.Helper()
	s, report, f := Open(context.Background(), cfg)
	if s != nil {
		s.Close()
	}
	require.NotNil(t, f)
	require.Equal(t, class, f.GetClass(), "%v", f)
	require.NotEmpty(t, f.GetHint())
	require.NotContains(t, f.String(), passWord)
	require.NotContains(t, f.String(), "wrong-password")
	return f, report
}

func mustRun(t testing.TB, s *Session, send string) Answer {
	t.Helper()
	a, f := s.Run(Command{Send: send})
	require.Nil(t, f, "%v", f)
	return a
}

func refuseDial(context.Context, string, string) (net.Conn, error) {
	return nil, &PolicyError{Rule: "10.0.0.0/8 only"}
}

// inTurn dials one peer after the other, whatever the address.
func inTurn(peers ...*peer) func(context.Context, string, string) (net.Conn, error) {
	next := 0
	return func(ctx context.Context, network, _ string) (net.Conn, error) {
		p := peers[next%len(peers)]
		next++
		return (&net.Dialer{}).DialContext(ctx, network, p.listen.Addr().String())
	}
}
