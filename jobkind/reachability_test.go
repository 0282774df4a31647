package jobkind

import (
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/lab"
)

// says is a port where something is said and the line is then left open, or closed.
func says(t *testing.T, text string, hangUp bool) *jobv1.TaskSpec {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				_, _ = io.WriteString(conn, text)
				if !hangUp {
					_, _ = io.Copy(io.Discard, conn)
				}
			})
		}
	})
	t.Cleanup(func() { _ = ln.Close(); wg.Wait() })
	return &jobv1.TaskSpec{Address: "127.0.0.1", Port: int32(ln.Addr().(*net.TCPAddr).Port)}
}

func TestReachabilityNeedsNoLogin(t *testing.T) {
	d := serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "r1", Platform: "cisco_ios"}}})[0]
	env := envOf(t, d)
	env.Credentials = func(context.Context) (*vaultv1.Grant, error) { panic("nobody asks for credentials") }
	out := Reachability{}.Run(context.Background(), env)
	require.Nil(t, out.Failure, "%v", out.Failure)
	require.Positive(t, out.Found.GetReachability().GetTcpMs())
	require.Empty(t, out.Found.GetReachability().GetBanner())
	require.Nil(t, out.HostKey, "nothing is pinned")

	out = Reachability{}.Run(context.Background(), with(t, env, map[string]any{"ssh_banner": true}))
	require.Nil(t, out.Failure, "%v", out.Failure)
	require.Regexp(t, "^SSH-2.0-", out.Found.GetReachability().GetBanner())
	require.Zero(t, d.Counters().Logins)
}

func TestReachabilityFailsWithAClass(t *testing.T) {
	down := serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "r1", Platform: "cisco_ios", Fault: lab.Fault{Down: true}}}})[0]
	cases := map[string]struct {
		spec  *jobv1.TaskSpec
		class jobv1.Failure_Class
		found bool
		said  string
	}{
		"down":        {envOf(t, down).Spec, jobv1.Failure_UNREACHABLE, false, ""},
		"no name":     {&jobv1.TaskSpec{Address: "no.such.name.invalid", Port: 22}, jobv1.Failure_UNREACHABLE, false, ""},
		"hangs up":    {says(t, "", true), jobv1.Failure_BUSY, true, ""},
		"silent":      {says(t, "", false), jobv1.Failure_TIMEOUT, true, ""},
		"no ssh":      {says(t, "220 mail\x1b[2J ready\r\n", true), jobv1.Failure_UNREACHABLE, true, "220 mail"},
		"half a line": {says(t, "SSH-2.0-x", true), jobv1.Failure_UNREACHABLE, true, "SSH-2.0-x"},
		"endless":     {says(t, string(make([]byte, 4*8192)), false), jobv1.Failure_UNREACHABLE, true, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out := Reachability{}.Run(context.Background(), with(t, Env{Spec: c.spec, Limits: quick}, map[string]any{"ssh_banner": true}))
			require.Equal(t, c.class, out.Failure.GetClass(), "%v", out.Failure)
			require.NotEmpty(t, out.Failure.GetHint())
			require.Equal(t, c.found, out.Found.GetReachability().GetTcpMs() > 0, "an open connection is told of")
			require.Contains(t, out.Failure.GetDeviceSaid(), c.said)
			require.NotContains(t, out.Failure.GetDeviceSaid(), "\x1b")
		})
	}
	lines := says(t, "welcome\r\nSSH-1.99-old\r\n", false)
	out := Reachability{}.Run(context.Background(), with(t, Env{Spec: lines, Limits: quick}, map[string]any{"ssh_banner": true}))
	require.Equal(t, "SSH-1.99-old", out.Found.GetReachability().GetBanner())
	require.Error(t, Reachability{}.Validate(object(t, map[string]any{"ssh_banner": "yes"})))
}
