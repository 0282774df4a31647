package device

import (
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

// serveShell starts a peer that logs in like any router and then does on "show run" what the test says.
func serveShell(t *testing.T, show func(c *console)) *peer {
	t.Helper()
	p := newPeer(t)
	p.shell = func(c *console) {
		c.say("r1#")
		for {
			line, ok := c.line()
			if !ok {
				return
			}
			c.say(line + "\r\n")
			if line == "show run" {
				show(c)
			}
			c.say("r1#")
		}
	}
	p.start()
	return p
}

// fails runs "show run" and requires that it fails so.
func fails(t *testing.T, cfg Config, class jobv1.Failure_Class) *jobv1.Failure {
	t.Helper()
	s, _ := mustOpen(t, cfg)
	a, f := s.Run(Command{Send: "show run"})
	require.NotNil(t, f, "%q", a.Text)
	require.Equal(t, class, f.GetClass(), "%v", f)
	require.Equal(t, "command", f.GetStage())
	require.Equal(t, "good one", f.GetCredential())
	return f
}

func TestFailure64ADeviceThatSendsForever(t *testing.T) {
	p := serveShell(t, func(c *console) {
		line := strings.Repeat("interface Ethernet1/1 description flood ", 1000) + "\r\n"
		for {
			if _, err := io.WriteString(c, line); err != nil {
				return
			}
		}
	})
	cfg := p.attempt()
	cfg.Limits.Bytes = 4 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f := fails(t, cfg, jobv1.Failure_OUTPUT_LIMIT)
	runtime.ReadMemStats(&after)
	require.Contains(t, f.GetHint(), "4 MiB")
	require.Less(t, len(f.GetDeviceSaid()), 1000)
	require.Less(t, int64(after.HeapAlloc)-int64(before.HeapAlloc), int64(64<<20))
}

func TestFailure64CursorSequencesDoNotMultiplyOutput(t *testing.T) {
	p := serveShell(t, func(c *console) {
		for {
			if _, err := io.WriteString(c, strings.Repeat("\x1b[500Cx\r\n", 1000)); err != nil {
				return
			}
		}
	})
	cfg := p.attempt()
	cfg.Limits.Bytes = 4 << 20
	fails(t, cfg, jobv1.Failure_OUTPUT_LIMIT)
}

func TestFailure65AnInfinitePager(t *testing.T) {
	for name, page := range map[string]string{"empty pages": "--More-- ", "full pages": "interface x\r\n--More-- "} {
		t.Run(name, func(t *testing.T) {
			p := serveShell(t, func(c *console) {
				for {
					c.say(page)
					if _, ok := c.key(); !ok {
						return
					}
					c.say("\r         \r")
				}
			})
			cfg := p.attempt()
			cfg.Limits.Pages = 300
			fails(t, cfg, jobv1.Failure_OUTPUT_LIMIT)
		})
	}
}

func TestFailure66ADeviceThatNeverShowsAPrompt(t *testing.T) {
	p := newPeer(t)
	p.shell = func(c *console) {
		c.say("Welcome to a device of another kind\r\nchoose [1-9]: ")
		_, _ = io.Copy(io.Discard, c)
	}
	p.start()
	f, _ := mustFail(t, p.attempt(), jobv1.Failure_PROMPT)
	require.Contains(t, f.GetDeviceSaid(), "choose [1-9]:")
	require.Contains(t, f.GetHint(), "test_router")

	p = serveShell(t, func(c *console) { _, _ = io.Copy(io.Discard, c) })
	fails(t, p.attempt(), jobv1.Failure_TIMEOUT)
}

func TestFailure67HostileBytes(t *testing.T) {
	const config = "hostname r1\nbanner motd ^\nr1#\nr1>\n # \n^\ninterface x\n description \xff\xfe\nend\n"
	var sent []string
	var mu sync.Mutex
	p := serveShell(t, func(c *console) {
		// The learned prompt itself stands at the end of a packet, in the middle of the configuration.
		for _, part := range []string{"hostname r1\r\nbanner motd ^\r\n", "r1", "#", "\r\nr1>", "\r\n # ", "\r\n^\r\ninter\x00face x\x07\r\n",
			"\x1b[31m description \xff\xfe\x1b[0m\r\n", "garbage\r       \rend\r\n"} {
			mu.Lock()
			sent = append(sent, part)
			mu.Unlock()
			c.say(part)
		}
	})
	for range 20 {
		s, _ := mustOpen(t, p.attempt())
		a := mustRun(t, s, "show run")
		// A device that prints exactly its own prompt can end an answer early: what follows must then not
		// leak into the next one, and the page's completeness rule catches the rest.
		if strings.HasSuffix(string(a.Text), "end\n") {
			require.Equal(t, config, string(a.Text))
		} else {
			require.True(t, strings.HasPrefix(config, string(a.Text)), "%q", a.Text)
		}
	}
	require.NotEmpty(t, sent)
}

func TestFailure67LookAlikesOfOtherHostsDoNotEndAnAnswer(t *testing.T) {
	const config = "hostname r1\ncore-sw#\nrouter>\n#\nend\n"
	p := serveShell(t, func(c *console) {
		for _, part := range []string{"hostname r1\r\n", "core-sw#", "\r\nrouter>", "\r\n#", "\r\nend\r\n"} {
			c.say(part)
			pause(20 * time.Millisecond) // so that each arrives alone
		}
	})
	s, _ := mustOpen(t, p.attempt())
	require.Equal(t, config, string(mustRun(t, s, "show run").Text))
	require.Equal(t, config, string(mustRun(t, s, "show run").Text))
}

// pause is a device thinking; no test waits for anything by it.
func pause(d time.Duration) { <-time.After(d) }

func TestFailure68PayloadsStayText(t *testing.T) {
	const config = "hostname ../../etc/passwd\n<script>alert(1)</script>\n=cmd|' /C calc'!A0\nend\n"
	p := serveShell(t, func(c *console) { c.say(strings.ReplaceAll(config, "\n", "\r\n")) })
	s, _ := mustOpen(t, p.attempt())
	require.Equal(t, config, string(mustRun(t, s, "show run").Text))
}

func TestFailure69AChangedHostKey(t *testing.T) {
	p := newPeer(t)
	p.shell = router("", "r1#", simple)
	p.start()
	var asked atomic.Int32
	cfg := p.attempt()
	give := cfg.Credentials
	cfg.Credentials = func(ctx context.Context) (*vaultv1.Grant, error) { asked.Add(1); return give(ctx) }

	cfg.Spec.HostKeys = [][]byte{newKey(t).PublicKey().Marshal()}
	f, report := mustFail(t, cfg, jobv1.Failure_HOST_KEY)
	require.Equal(t, "host_key", f.GetStage())
	require.Contains(t, f.GetHint(), ssh.FingerprintSHA256(p.key))
	require.Equal(t, p.key.Marshal(), report.HostKey)
	require.False(t, report.HostKeyPinned)

	cfg.Spec.HostKeys, cfg.Spec.TrustFirstKey = nil, false
	mustFail(t, cfg, jobv1.Failure_HOST_KEY)
	require.Zero(t, asked.Load(), "no credential was asked for")
	require.Zero(t, p.logins.Load()+p.refusals.Load())

	cfg.Spec.HostKeys = [][]byte{newKey(t).PublicKey().Marshal(), p.key.Marshal()}
	_, report = mustOpen(t, cfg)
	require.True(t, report.HostKeyPinned)

	cfg.Spec.HostKeys, cfg.Spec.InsecureHostKey = [][]byte{newKey(t).PublicKey().Marshal()}, true
	_, report = mustOpen(t, cfg)
	require.False(t, report.HostKeyPinned)
}

func TestFailure70AKeyOfAnotherTypeIsNotEvenAskedFor(t *testing.T) {
	real := newECDSAKey(t)
	between := newPeer(t) // shows an ed25519 key, which would be preferred
	between.start()
	cfg := between.attempt()
	cfg.Spec.HostKeys = [][]byte{real.PublicKey().Marshal()}
	f, report := mustFail(t, cfg, jobv1.Failure_HOST_KEY)
	require.Empty(t, report.HostKey)
	require.Contains(t, f.GetHint(), "ssh-ed25519")
	require.Zero(t, between.logins.Load()+between.refusals.Load())

	both := newPeer(t)
	both.addKey(real)
	both.shell = router("", "r1#", simple)
	both.start()
	cfg = both.attempt()
	cfg.Spec.HostKeys = [][]byte{real.PublicKey().Marshal()}
	_, report = mustOpen(t, cfg)
	require.True(t, report.HostKeyPinned)
}

func TestFailure71TheConnectionBreaksInTheMiddle(t *testing.T) {
	p := serveShell(t, func(c *console) {
		c.say("hostname r1\r\ninterface x\r\n")
		_ = c.conn.Close()
	})
	f := fails(t, p.attempt(), jobv1.Failure_INCOMPLETE)
	require.Contains(t, f.GetDeviceSaid(), "interface x")

	exec := newPeer(t)
	exec.exec = func(c *console, _ string) *int {
		c.say("hostname r1\r\ninterface x\r\n")
		_ = c.conn.Close()
		return nil
	}
	exec.start()
	cfg := exec.attempt()
	cfg.Page = pageOf(t, strings.Replace(routerPage, "label: Test", "label: Test\ntransport: exec", 1))
	s, _ := mustOpen(t, cfg)
	_, f = s.Run(Command{Send: "show run"})
	require.Equal(t, jobv1.Failure_INCOMPLETE, f.GetClass())
}

func TestFailure86AllLinesBusy(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	p := newPeer(t)
	p.listen = ln
	mustFail(t, p.attempt(), jobv1.Failure_BUSY)
}

func TestADeviceThatIsSilentFromTheStart(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	p := newPeer(t)
	p.listen = ln
	cfg := p.attempt()
	cfg.Limits.Login = 300 * time.Millisecond
	f, _ := mustFail(t, cfg, jobv1.Failure_TIMEOUT)
	require.Equal(t, "host_key", f.GetStage())
}

func TestWhatIsNoSSHAtAll(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer ln.Close()
	go func() {
		conn, err := ln.Accept()
		if err == nil {
			_, _ = io.WriteString(conn, strings.Repeat("HTTP/1.1 400 Bad Request\r\n", 100))
			_, _ = io.Copy(io.Discard, conn)
			_ = conn.Close()
		}
	}()
	p := newPeer(t)
	p.listen = ln
	cfg := p.attempt()
	cfg.Limits.Login = 300 * time.Millisecond
	mustFail(t, cfg, jobv1.Failure_UNREACHABLE)
}

func TestCancelClosesTheSocketAtOnce(t *testing.T) {
	begun := make(chan struct{})
	gone := make(chan struct{})
	p := serveShell(t, func(c *console) {
		close(begun)
		_, _ = io.Copy(io.Discard, c)
		close(gone)
	})
	cfg := p.attempt()
	cfg.Limits.Silence = time.Minute
	ctx, cancel := context.WithCancel(context.Background())
	s, _, f := Open(ctx, cfg)
	require.Nil(t, f)
	defer s.Close()
	go func() { <-begun; cancel() }()
	_, f = s.Run(Command{Send: "show run"})
	require.Equal(t, jobv1.Failure_CANCELLED, f.GetClass())
	<-gone
}

func TestTheDeadlineOfTheSpecEndsTheSession(t *testing.T) {
	p := serveShell(t, func(c *console) {
		for i := 0; ; i++ {
			if _, err := fmt.Fprintf(c, "line %d\r\n", i); err != nil {
				return
			}
			pause(time.Millisecond)
		}
	})
	cfg := p.attempt()
	cfg.Now = func() time.Time { return cfg.Spec.GetDeadline().AsTime().Add(-500 * time.Millisecond) }
	fails(t, cfg, jobv1.Failure_TIMEOUT)
}

func TestDeviceSaidIsMasked(t *testing.T) {
	p := serveShell(t, func(c *console) {
		c.say("snmp-server community s3cr3t-community ro\r\nmotd is " + passWord + "\r\n")
		_ = c.conn.Close()
	})
	f := fails(t, p.attempt(), jobv1.Failure_INCOMPLETE)
	require.Contains(t, f.GetDeviceSaid(), "snmp-server community <secret>")
	require.Contains(t, f.GetDeviceSaid(), "motd is ***")
	require.NotContains(t, f.String(), "s3cr3t-community")
	require.NotContains(t, f.String(), passWord)
}
