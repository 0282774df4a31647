package jobkind

import (
	"context"
	"strings"
	"testing"
	"time"

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

// What ends a block may end the whole, too: the page asks for the prompt beside it, and what is new is read twice.
func TestARuleBesideThePromptReadsTwiceAtFirstContact(t *testing.T) {
	reads := 0
	d := &cli{prompt: "fw1# ", answer: func(line string) string {
		if line != "show" {
			return ""
		}
		if reads++; reads == 1 {
			return "config a\r\nend\r\n"
		}
		return "config a\r\nend\r\nconfig b\r\nend\r\n"
	}}
	env := d.attempt(t, plainBackup+"  - {artifact: running.cfg, send: show, complete: {last_line: '^end$', prompt_twice: true}}\n")
	require.Equal(t, jobv1.Failure_INCOMPLETE, Backup{}.Run(context.Background(), env).Failure.GetClass())
	require.Nil(t, Backup{}.Run(context.Background(), env).Failure)
}

// Blocks that are closed are whole blocks, not the whole of them: an exec channel that ends between two looks like one that has said all.
func TestClosedBlocksFromAnExecChannelAreReadAgain(t *testing.T) {
	d := &cli{prompt: "r1# ", answer: func(string) string { return "system { a; }\r\nsnmp { b; }\r\n" }, exec: func(string) string { return "system { a; }\n" }}
	env := d.attempt(t, execBackup+"  - {artifact: running.cfg, send: show conf, complete: {balanced: '{}'}}\n")
	require.Equal(t, jobv1.Failure_INCOMPLETE, Backup{}.Run(context.Background(), env).Failure.GetClass())
	d.exec = func(string) string { return "system { a; }\nsnmp { b; }\n" }
	require.Nil(t, Backup{}.Run(context.Background(), env).Failure)
}

func TestNothingIsNoConfiguration(t *testing.T) {
	for name, rule := range map[string]string{
		"a prompt that comes back": "complete: {prompt_twice: true}", "an end of our own": "complete: {last_line: '^# end$'}, drop: ['^# end$']",
	} {
		t.Run(name, func(t *testing.T) {
			d := &cli{prompt: "r1# ", answer: func(string) string { return "# end\r\n" }}
			if name == "a prompt that comes back" {
				d.answer = func(string) string { return "" }
			}
			env := d.attempt(t, plainBackup+"  - {artifact: running.cfg, send: show run, "+rule+"}\n")
			out := Backup{}.Run(context.Background(), env)
			require.Equal(t, jobv1.Failure_INCOMPLETE, out.Failure.GetClass(), "%v", out.Failure)
			require.Contains(t, out.Failure.GetHint(), "holds nothing")
			require.Empty(t, out.Artifacts)
		})
	}
}

// A context whose answer is cut is not the same as one that is not there.
func TestAHalfContextFailsTheDevice(t *testing.T) {
	d := &cli{prompt: "fw1# ", answer: func(line string) string {
		return map[string]string{"show run": "vlan 1\r\nend\r\n", "list": "* root\r\n", "show root": "edit root\r\n"}[line]
	}}
	env := d.attempt(t, plainBackup+`
  - {artifact: running.cfg, send: show run, complete: {last_line: '^end$'}}
  - {artifact: contexts.cfg, each: {send: list, match: '^\* (\w+)$'}, send: 'show {item}', complete: {last_line: '^end$'}, optional: true}
`)
	out := Backup{}.Run(context.Background(), env)
	require.Equal(t, jobv1.Failure_INCOMPLETE, out.Failure.GetClass())
	require.Empty(t, out.Artifacts)
}

func TestAnAttemptHoldsNoMoreThanItsBounds(t *testing.T) {
	large := strings.Repeat("interface with a long description of itself\r\n", (20<<20)/45) + "end\r\n"
	d := &cli{prompt: "fw1# ", answer: func(line string) string {
		if line == "list" {
			return "* a\r\n* b\r\n"
		}
		return large
	}}
	many := ""
	for _, name := range []string{"a", "b", "c", "d"} {
		many += "  - {artifact: " + name + ".cfg, send: show " + name + ", complete: {last_line: '^end$'}}\n"
	}
	for hint, backup := range map[string]string{
		"more than 32 MiB": "  - {artifact: all.cfg, each: {send: list, match: '^\\* (\\w+)$'}, send: 'show {item}', complete: {last_line: '^end$'}}\n", "more than 64 MiB": many,
	} {
		env := d.attempt(t, plainBackup+backup)
		env.Limits.Command = time.Minute
		out := Backup{}.Run(context.Background(), env)
		require.Equal(t, jobv1.Failure_OUTPUT_LIMIT, out.Failure.GetClass(), "%v", out.Failure)
		require.Contains(t, out.Failure.GetHint(), hint)
		require.Empty(t, out.Artifacts)
	}
}

// A failure shows what the device said, not only its prompt, and no secret of it: by the page's rules, in a shell and in an exec channel.
func TestFailuresShowTheDevicesLastWords(t *testing.T) {
	said := "hostname r1\r\nradius key sesame\r\nbanner of note\r\n"
	for name, transport := range map[string]string{"shell": "", "exec": "transport: exec\n"} {
		t.Run(name, func(t *testing.T) {
			d := &cli{prompt: "r1# ", answer: func(string) string { return said }, exec: func(string) string { return said }}
			env := d.attempt(t, plainBackup+"  - {artifact: running.cfg, send: show run, complete: {last_line: '^end$'}}\nsecrets: ['^radius key (\\S+)']\n"+transport)
			f := Backup{}.Run(context.Background(), env).Failure
			require.Equal(t, jobv1.Failure_INCOMPLETE, f.GetClass())
			require.Contains(t, f.GetDeviceSaid(), "hostname r1\nradius key <secret>\nbanner of note")
			require.Contains(t, f.GetHint(), `"banner of note"`)

			said = "hostname r1\r\nradius key sesame\r\n"
			f = Backup{}.Run(context.Background(), env).Failure
			require.Contains(t, f.GetHint(), `"radius key <secret>"`)
			said = "hostname r1\r\nradius key sesame\r\nbanner of note\r\n"
		})
	}
}

// A session that stalls within a secret shows nothing of the line, but a question that nobody answered.
func TestAStalledLineIsShownOnlyIfItIsAQuestion(t *testing.T) {
	for line, shown := range map[string]bool{
		`community "open ses`: false, ` set phrase sesame wor`: false, "Save before you go on? [y/n]: ": true, "-- press a key of yours --": true,
	} {
		t.Run(line, func(t *testing.T) {
			d := &cli{prompt: "r1# "}
			d.answer = func(l string) string {
				if l != "show run" {
					return ""
				}
				d.prompt = "" // it does not come back
				return "hostname r1\r\n" + line
			}
			env := d.attempt(t, plainBackup+"  - {artifact: running.cfg, send: show run, complete: {last_line: '^end$'}}\n")
			env.Limits.Silence = 300 * time.Millisecond
			f := Backup{}.Run(context.Background(), env).Failure
			require.Equal(t, jobv1.Failure_TIMEOUT, f.GetClass(), "%v", f)
			require.Contains(t, f.GetDeviceSaid(), "hostname r1")
			if shown {
				require.Contains(t, f.GetDeviceSaid(), strings.TrimSpace(line))
			} else {
				require.NotContains(t, f.GetDeviceSaid(), "ses")
				require.Contains(t, f.GetDeviceSaid(), "a line that did not end is left out")
			}
		})
	}
}

// What a device says anew at each read, a clock or a secret under a new salt, is no change; what else changes is one.
func TestFailure73VolatileLinesAreNoChange(t *testing.T) {
	reads, vlan := 0, "10"
	d := &cli{prompt: "sw1# "}
	d.answer = func(line string) string {
		if line != "show run" {
			return ""
		}
		reads++
		return "! time: " + strings.Repeat("x", reads) + "\r\nvlan " + vlan + "\r\nset password ENC " + strings.Repeat("S", 8+reads) + "=\r\nuptime is " + strings.Repeat("1", reads) + " days, port 7\r\nend\r\n"
	}
	env := d.attempt(t, plainBackup+`
  - artifact: running.cfg
    send: show run
    complete: {last_line: '^end$'}
    drop: ['^! time']
    blur: '^uptime is (\S+) days'
secrets:
  - {match: '^set password ENC (\S+)', salted: true}
`)
	first := Backup{resend: never}.Run(context.Background(), env)
	require.Nil(t, first.Failure, "%v", first.Failure)
	env.Known = []*gitstorev1.KnownDigest{{Artifact: "running.cfg", Label: first.Artifacts[0].Label, Digest: first.Artifacts[0].Digest}}
	second := Backup{resend: never}.Run(context.Background(), env)
	require.Equal(t, 2, reads)
	require.NotEqual(t, string(first.Artifacts[0].Original), string(second.Artifacts[0].Original))
	require.True(t, second.Artifacts[0].Unchanged)
	vlan = "11"
	require.False(t, Backup{resend: never}.Run(context.Background(), env).Artifacts[0].Unchanged)
}
