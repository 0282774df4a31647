package lab_test

import (
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"github.com/netraven/netraven/lab"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds every wait of these tests; none depends on how long one takes.
const patience = 30 * time.Second

func start(t *testing.T, c lab.Config) *lab.Lab {
	t.Helper()
	l, err := lab.New(c)
	require.NoError(t, err)
	require.NoError(t, l.Start(context.Background()))
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return l
}

func single(t *testing.T, s lab.DeviceSpec) *lab.Device {
	t.Helper()
	if s.Name == "" {
		s.Name = "dut"
	}
	return start(t, lab.Config{Devices: []lab.DeviceSpec{s}}).Devices()[0]
}

// dial logs in with x/crypto alone; change adapts the client.
func dial(t *testing.T, i lab.Info, change func(*ssh.ClientConfig)) (*ssh.Client, error) {
	t.Helper()
	cfg := &ssh.ClientConfig{
		User: i.Username, Auth: []ssh.AuthMethod{ssh.Password(i.Password)},
		HostKeyCallback: ssh.InsecureIgnoreHostKey(), Timeout: patience,
	}
	if change != nil {
		change(cfg)
	}
	c, err := ssh.Dial("tcp", i.Addr(), cfg)
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

func mustDial(t *testing.T, d *lab.Device) *ssh.Client {
	t.Helper()
	c, err := dial(t, d.Info(), nil)
	require.NoError(t, err)
	return c
}

func runExec(t *testing.T, d *lab.Device, command string) (string, error) {
	t.Helper()
	s, err := mustDial(t, d).NewSession()
	require.NoError(t, err)
	out, err := s.Output(command)
	return string(out), err
}

// shell is a terminal session; read waits for a text.
type shell struct {
	t    *testing.T
	in   io.Writer
	more chan string
	buf  string
}

func openShell(t *testing.T, d *lab.Device) *shell {
	t.Helper()
	return shellOn(t, mustDial(t, d))
}

func shellOn(t *testing.T, c *ssh.Client) *shell {
	t.Helper()
	s, err := c.NewSession()
	require.NoError(t, err)
	require.NoError(t, s.RequestPty("vt100", 24, 120, nil))
	in, err := s.StdinPipe()
	require.NoError(t, err)
	out, err := s.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.Shell())
	sh := &shell{t: t, in: in, more: make(chan string, 4096)}
	go func() {
		defer close(sh.more)
		b := make([]byte, 32<<10)
		for {
			n, err := out.Read(b)
			if n > 0 {
				sh.more <- string(b[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	return sh
}

func (s *shell) send(text string) {
	s.t.Helper()
	_, err := io.WriteString(s.in, text)
	require.NoError(s.t, err)
}

// until reads to the end of text and returns all that came up to there.
func (s *shell) until(text string) string {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		if i := strings.Index(s.buf, text); i >= 0 {
			out := s.buf[:i+len(text)]
			s.buf = s.buf[i+len(text):]
			return out
		}
		select {
		case chunk, ok := <-s.more:
			if !ok {
				require.Failf(s.t, "the session ended", "waiting for %q, had %q", text, s.buf)
			}
			s.buf += chunk
		case <-deadline:
			require.Failf(s.t, "nothing more came", "waiting for %q, had %q", text, s.buf)
		}
	}
}

// rest reads until the device ends the session.
func (s *shell) rest() string {
	s.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case chunk, ok := <-s.more:
			if !ok {
				return s.buf
			}
			s.buf += chunk
		case <-deadline:
			require.Fail(s.t, "the session did not end")
		}
	}
}

func (s *shell) ask(line, prompt string) string {
	s.t.Helper()
	s.send(line + "\n")
	return s.until(prompt)
}

func tcp(t *testing.T, d *lab.Device) (net.Conn, error) {
	t.Helper()
	c, err := net.DialTimeout("tcp", d.Info().Addr(), patience)
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
		require.NoError(t, c.SetDeadline(time.Now().Add(patience)))
	}
	return c, err
}
