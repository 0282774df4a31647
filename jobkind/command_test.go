package jobkind

import (
	"context"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/structpb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/lab"
)

func object(t *testing.T, m map[string]any) *structpb.Struct {
	t.Helper()
	s, err := structpb.NewStruct(m)
	require.NoError(t, err)
	return s
}

// with gives an attempt parameters.
func with(t *testing.T, env Env, params map[string]any) Env {
	t.Helper()
	b, err := protojson.Marshal(object(t, params))
	require.NoError(t, err)
	env.Spec.Params = b
	return env
}

func commands(list ...string) map[string]any {
	out := make([]any, len(list))
	for i, c := range list {
		out[i] = c
	}
	return map[string]any{"commands": out}
}

func TestCommandParameters(t *testing.T) {
	refused := map[string]struct {
		params map[string]any
		reason string
		field  string
	}{
		"none":            {nil, "PARAMS_INVALID", "params.commands"},
		"no list":         {map[string]any{"commands": "show version"}, "PARAMS_INVALID", "params.commands"},
		"empty":           {commands(), "PARAMS_INVALID", "params.commands"},
		"too many":        {commands(strings.Split(strings.Repeat("show version,", maxCommands), ",")...), "PARAMS_INVALID", "params.commands"},
		"blank":           {commands("show version", " "), "PARAMS_INVALID", "params.commands[1]"},
		"number":          {map[string]any{"commands": []any{7.0}}, "PARAMS_INVALID", "params.commands[0]"},
		"two lines":       {commands("show version\nreload"), "PARAMS_INVALID", "params.commands[0]"},
		"escape":          {commands("show \x1b[A"), "PARAMS_INVALID", "params.commands[0]"},
		"long":            {commands("show " + strings.Repeat("x", maxCommandLine)), "PARAMS_INVALID", "params.commands[0]"},
		"unknown":         {map[string]any{"commands": []any{"show version"}, "note": "x"}, "PARAMS_INVALID", "params.note"},
		"stop is text":    {map[string]any{"commands": []any{"show version"}, "stop_on_error": "no"}, "PARAMS_INVALID", "params.stop_on_error"},
		"changing":        {commands("show version", "reload in 5"), "COMMAND_NOT_READ_ONLY", "params.commands[1]"},
		"two lines more":  {map[string]any{"commands": []any{"conf t\nend"}, "mutating": true}, "PARAMS_INVALID", "params.commands[0]"},
		"mutating is odd": {map[string]any{"commands": []any{"reload"}, "mutating": 1.0}, "PARAMS_INVALID", "params.mutating"},
	}
	for name, c := range refused {
		t.Run(name, func(t *testing.T) {
			err := Command{}.Validate(object(t, c.params))
			require.Equal(t, c.reason, errs.Reason(err))
			require.Equal(t, c.field, errs.From(err).Details()[0].Field)
		})
	}
	require.NoError(t, Command{}.Validate(object(t, map[string]any{"commands": []any{"reload"}, "mutating": true})))
	require.ErrorContains(t, Command{}.Validate(object(t, refused["changing"].params)), `"reload in 5"`, "the command is named")
	require.NoError(t, Command{}.Validate(object(t, map[string]any{"commands": []any{"show version", "show clock"}, "stop_on_error": false, "mutating": false})))
}

func TestCommandsOnALabDevice(t *testing.T) {
	d := serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "r1", Platform: "cisco_ios", UserMode: true, EnableSecret: "enable-secret"}}})[0]
	out := Command{}.Run(context.Background(), with(t, envOf(t, d), commands("show version", "show running-config")))
	require.Nil(t, out.Failure, "%v", out.Failure)
	require.Empty(t, out.Artifacts)
	got := out.Found.GetCommands()
	require.Len(t, got, 2)
	require.Equal(t, "show version", got[0].GetCommand())
	require.Contains(t, got[0].GetOutput(), "Cisco IOS")
	require.Positive(t, got[0].GetDurationMs())
	require.NotContains(t, got[0].GetOutput(), "show version", "no echo")
	config := got[1].GetOutput()
	require.Contains(t, config, "hostname r1")
	require.Contains(t, config, "<secret>", "masked by the page")
	require.NotContains(t, config, "--More--")
	require.NotContains(t, config, "r1#")
	require.NotContains(t, out.Found.String(), "enable-secret")
	require.Equal(t, jobv1.CredentialOutcome_WORKED, out.Credentials[0].GetResult())
}

func TestRefusedCommands(t *testing.T) {
	d := serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "r1", Platform: "cisco_ios"}}})[0]
	params := commands("show version", "show nonsense", "show clock")
	out := Command{}.Run(context.Background(), with(t, envOf(t, d), params))
	require.Equal(t, jobv1.Failure_REJECTED, out.Failure.GetClass())
	require.Equal(t, "command", out.Failure.GetStage())
	require.Contains(t, out.Failure.GetHint(), "show nonsense")
	got := out.Found.GetCommands()
	require.Len(t, got, 2, "what follows a refused command is not sent")
	require.Contains(t, got[0].GetOutput(), "Cisco IOS", "what was answered before stays")
	require.NotEmpty(t, got[1].GetRefused())

	params["stop_on_error"] = false
	out = Command{}.Run(context.Background(), with(t, envOf(t, d), params))
	require.Equal(t, jobv1.Failure_REJECTED, out.Failure.GetClass(), "not all was answered")
	require.Len(t, out.Found.GetCommands(), 3)
	require.Empty(t, out.Found.GetCommands()[2].GetRefused())
}

const commandPage = `
name: test
label: Test
login: {prompt: '^\w+# ?$', logout: exit}
reject: ['^% ']
backup: [{artifact: running.cfg, send: show run, complete: {last_line: '^end$'}}]
`

func TestOutputIsBoundedAndHoldsNoSecret(t *testing.T) {
	line := strings.Repeat("word ", 19) + "end\r\n"
	d := &cli{prompt: "r1# ", answer: func(l string) string {
		if l == "show secret" {
			return "the device repeats hidden-word\r\nsnmp-server community sesame ro\r\n"
		}
		return strings.Repeat(line, 4000)
	}}
	env := with(t, d.attempt(t, commandPage+"secrets: ['^snmp-server community (\\S+)']\n"), commands("show secret", "show 1", "show 2", "show 3", "show 4", "show 5"))
	out := Command{}.Run(context.Background(), env)
	require.Nil(t, out.Failure, "%v", out.Failure)
	got := out.Found.GetCommands()
	require.Len(t, got, 6)
	require.Equal(t, "the device repeats ***\nsnmp-server community <secret> ro\n", got[0].GetOutput())
	total := 0
	for i, c := range got {
		total += len(c.GetOutput())
		require.LessOrEqual(t, len(c.GetOutput()), maxOutput)
		require.Equal(t, i > 0, c.GetTruncated())
		require.True(t, c.GetOutput() == "" || strings.HasSuffix(c.GetOutput(), "end\n") || i == 0, "cut at the end of a line")
	}
	require.LessOrEqual(t, total, maxOutputs)
	require.Greater(t, total, maxOutputs-maxOutput)
	require.NotContains(t, out.Found.String(), "hidden-word")
}

func TestASessionThatBreaksKeepsWhatWasAnswered(t *testing.T) {
	d := serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "r1", Platform: "cisco_ios", Fault: lab.Fault{DropAfter: 4000}}}})[0]
	out := Command{}.Run(context.Background(), with(t, envOf(t, d), commands("show version", "show running-config")))
	require.Equal(t, jobv1.Failure_INCOMPLETE, out.Failure.GetClass())
	require.Len(t, out.Found.GetCommands(), 1, strconv.Quote(out.Found.String()))
}

// A server of another version may sign what this agent does not take.
func TestTheAgentChecksParametersAgain(t *testing.T) {
	for _, k := range []Kind{Command{}, Reachability{}} {
		env := with(t, Env{Spec: &jobv1.TaskSpec{Address: "127.0.0.1"}}, map[string]any{"surprise": true})
		require.Equal(t, jobv1.Failure_POLICY, k.Run(context.Background(), env).Failure.GetClass())
	}
}
