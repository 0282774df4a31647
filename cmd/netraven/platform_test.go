package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/lab"
	"github.com/netraven/netraven/recording"
)

const smallPage = `name: acme
label: Acme
login: {prompt: '^[\w.\-]+# ?$'}
backup:
  - artifact: running.cfg
    send: show run
    complete: {last_line: '^end$'}
secrets: ['^snmp community (\S+)']
`

func platform(args ...string) (string, error) {
	root := &cobra.Command{Use: "netraven", SilenceErrors: true, SilenceUsage: true}
	root.PersistentFlags().String("output", "table", "")
	root.AddCommand(platformTools()...)
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&bytes.Buffer{})
	root.SetArgs(args)
	err := root.Execute()
	return out.String(), err
}

func write(t *testing.T, name, text string) string {
	path := filepath.Join(t.TempDir(), name)
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestPlatformCheckNamesEveryProblem(t *testing.T) {
	out, err := platform("check", write(t, "good.yaml", smallPage))
	require.NoError(t, err)
	require.Contains(t, out, "platform acme is in order")

	bad := write(t, "bad.yaml", "name: Acme\nlabel: Acme\nlogin: {prompt: '(x'}\nbackup:\n  - {artifact: a, send: x, compete: {}}\n")
	out, err = platform("check", bad)
	require.ErrorContains(t, err, "1 of 1 pages cannot be used")
	for _, want := range []string{bad + ":1: name: ", bad + ":3: login.prompt: ", "compete", "complete: is missing"} {
		require.Contains(t, out, want)
	}
}

func TestPlatformTestSaysWhatWouldBeKept(t *testing.T) {
	s := &recording.Session{Schema: recording.Schema, Name: "a", Platform: "acme", Transport: "shell", Greeting: "sw1# ", Exchanges: []recording.Exchange{
		{Send: "show run\n", Receive: "show run\r\nhostname sw1\r\nsnmp community sesame\r\nend\r\nsw1# "},
	}}
	file := filepath.Join(t.TempDir(), "session.json")
	require.NoError(t, s.Save(file))
	require.Error(t, s.Save(file), "an existing file is left alone")
	page := write(t, "acme.yaml", smallPage)
	out, err := platform("test", page, file, "--show")
	require.NoError(t, err)
	require.Contains(t, out, "1 secrets masked")
	require.Contains(t, out, "snmp community <secret>")
	require.NotContains(t, out, "sesame")

	s.Exchanges[0].Receive = "show run\r\nhostname sw1\r\nsw1# "
	file = filepath.Join(t.TempDir(), "cut.json")
	require.NoError(t, s.Save(file))
	_, err = platform("test", page, file)
	require.ErrorContains(t, err, "INCOMPLETE at complete")
}

func TestPlatformRecordKeepsADialogThatTestReads(t *testing.T) {
	l, err := lab.New(lab.Config{Devices: []lab.DeviceSpec{{Name: "r1", Platform: "cisco_ios"}}})
	require.NoError(t, err)
	require.NoError(t, l.Start(t.Context()))
	defer func() { require.NoError(t, l.Close()) }()
	d := l.Devices()[0].Info()
	t.Setenv("NETRAVEN_DEVICE_PASSWORD", lab.DefaultPassword)
	file := filepath.Join(t.TempDir(), "session.json")
	_, err = platform("record", d.Address, "--port", strconv.Itoa(d.Port), "--platform", "ios", "--user", lab.DefaultUsername, "-f", file)
	require.NoError(t, err)
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(b), `snmp-server community \u003csecret\u003e`)
	out, err := platform("test", "cisco_ios", file)
	require.NoError(t, err)
	require.Contains(t, out, "running.cfg")

	_, err = platform("record", d.Address, "--port", strconv.Itoa(d.Port), "--platform", "ios", "--user", lab.DefaultUsername, "-f", file)
	require.ErrorContains(t, err, "exists")
}
