package jobkind

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/lab"
	"github.com/netraven/netraven/platforms"
)

// secretsOf are the values that the device's page masks in its configuration, and what we log in with.
func secretsOf(d *lab.Device) []string {
	page, _ := platforms.Builtin().Lookup(d.Info().Platform)
	secrets := []string{lab.DefaultPassword, "enable-secret"}
	page.Mask([]byte(d.Config()), func(secret []byte) string {
		for _, line := range strings.Split(string(secret), "\n") {
			if len(line) >= 6 && line != "netraven" {
				secrets = append(secrets, line)
			}
		}
		return ""
	})
	return secrets
}

func requireTranscript(t *testing.T, d *lab.Device, out Outcome, parts ...string) {
	t.Helper()
	text := out.Transcript.GetText()
	for _, part := range parts {
		require.Contains(t, text, part)
	}
	for _, s := range secretsOf(d) {
		require.NotContains(t, text, s)
	}
	require.LessOrEqual(t, len(text), 256<<10)
}

// Every kind that logs in keeps one if it is asked to, on every platform, and nothing secret is in it.
func TestATranscriptOfEveryLabPlatform(t *testing.T) {
	for _, d := range serve(t, lab.Config{Count: len(lab.Platforms()), Platforms: lab.Platforms(), Seed: 11}) {
		t.Run(d.Info().Platform, func(t *testing.T) {
			t.Parallel()
			require.Greater(t, len(secretsOf(d)), 3, "the lab plants some")
			out := Run(context.Background(), Backup{}, with(t, envOf(t, d), map[string]any{"transcript": true}))
			require.Nil(t, out.Failure, "%v", out.Failure)
			requireTranscript(t, d, out, "-- connect\n-- host_key\n-- login\n", "-- command\n", ">> ")
			if d.Info().Platform == "cisco_ios" {
				requireTranscript(t, d, out, ">> show running-config view full\n", "<secret>", "\nend\n")
			}
			out = Run(context.Background(), Backup{}, envOf(t, d))
			require.Nil(t, out.Transcript, "nobody asked")
		})
	}
}

func TestAFailedAttemptHasATranscript(t *testing.T) {
	asked := map[string]any{"transcript": true}
	d := serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "r1", Platform: "cisco_ios"}}})[0]
	for _, c := range []struct {
		fault lab.Fault
		class jobv1.Failure_Class
		part  string
	}{
		{lab.Fault{Down: true}, jobv1.Failure_UNREACHABLE, "-- connect\n"},
		{lab.Fault{RefuseLogin: true}, jobv1.Failure_AUTH, "-- login\n"},
		{lab.Fault{NoPrompt: true}, jobv1.Failure_PROMPT, "-- login\n"},
		{lab.Fault{Truncate: 2000}, jobv1.Failure_INCOMPLETE, ">> show running-config view full\n"},
		{lab.Fault{DropAfter: 4000}, jobv1.Failure_INCOMPLETE, ">> show running-config view full\n"},
		{lab.Fault{DropAfter: 4011, Chunk: 7}, jobv1.Failure_INCOMPLETE, ">> show running-config view full\n"},
	} {
		require.NoError(t, d.SetFault(c.fault))
		out := Run(context.Background(), Backup{}, with(t, envOf(t, d), asked))
		require.Equal(t, c.class, out.Failure.GetClass(), "%v", out.Failure)
		requireTranscript(t, d, out, c.part)
	}
	require.NoError(t, d.SetFault(lab.Fault{}))
	requireTranscript(t, d, Run(context.Background(), Login{}, with(t, envOf(t, d), asked)), "-- login\n")
	params := commands("show version", "show nothing")
	params["transcript"] = true
	requireTranscript(t, d, Run(context.Background(), Command{}, with(t, envOf(t, d), params)), ">> show version\n", ">> show nothing\n", "% Invalid input")
}

func TestTranscriptIsAParameterOfKindsThatLogIn(t *testing.T) {
	for _, k := range Catalog() {
		given := map[string]any{"transcript": "yes"}
		if k.Describe().GetName() == "command" {
			given["commands"] = []any{"show version"}
		}
		require.Error(t, k.Validate(object(t, given)), "no boolean")
		given["transcript"] = true
		err := k.Validate(object(t, given))
		require.Equal(t, k.Describe().GetLogsIn(), err == nil, "%s: %v", k.Describe().GetName(), err)
	}
}
