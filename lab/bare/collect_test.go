package bare_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/netraven/netraven/lab"
	"github.com/netraven/netraven/lab/bare"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(tb testing.TB, c lab.Config) []bare.Target {
	tb.Helper()
	l, err := lab.New(c)
	require.NoError(tb, err)
	require.NoError(tb, l.Start(context.Background()))
	tb.Cleanup(func() { _ = l.Close() })
	var targets []bare.Target
	for _, d := range l.Devices() {
		i := d.Info()
		targets = append(targets, bare.Target{Addr: i.Addr(), User: i.Username, Password: i.Password})
	}
	return targets
}

func TestCollect(t *testing.T) {
	for _, defaults := range []bool{false, true} {
		target := serve(t, lab.Config{Count: 1, Platforms: []string{"cisco_ios"}})[0]
		n, err := bare.Collect(context.Background(), target.Addr, target.User, target.Password, bare.Options{Defaults: defaults})
		require.NoError(t, err)
		assert.InDelta(t, lab.DefaultConfigSize, n, 500)
	}
}

func TestCollectFails(t *testing.T) {
	target := serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "a", Platform: "cisco_ios", Fault: lab.Fault{Mute: true}}}})[0]
	_, err := bare.Collect(context.Background(), target.Addr, target.User, target.Password, bare.Options{Timeout: 10 * time.Millisecond})
	require.ErrorIs(t, err, context.DeadlineExceeded)
	target = serve(t, lab.Config{Devices: []lab.DeviceSpec{{Name: "a", Platform: "cisco_ios", Fault: lab.Fault{DropAfter: 3000}}}})[0]
	res := bare.Run(context.Background(), []bare.Target{target}, 5)
	require.Error(t, res.FirstErr)
	assert.Equal(t, 1, res.Failed)
}

// BenchmarkBareClient is the limit of the targets P1 and P4: 8 KB, no latency,
// 50 at once, the fleet in the same process.
func BenchmarkBareClient(b *testing.B) {
	targets := serve(b, lab.Config{Count: 200, Platforms: []string{"cisco_ios"}, Cheap: true})
	all := make([]bare.Target, 0, b.N)
	for i := range b.N {
		all = append(all, targets[i%len(targets)])
	}
	b.ResetTimer()
	res := bare.Run(context.Background(), all, 50)
	b.StopTimer()
	require.NoError(b, res.FirstErr)
	b.ReportMetric(res.PerSecond(), "devices/s")
	b.ReportMetric(float64(res.Bytes)/float64(b.N), "B/device")
}

// BenchmarkBareClientManySessions is the limit of the target P3: 2,000
// sessions at once, 200 ms before each answer.
func BenchmarkBareClientManySessions(b *testing.B) {
	const sessions = 2000
	targets := serve(b, lab.Config{Count: sessions, Platforms: []string{"cisco_ios"}, Cheap: true, Latency: 200 * time.Millisecond})
	var res bare.Result
	for b.Loop() {
		res = bare.Run(context.Background(), targets, sessions)
	}
	require.NoError(b, res.FirstErr)
	b.ReportMetric(res.PerSecond(), "devices/s")
}
