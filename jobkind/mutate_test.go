package jobkind

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/lab"
)

const location = "snmp-server location rack 7"

func changing(list ...string) map[string]any {
	params := commands(list...)
	params["mutating"] = true
	return params
}

// asked is an Env whose question for leave is answered so, and counted with what the device had been told by then.
func asked(t *testing.T, d *lab.Device, params map[string]any, answer error) (env Env, questions *[][]string) {
	t.Helper()
	env, questions = with(t, envOf(t, d), params), &[][]string{}
	env.Proceed = func(context.Context) error {
		*questions = append(*questions, d.Counters().LastCommands)
		return answer
	}
	return env, questions
}

func TestAMutatingRunAsksOnceBeforeItsFirstChange(t *testing.T) {
	d := serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "r1", Platform: "cisco_ios"}}})[0]
	env, questions := asked(t, d, changing("show clock", "configure terminal", location, "end", "show version"), nil)
	out := Command{}.Run(context.Background(), env)
	require.Nil(t, out.Failure, "%v", out.Failure)
	require.Len(t, out.Found.GetCommands(), 5)
	require.Contains(t, d.Config(), location)
	require.Len(t, *questions, 1)
	require.Contains(t, (*questions)[0], "show clock", "what reads needs no leave")
	require.NotContains(t, (*questions)[0], "configure terminal")
}

func TestWithoutLeaveNothingChanges(t *testing.T) {
	d := serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "r1", Platform: "cisco_ios"}}})[0]
	env, questions := asked(t, d, changing("show clock", "configure terminal", location), errors.New("not now"))
	out := Command{}.Run(context.Background(), env)
	require.Equal(t, jobv1.Failure_BUSY, out.Failure.GetClass())
	require.Equal(t, "proceed", out.Failure.GetStage())
	require.Contains(t, out.Failure.GetHint(), "not now")
	require.Len(t, out.Found.GetCommands(), 1, "what was read stays")
	require.Len(t, *questions, 1)
	require.NotContains(t, d.Counters().LastCommands, "configure terminal")

	env.Proceed = nil // a spec that is not signed as mutating
	require.Equal(t, jobv1.Failure_POLICY, Command{}.Run(context.Background(), env).Failure.GetClass())
	require.NotContains(t, d.Counters().LastCommands, "configure terminal")
}

func TestAMutatingRunThatOnlyReadsAsksNothing(t *testing.T) {
	d := serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "r1", Platform: "cisco_ios"}}})[0]
	env, questions := asked(t, d, changing("show clock"), errors.New("not now"))
	require.Nil(t, Command{}.Run(context.Background(), env).Failure)
	require.Empty(t, *questions)
}
