package device

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/proto"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// terminal is what a pty request asks for.
type terminal struct {
	Term                         string
	Columns, Rows, Width, Height uint32
	Modes                        string
}

func TestTheTerminalHasTheSizeThatTheDeviceIsSetTo(t *testing.T) {
	p := newPeer(t)
	p.shell = router("", "r1#", simple)
	p.start()
	for name, c := range map[string]struct{ columns, rows, wantColumns, wantRows int32 }{
		"default": {0, 0, 511, 1000},
		"set":     {80, 24, 80, 24},
		"height":  {0, 50, 511, 50},
	} {
		cfg := p.attempt()
		cfg.Spec.TerminalColumns, cfg.Spec.TerminalRows = c.columns, c.rows
		s, _ := mustOpen(t, cfg)
		require.Equal(t, "hostname r1\nend\n", string(mustRun(t, s, "show run").Text), name)
		var got terminal
		require.NoError(t, ssh.Unmarshal(p.lastPty(), &got))
		require.EqualValues(t, c.wantColumns, got.Columns, name)
		require.EqualValues(t, c.wantRows, got.Rows, name)
	}
}

// What is typed, byte by byte, ends as the device is set to, whatever its platform says; answers to questions too.
func TestLinesEndAsTheDeviceIsSetTo(t *testing.T) {
	for _, end := range []string{"\r", "\n", "\r\n"} {
		p := newPeer(t)
		typed := make(chan string, 1)
		p.shell = func(c *console) {
			var all strings.Builder
			defer func() { typed <- all.String() }()
			c.say("Username: ")
			line := ""
			for {
				b, ok := c.key()
				if !ok {
					return
				}
				all.WriteByte(b)
				if line += string(b); !strings.HasSuffix(line, end) {
					continue
				}
				command := strings.TrimSuffix(line, end)
				line = ""
				if command == "exit" {
					return
				}
				c.say(command + "\r\n" + simple[command] + "r1#")
			}
		}
		p.start()
		cfg := p.attempt()
		cfg.Spec.Newline = end
		s, _ := mustOpen(t, cfg)
		require.Equal(t, "hostname r1\nend\n", string(mustRun(t, s, "show run").Text))
		s.Close()
		all := <-typed
		for _, line := range []string{userName, "terminal length 0", "show run", "exit"} {
			require.Contains(t, all, line+end, "%q", end)
		}
		require.Equal(t, strings.Count(all, end[len(end)-1:]), strings.Count(all, end), "%q holds another line end than %q", all, end)
	}
}

func TestKeepalivesComeAsOftenAsTheDeviceIsSetTo(t *testing.T) {
	p := newPeer(t)
	p.requests = make(chan string, 8)
	p.shell = func(c *console) {
		c.say("r1#")
		for {
			line, ok := c.line()
			if !ok {
				return
			}
			if line == "show run" { // an answer that comes only after two keepalives
				require.Equal(t, keepalive, <-p.requests)
				require.Equal(t, keepalive, <-p.requests)
			}
			c.say(line + "\r\n" + simple[line] + "r1#")
		}
	}
	p.start()
	cfg := p.attempt()
	cfg.Limits.Silence = 10 * time.Second
	cfg.Spec.KeepaliveSeconds = proto.Int32(1)
	s, _ := mustOpen(t, cfg)
	require.Equal(t, "hostname r1\nend\n", string(mustRun(t, s, "show run").Text))
}

// An exec channel that ends without a status has to be told from a cut connection. A device set to no keepalives is not asked with one.
func TestADeviceThatStandsNoKeepaliveIsSentNone(t *testing.T) {
	p := newPeer(t)
	p.requests = make(chan string, 8)
	p.exec = func(c *console, _ string) *int {
		c.say("hostname r1\nend\n")
		return nil
	}
	p.start()
	cfg := p.attempt()
	cfg.Page = pageOf(t, strings.Replace(routerPage, "label: Test", "label: Test\ntransport: exec", 1))
	cfg.Spec.KeepaliveSeconds = proto.Int32(0)
	s, _ := mustOpen(t, cfg)
	require.Equal(t, "hostname r1\nend\n", string(mustRun(t, s, "show").Text))
	require.Empty(t, p.requests)

	cfg.Spec.KeepaliveSeconds = nil
	s, _ = mustOpen(t, cfg)
	mustRun(t, s, "show")
	require.Equal(t, keepalive, <-p.requests, "by default it is the question")
	s.Close()

	p.exec = func(c *console, _ string) *int {
		c.say("hostname r1\n")
		_ = c.conn.Close()
		return nil
	}
	cfg.Spec.KeepaliveSeconds = proto.Int32(0)
	s, _ = mustOpen(t, cfg)
	_, f := s.Run(Command{Send: "show"})
	require.Equal(t, jobv1.Failure_INCOMPLETE, f.GetClass(), "a cut connection is found out all the same")
}
