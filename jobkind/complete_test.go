package jobkind

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

const execBackup = `
name: test
label: Test
transport: exec
login: {prompt: '^\w+# ?$', logout: exit}
reject: ['^% ']
backup:
`

// A device that stops talking closes an exec channel like one that has said all: what is new is read again in a shell.
func TestFailure72AnExecChannelThatEndsEarly(t *testing.T) {
	d := &cli{prompt: "sw1# ", answer: func(string) string { return "vlan 1\r\nvlan 2\r\n" }, exec: func(string) string { return "vlan 1\n" }}
	env := d.attempt(t, execBackup+"  - {artifact: running.cfg, send: show conf, complete: {exit_status: 0}}\n")
	out := Backup{}.Run(context.Background(), env)
	require.Equal(t, jobv1.Failure_INCOMPLETE, out.Failure.GetClass())
	require.Empty(t, out.Artifacts)

	d.exec = func(string) string { return "vlan 1\nvlan 2\n" }
	out = Backup{resend: never}.Run(context.Background(), env)
	require.Nil(t, out.Failure, "%v", out.Failure)
	require.Contains(t, d.typed(), "show conf", "the shell was asked too")

	env.Known = []*gitstorev1.KnownDigest{{Artifact: "running.cfg", Label: out.Artifacts[0].Label, Digest: out.Artifacts[0].Digest}}
	out = Backup{resend: never}.Run(context.Background(), env)
	require.True(t, out.Artifacts[0].Unchanged)
	require.Equal(t, []string{"show conf", "show conf"}, without(d.typed(), "exit"), "what is known is read once")
}

// Without one of its contexts an artifact would look as if that had been deleted.
func TestAnArtifactOfManyPartsIsWholeOrNothing(t *testing.T) {
	d := &cli{prompt: "fw1# ", answer: func(line string) string {
		switch line {
		case "show run":
			return "vlan 1\r\nend\r\n"
		case "list":
			return "* root\r\n* dmz\r\n"
		case "show root":
			return "edit root\r\nend\r\n"
		}
		return "% Bad context\r\n"
	}}
	env := d.attempt(t, plainBackup+`
  - {artifact: running.cfg, send: show run, complete: {last_line: '^end$'}}
  - {artifact: contexts.cfg, each: {send: list, match: '^\* (\w+)$'}, send: 'show {item}', complete: {last_line: '^end$'}, optional: true}
`)
	out := Backup{}.Run(context.Background(), env)
	require.Nil(t, out.Failure, "%v", out.Failure)
	require.Len(t, out.Artifacts, 1, "half of the contexts is nothing")
}

// A context that the device does not let us into must not be given the answer of the place where we are.
func TestARefusedPlaceIsNotReadElsewhere(t *testing.T) {
	d := &cli{prompt: "fw1# ", answer: func(line string) string {
		switch line {
		case "show run":
			return "vlan 1\r\nend\r\n"
		case "list":
			return "* root\r\n* dmz\r\n"
		case "enter dmz":
			return "% not ready\r\n"
		}
		return ""
	}}
	env := d.attempt(t, plainBackup+`
  - {artifact: running.cfg, send: show run, complete: {last_line: '^end$'}}
  - {artifact: contexts.cfg, each: {send: list, match: '^\* (\w+)$'}, before: [enter all, 'enter {item}'], after: [leave item, leave all], send: show run, complete: {last_line: '^end$'}, optional: true}
`)
	out := Backup{}.Run(context.Background(), env)
	require.Nil(t, out.Failure, "%v", out.Failure)
	require.Len(t, out.Artifacts, 1)
	require.Equal(t, []string{"show run", "list", "enter all", "enter root", "show run", "leave item", "leave all", "enter all", "enter dmz", "leave all"}, without(d.typed(), "exit"))
}
