package jobkind

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/netraven/netraven/device"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/lab"
	"github.com/netraven/netraven/platforms"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var quick = device.Limits{
	Connect: 2 * time.Second, Login: 8 * time.Second, Silence: 1500 * time.Millisecond, Command: 20 * time.Second,
	Nudge: 150 * time.Millisecond,
}

// serve starts a lab for the length of the test.
func serve(t testing.TB, c lab.Config) []*lab.Device {
	t.Helper()
	l, err := lab.New(c)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	require.NoError(t, l.Start(ctx))
	t.Cleanup(func() {
		cancel()
		require.NoError(t, l.Close())
	})
	return l.Devices()
}

// envOf is an attempt at a lab device with one credential that fits.
func envOf(t testing.TB, d *lab.Device) Env {
	t.Helper()
	page, ok := platforms.Builtin().Lookup(d.Info().Platform)
	require.True(t, ok)
	return Env{
		Spec: &jobv1.TaskSpec{
			Kind: "backup", DeviceName: d.Info().Name, Address: d.Info().Address, Port: int32(d.Info().Port),
			TrustFirstKey: true, CredentialIds: []string{"c1"}, Deadline: timestamppb.New(time.Now().Add(time.Minute)),
		},
		Page: page,
		Credentials: func(context.Context) (*vaultv1.Grant, error) {
			return grant(&vaultv1.GrantedCredential{
				Id: "c1", Name: "lab", Username: lab.DefaultUsername, Password: lab.DefaultPassword,
				EnableSecret: "enable-secret", Enable: vaultv1.GrantedCredential_SECRET,
			}), nil
		},
		Limits: quick,
		Log:    func(level, message string) { t.Logf("%s: %s", level, message) },
	}
}

func grant(c ...*vaultv1.GrantedCredential) *vaultv1.Grant {
	return &vaultv1.Grant{Credentials: c, SealKey: make([]byte, 32), DigestKey: []byte("digest key of the device, 32 byt")}
}

func never() bool { return false }

// configText is what a main artifact must hold of the lab's configuration.
func requireConfig(t *testing.T, d *lab.Device, got Outcome) {
	t.Helper()
	require.Nil(t, got.Failure, "%v", got.Failure)
	require.NotEmpty(t, got.Artifacts)
	main := got.Artifacts[0]
	require.True(t, main.Main)
	page, _ := platforms.Builtin().Lookup(d.Info().Platform)
	if page.Name == "linux" { // the page reads the files that it knows, each below a heading; the last one of the lab's host is the largest
		_, hosts, _ := strings.Cut(d.Config(), "\n/etc/hosts\n")
		require.NotEmpty(t, hosts)
		require.Contains(t, string(main.Original), "### /etc/hosts\n"+strings.TrimSpace(hosts)+"\n", "the hosts file is whole")
		return
	}
	// The lab's Config leaves out the frame that a device puts around it.
	want := strings.TrimSpace(string(page.Main().Clean([]byte(d.Config()))))
	require.Contains(t, string(page.Main().Clean(main.Original)), want)
	require.NotContains(t, string(main.Original), "\r")
}

func TestBackupOfEveryLabPlatform(t *testing.T) {
	faults := map[string]lab.Fault{
		"healthy":        {},
		"look-alikes":    {LookAlikes: true},
		"line ends":      {LineEnds: true},
		"small packets":  {Chunk: 7},
		"log lines":      {LogLines: true},
		"slow":           {Latency: lab.Duration(50 * time.Millisecond)},
		"no exec":        {NoExec: true},
		"all of the odd": {LookAlikes: true, LineEnds: true, Chunk: 5, NoExec: true},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			var specs []lab.DeviceSpec
			for _, p := range lab.Platforms() {
				specs = append(specs, lab.DeviceSpec{Name: p, Platform: p, Fault: fault, UserMode: true, EnableSecret: "enable-secret"})
			}
			for _, d := range serve(t, lab.Config{Devices: specs}) {
				t.Run(d.Info().Platform, func(t *testing.T) {
					out := Backup{}.Run(context.Background(), envOf(t, d))
					requireConfig(t, d, out)
					require.NotEmpty(t, out.HostKey)
					require.False(t, out.HostKeyPinned)
					require.Equal(t, jobv1.CredentialOutcome_WORKED, out.Credentials[0].GetResult())
				})
			}
		})
	}
}

func TestAnUnchangedBackupNeedNotTravel(t *testing.T) {
	d := serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "r1", Platform: "cisco_ios"}}})[0]
	env := envOf(t, d)
	first := Backup{resend: never}.Run(context.Background(), env)
	requireConfig(t, d, first)
	require.NotEmpty(t, first.Facts["version"])
	for _, a := range first.Artifacts {
		require.False(t, a.Unchanged)
		env.Known = append(env.Known, &gitstorev1.KnownDigest{Artifact: a.Name, Label: a.Label, Digest: a.Digest})
	}
	second := Backup{resend: never}.Run(context.Background(), env)
	require.Nil(t, second.Failure)
	for _, a := range second.Artifacts {
		require.True(t, a.Unchanged, a.Name)
		require.NotEmpty(t, a.Original)
	}
	resent := Backup{resend: func() bool { return true }}.Run(context.Background(), env)
	require.False(t, resent.Artifacts[0].Unchanged)
	env.Known[0].Label = "another page"
	relabelled := Backup{resend: never}.Run(context.Background(), env)
	require.False(t, relabelled.Artifacts[0].Unchanged)
}

func TestBackupFailsAsTheLabDoes(t *testing.T) {
	cases := []struct {
		name  string
		fault lab.Fault
		class jobv1.Failure_Class
		stage string
	}{
		{"down", lab.Fault{Down: true}, jobv1.Failure_UNREACHABLE, "connect"},
		{"86 all lines busy", lab.Fault{Reset: true}, jobv1.Failure_BUSY, ""},
		{"refused", lab.Fault{RefuseLogin: true}, jobv1.Failure_AUTH, "login"},
		{"66 no prompt", lab.Fault{NoPrompt: true}, jobv1.Failure_PROMPT, "login"},
		{"65 endless pager", lab.Fault{EndlessPager: true}, jobv1.Failure_OUTPUT_LIMIT, "command"},
		{"64 flood", lab.Fault{Flood: 40 << 20}, jobv1.Failure_OUTPUT_LIMIT, "command"},
		{"72 truncated", lab.Fault{Truncate: 2000}, jobv1.Failure_INCOMPLETE, "complete"},
		{"71 dropped", lab.Fault{DropAfter: 3000}, jobv1.Failure_INCOMPLETE, "command"},
		{"silent", lab.Fault{SilenceAfter: 3000}, jobv1.Failure_TIMEOUT, "command"},
		{"legacy", lab.Fault{Legacy: true}, jobv1.Failure_ALGORITHM, "host_key"},
		{"no shell", lab.Fault{NoShell: true}, jobv1.Failure_FORBIDDEN, "login"},
	}
	var specs []lab.DeviceSpec
	for _, c := range cases {
		specs = append(specs, lab.DeviceSpec{Name: strings.ReplaceAll(c.name, " ", "-"), Platform: "cisco_ios", Fault: c.fault})
	}
	devices := serve(t, lab.Config{Devices: specs})
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var asked atomic.Int32
			env := envOf(t, devices[i])
			give := env.Credentials
			env.Credentials = func(ctx context.Context) (*vaultv1.Grant, error) { asked.Add(1); return give(ctx) }
			out := Backup{}.Run(context.Background(), env)
			require.NotNil(t, out.Failure)
			t.Logf("%v", out.Failure)
			require.Equal(t, c.class, out.Failure.GetClass(), "%v", out.Failure)
			if c.stage != "" { // a reset is seen by the connect or by the first read
				require.Equal(t, c.stage, out.Failure.GetStage())
			}
			require.NotEmpty(t, out.Failure.GetHint())
			require.Empty(t, out.Artifacts)
			require.LessOrEqual(t, asked.Load(), int32(1))
			require.NotContains(t, out.Failure.String(), lab.DefaultPassword+`"`)
		})
	}
}

func TestLegacyAlgorithmsAreAllowedPerDevice(t *testing.T) {
	d := serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "old", Platform: "cisco_ios", Fault: lab.Fault{Legacy: true}}}})[0]
	env := envOf(t, d)
	env.Spec.LegacyAlgorithms = true
	requireConfig(t, d, Backup{}.Run(context.Background(), env))
}
