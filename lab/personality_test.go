package lab_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	"github.com/netraven/netraven/lab"
)

func TestCiscoIOS(t *testing.T) {
	d := single(t, lab.DeviceSpec{Name: "sw1", Platform: "cisco_ios"})
	s := openShell(t, d)
	assert.True(t, strings.HasPrefix(s.until("sw1#"), "\r\n"))
	assert.Equal(t, "term len 0\r\nsw1#", s.ask("term len 0", "sw1#"))
	config := s.ask("show running-config", "\r\nsw1#")
	assert.Contains(t, config, "Building configuration...\r\n\r\nCurrent configuration : ")
	assert.Contains(t, config, "! Last configuration change at ")
	assert.Contains(t, config, "\r\nntp clock-period ")
	assert.Contains(t, config, "\r\nsnmp-server community ")
	assert.Contains(t, config, "\r\nhostname sw1\r\n")
	assert.True(t, strings.HasSuffix(config, "\r\nend\r\n\r\nsw1#"))
	assert.InDelta(t, lab.DefaultConfigSize, len(config), 500)

	assert.NotEqual(t, config, s.ask("show running-config", "\r\nsw1#"), "clock-period is volatile")
	version := s.ask("show version", "sw1#")
	assert.Regexp(t, `Version 15\.2\(7\)E10,`, version)
	assert.Regexp(t, `Processor board ID [A-Z]{3}\d{4}[A-Z0-9]{4}\r\n`, version)
	assert.Regexp(t, `(?m)^cisco WS-C2960X-48TS-L \(.*processor`, version)
	assert.Contains(t, s.ask("show vtp status", "sw1#"), "% Invalid input detected at '^' marker.\r\n")
	assert.Contains(t, s.ask("show", "sw1#"), "% Incomplete command.\r\n")
	assert.Equal(t, "show running-config | include ^hostname\r\nhostname sw1\r\nsw1#", s.ask("show running-config | include ^hostname", "\r\nsw1#"))
	s.send("exit\r\n")
	assert.Equal(t, "exit\r\n", s.rest())
}

func TestPagerOfCisco(t *testing.T) {
	d := single(t, lab.DeviceSpec{Platform: "cisco_ios"})
	s := openShell(t, d)
	s.until("dut#")
	s.send("show running-config\r\n")
	page := s.until(" --More-- ")
	assert.Equal(t, 24, strings.Count(page, "\r\n"), "the echo and 23 lines: CR LF is one key")
	s.send("\r")
	assert.Equal(t, 1, strings.Count(s.until(" --More-- "), "\r\n"))
	s.send("x ")
	assert.Equal(t, 23, strings.Count(s.until(" --More-- "), "\r\n"))
	s.send("q")
	assert.NotContains(t, s.until("dut#"), "\r\nend")
}

func TestEnable(t *testing.T) {
	for _, platform := range []string{"cisco_ios", "arista_eos"} {
		t.Run(platform, func(t *testing.T) {
			d := single(t, lab.DeviceSpec{Platform: platform, UserMode: true, EnableSecret: "opensesame"})
			s := openShell(t, d)
			s.until("dut>")
			assert.Contains(t, s.ask("show running-config", "dut>"), "% Invalid input")
			s.ask("enable", "Password: ")
			s.ask("wrong", "Password: ")
			s.ask("wrong", "Password: ")
			assert.Contains(t, s.ask("wrong", "dut>"), "% Bad secrets")
			s.ask("enable", "Password: ")
			assert.Equal(t, "\r\ndut#", s.ask("opensesame", "dut#"), "a secret is not echoed")
			assert.NotContains(t, d.Counters().LastCommands, "opensesame")
		})
	}
	t.Run("no secret", func(t *testing.T) {
		s := openShell(t, single(t, lab.DeviceSpec{Platform: "cisco_ios", UserMode: true}))
		s.until("dut>")
		s.ask("en", "dut#")
	})
}

func TestAristaEOS(t *testing.T) {
	s := openShell(t, single(t, lab.DeviceSpec{Platform: "arista_eos"}))
	s.until("dut#")
	config := s.ask("show running-config | no-more | exclude ! Time:", "\r\ndut#")
	assert.NotContains(t, config, "--More--")
	assert.NotContains(t, config, "\r\n! Time:")
	assert.True(t, strings.HasSuffix(config, "\r\nend\r\ndut#"))
	s.send("show running-config\n")
	s.until("\x1b[7m --More-- \x1b[27m\x1b[K")
	s.send("q")
	s.until("dut#")
	assert.Contains(t, s.ask("terminal length 0", "dut#"), "Pagination disabled.\r\n")
	assert.Contains(t, s.ask("show running-config", "\r\ndut#"), "\r\n! Time: ")
	assert.Contains(t, s.ask("show inventory | no-more", "dut#"), "DCS-7050SX3-48YC8")
	assert.Contains(t, s.ask("show nothing", "dut#"), "% Invalid input\r\n")
}

func TestJuniperJunos(t *testing.T) {
	d := single(t, lab.DeviceSpec{Platform: "juniper_junos"})
	out, err := runExec(t, d, "show configuration | display omit")
	require.NoError(t, err)
	assert.NotContains(t, out, "\r")
	assert.True(t, strings.HasPrefix(out, "## Last commit: "))
	assert.Contains(t, out, "## SECRET-DATA\n")
	assert.Equal(t, strings.Count(out, "{"), strings.Count(out, "}"))
	set, err := runExec(t, d, "show configuration | display set | no-more")
	require.NoError(t, err)
	assert.Contains(t, set, "set system host-name dut\n")

	_, err = runExec(t, d, "show nonsense")
	var exit *ssh.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 1, exit.ExitStatus())

	s := openShell(t, d)
	s.until("netraven@dut> ")
	assert.Equal(t, "set cli screen-length 0 \r\nScreen length set to 0\r\n\r\nnetraven@dut> ", s.ask("set cli screen-length 0", "dut> "))
	assert.Contains(t, s.ask("show configuration", "dut> "), "\r\n}\r\n\r\nnetraven@dut> ")
	assert.Contains(t, s.ask("show vor", "dut> "), "^\r\nsyntax error, expecting <command>.\r\n")
	assert.Contains(t, s.ask("foo", "dut> "), "^\r\nunknown command.\r\n")
}

func TestMikrotikRouterOS(t *testing.T) {
	d := single(t, lab.DeviceSpec{Platform: "mikrotik_routeros"})
	shown, err := runExec(t, d, "/export show-sensitive")
	require.NoError(t, err)
	assert.Regexp(t, `^# \d{4}-\d\d-\d\d \d\d:\d\d:\d\d by RouterOS 7\.16\r\n# software id = `, shown)
	assert.Contains(t, shown, " passphrase=")
	hidden, err := runExec(t, d, "/export")
	require.NoError(t, err)
	assert.NotContains(t, hidden, " passphrase=")
	assert.Contains(t, hidden, "authentication-types=wpa2-psk,wpa3-psk name=sec1")
	service, err := runExec(t, d, "/ip service export")
	require.NoError(t, err)
	assert.Contains(t, service, "/ip service\r\nset telnet disabled=yes\r\n")
	assert.NotContains(t, service, "/ip firewall")

	i := d.Info()
	i.Username += "+cet200w"
	c, err := dial(t, i, nil)
	require.NoError(t, err)
	s := shellOn(t, c)
	s.until("\r[netraven@dut] > ")
	s.send("/exportx\r\n")
	got := s.until("bad command name exportx (line 1 column 1)\r\n")
	assert.Contains(t, got, "\x1b[K\r[netraven@dut] > /exp", "each letter draws the line again")
	assert.Contains(t, got, strings.Repeat(" ", 150), "padded to the width of the terminal")
	s.send("/quit\r\n")
	s.rest()
}

func TestLinux(t *testing.T) {
	d := single(t, lab.DeviceSpec{Platform: "linux"})
	out, err := runExec(t, d, "cat /etc/hostname; cat /etc/hosts")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(out, "dut\n127.0.0.1 localhost\n"), out[:40])
	_, err = runExec(t, d, "cat /etc/nothing")
	require.Error(t, err)
	for _, file := range []string{"resolv.conf", "passwd", "group", "nsswitch.conf", "motd", "issue"} {
		out, err := runExec(t, d, "cat /etc/"+file)
		require.NoError(t, err, file)
		assert.NotEmpty(t, out, file)
		assert.NotContains(t, out, "/etc/", file)
	}
	for _, command := range []string{"ip link", "ip route", "ip -6 route", "hostname"} {
		_, err := runExec(t, d, command)
		require.NoError(t, err, command)
	}
	s := openShell(t, d)
	s.until("netraven@dut:~$ ")
	assert.Contains(t, s.ask("nonsense", "dut:~$ "), "-bash: nonsense: command not found\r\n")
	assert.Contains(t, s.ask("echo $?", "dut:~$ "), "\r127\r\n")
	s.ask("sudo su -", "Password: ")
	s.ask("netraven", "root@dut:~# ")
}

func TestConfigurationFollowsFromSeedAndName(t *testing.T) {
	for _, platform := range lab.Platforms() {
		t.Run(platform, func(t *testing.T) {
			spec := lab.DeviceSpec{Name: "a", Platform: platform, ConfigSize: 64 << 10}
			first, again := single(t, spec), single(t, spec)
			assert.Equal(t, first.Config(), again.Config())
			assert.InDelta(t, 64<<10, len(first.Config()), 1200)
			spec.Name = "b"
			assert.NotEqual(t, first.Config(), single(t, spec).Config())
			k1, err := first.HostKey()
			require.NoError(t, err)
			k2, err := again.HostKey()
			require.NoError(t, err)
			assert.Equal(t, ssh.FingerprintSHA256(k1), ssh.FingerprintSHA256(k2))
		})
	}
}
