package lab_test

import (
	"io"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/netraven/netraven/lab"
)

func faulty(t *testing.T, f lab.Fault) *lab.Device {
	t.Helper()
	return single(t, lab.DeviceSpec{Platform: "cisco_ios", Fault: f})
}

func ready(t *testing.T, d *lab.Device) *shell {
	t.Helper()
	s := openShell(t, d)
	s.until("dut#")
	s.ask("terminal length 0", "dut#")
	return s
}

func TestFaultRefuseLogin(t *testing.T) {
	d := faulty(t, lab.Fault{RefuseLogin: true})
	_, err := dial(t, d.Info(), nil)
	require.ErrorContains(t, err, "unable to authenticate")
	assert.Equal(t, map[string]int{"netraven": 1}, d.Counters().RefusedLogins)
	_, err = dial(t, d.Info(), func(c *ssh.ClientConfig) {
		c.Auth = []ssh.AuthMethod{ssh.KeyboardInteractive(func(_, _ string, q []string, _ []bool) ([]string, error) {
			return make([]string, len(q)), nil
		})}
	})
	require.Error(t, err)
	assert.Equal(t, 2, d.Counters().RefusedLogins["netraven"], "keyboard-interactive counts too")
	require.NoError(t, d.SetFault(lab.Fault{}))
	mustDial(t, d)
	d.SetPassword("new")
	mustDial(t, d)
}

func TestLockAfterCountsOverAllDevices(t *testing.T) {
	l := start(t, lab.Config{Count: 3, Platforms: []string{"linux"}, LockAfter: 2})
	for _, d := range l.Devices()[:2] {
		i := d.Info()
		i.Password = "wrong"
		_, err := dial(t, i, nil)
		require.Error(t, err)
	}
	_, err := dial(t, l.Devices()[2].Info(), nil)
	require.Error(t, err, "the account is locked by now")
	assert.Equal(t, 3, l.RefusedLogins()["netraven"])
}

func TestFaultDown(t *testing.T) {
	d := faulty(t, lab.Fault{})
	port := d.Info().Port
	require.NoError(t, d.SetFault(lab.Fault{Down: true}))
	_, err := tcp(t, d)
	require.ErrorIs(t, err, syscall.ECONNREFUSED, "%v", err)
	require.NoError(t, d.SetFault(lab.Fault{}))
	assert.Equal(t, port, d.Info().Port)
	mustDial(t, d)
}

func TestFaultReset(t *testing.T) {
	d := faulty(t, lab.Fault{Reset: true})
	_, err := dial(t, d.Info(), nil)
	require.Error(t, err)
	assert.Zero(t, d.Counters().Logins)
}

func TestFaultMaxSessions(t *testing.T) {
	d := faulty(t, lab.Fault{MaxSessions: 1})
	c := mustDial(t, d)
	_, err := dial(t, d.Info(), nil)
	require.Error(t, err)
	require.NoError(t, c.Close())
	require.Eventually(t, func() bool { return d.Counters().Sessions == 0 }, patience, time.Millisecond)
	mustDial(t, d)
	assert.Equal(t, 1, d.Counters().MaxSessions)
}

func TestFaultMute(t *testing.T) {
	c, err := tcp(t, faulty(t, lab.Fault{Mute: true}))
	require.NoError(t, err)
	require.NoError(t, c.SetReadDeadline(time.Now().Add(50*time.Millisecond)))
	n, err := c.Read(make([]byte, 1))
	assert.Zero(t, n)
	assert.ErrorContains(t, err, "timeout")
}

func TestFaultSilenceAfter(t *testing.T) {
	d := faulty(t, lab.Fault{SilenceAfter: 3000})
	s := ready(t, d)
	s.send("show running-config\n")
	s.until("hostname dut\r\n")
	require.Eventually(t, func() bool { return d.Counters().BytesSent == 3000 }, patience, time.Millisecond)
	s.send("show clock\n")
	assert.Equal(t, int64(3000), d.Counters().BytesSent)
}

func TestFaultDropAfter(t *testing.T) {
	d := faulty(t, lab.Fault{DropAfter: 3000})
	s := ready(t, d)
	s.send("show running-config\n")
	assert.NotContains(t, s.rest(), "\r\nend\r\n")
	require.Eventually(t, func() bool { return d.Counters().Sessions == 0 }, patience, time.Millisecond)
}

func TestFaultTruncate(t *testing.T) {
	config := ready(t, faulty(t, lab.Fault{Truncate: 2000})).ask("show running-config", "dut#")
	assert.Less(t, len(config), 2100)
	assert.NotContains(t, config, "\r\nend\r\n")
	assert.True(t, strings.HasSuffix(config, "\r\ndut#"), "whole lines and the prompt")
}

func TestFaultShrink(t *testing.T) {
	config := ready(t, faulty(t, lab.Fault{Shrink: 1000})).ask("show running-config", "dut#")
	assert.Less(t, len(config), 1100)
	assert.True(t, strings.HasSuffix(config, "\r\nend\r\ndut#"), "it ends like the whole")
}

func TestFaultNoPrompt(t *testing.T) {
	d := faulty(t, lab.Fault{NoPrompt: true})
	s := openShell(t, d)
	s.send("show clock\n")
	got := s.until(" UTC ")
	assert.NotContains(t, got, "dut#")
}

func TestFaultEndlessPager(t *testing.T) {
	s := ready(t, faulty(t, lab.Fault{EndlessPager: true}))
	s.send("show running-config\n")
	for range 100 {
		s.until(" --More-- ")
		s.send(" ")
	}
}

func TestFaultFlood(t *testing.T) {
	const size = 20 << 20
	d := faulty(t, lab.Fault{Flood: size})
	ses, err := mustDial(t, d).NewSession()
	require.NoError(t, err)
	out, err := ses.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, ses.Start("show running-config"))
	n, err := io.Copy(io.Discard, out)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, n, int64(size))
}

func TestFaultLatency(t *testing.T) {
	s := openShell(t, faulty(t, lab.Fault{Latency: lab.Duration(time.Millisecond)}))
	s.until("dut#")
	s.ask("show clock", "dut#")
}

func TestLatencyEndsWithTheClient(t *testing.T) {
	d := faulty(t, lab.Fault{Latency: lab.Duration(time.Hour)})
	c := mustDial(t, d)
	s := shellOn(t, c)
	s.until("dut#")
	s.send("show clock\n")
	s.until("show clock\r\n")
	require.NoError(t, c.Close())
	require.Eventually(t, func() bool { return d.Counters().Sessions == 0 }, patience, time.Millisecond)
}

func TestFaultLegacy(t *testing.T) {
	d := faulty(t, lab.Fault{Legacy: true})
	_, err := dial(t, d.Info(), nil)
	require.ErrorContains(t, err, "no common algorithm")
	_, err = dial(t, d.Info(), func(c *ssh.ClientConfig) {
		c.KeyExchanges = []string{ssh.InsecureKeyExchangeDH14SHA1}
		c.Ciphers = []string{ssh.InsecureCipherAES128CBC}
		c.MACs = []string{ssh.HMACSHA1}
		c.HostKeyAlgorithms = []string{ssh.KeyAlgoRSA}
	})
	require.NoError(t, err)
}

func TestFaultNoExecNoShell(t *testing.T) {
	_, err := runExec(t, faulty(t, lab.Fault{NoExec: true}), "show clock")
	require.Error(t, err)
	s, err := mustDial(t, faulty(t, lab.Fault{NoShell: true})).NewSession()
	require.NoError(t, err)
	require.Error(t, s.Shell())
}

func TestFaultLookAlikes(t *testing.T) {
	d := faulty(t, lab.Fault{LookAlikes: true})
	banner := ""
	c, err := dial(t, d.Info(), func(c *ssh.ClientConfig) {
		c.BannerCallback = func(m string) error { banner = m; return nil }
	})
	require.NoError(t, err)
	assert.Contains(t, banner, "\r\nrouter>\r\n")
	assert.Contains(t, shellOn(t, c).until("dut#"), "core-sw1#")
}

func TestFaultLineEnds(t *testing.T) {
	config := ready(t, faulty(t, lab.Fault{LineEnds: true})).ask("show running-config", "dut#")
	for _, end := range []string{"\r\r\n", "\n\r", "\r\n"} {
		assert.Contains(t, config, end)
	}
}

func TestFaultChunkAndLogLines(t *testing.T) {
	d := faulty(t, lab.Fault{Chunk: 7, LogLines: true})
	s := ready(t, d)
	assert.Contains(t, s.ask("show running-config", "\r\nend\r\n"), "hostname dut")
	assert.Contains(t, s.until("dut#"), "%LINEPROTO-5-UPDOWN")
}

func TestHostKeyRotates(t *testing.T) {
	d := faulty(t, lab.Fault{})
	seen := func() (fp string) {
		_, err := dial(t, d.Info(), func(c *ssh.ClientConfig) {
			c.HostKeyCallback = func(_ string, _ netAddr, k ssh.PublicKey) error { fp = ssh.FingerprintSHA256(k); return nil }
		})
		require.NoError(t, err)
		return fp
	}
	old := seen()
	assert.Equal(t, old, seen())
	d.RotateHostKey()
	assert.NotEqual(t, old, seen())
}
