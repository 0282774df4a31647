package jobkind

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/netraven/netraven/device"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/lab"
	"github.com/netraven/netraven/lab/bare"
	"github.com/netraven/netraven/platforms"
)

// plainPage asks for what the bare client asks for, and no more, so that the two do the same work.
const plainPage = `
name: bench_ios
label: Bench
login:
  prompt: '^[\w.\-@/:()]{1,63}[>#] ?$'
  setup: [terminal length 0]
  logout: exit
pager: [{expect: ' --More-- ', send: ' '}]
reject: ['^% (Invalid|Ambiguous|Incomplete)']
backup:
  - artifact: running.cfg
    send: show running-config
    complete: {last_line: '^end$'}
    drop: ['^Building configuration', '^Current configuration :', '^! Last configuration change', '^! NVRAM config last updated', '^ntp clock-period ']
secrets:
  - {match: '^(snmp-server community) (\S+)', keep: 1, mask: 2}
  - {match: '^(enable secret \d) (\S+)', keep: 1, mask: 2}
`

// BenchmarkEngineAgainstLimit backs up devices with the engine and with the bare client in turn, 50 at
// once, and reports devices per second of both and their ratio (targets P1 and P2).
func BenchmarkEngineAgainstLimit(b *testing.B) {
	for _, size := range []int{8 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dKB", size>>10), func(b *testing.B) { against(b, size, 0, 50, max(100, 800*8<<10/size)) })
	}
}

// BenchmarkManySessionsAgainstLimit does the same with 2,000 sessions and answers that take 200 ms (P3).
func BenchmarkManySessionsAgainstLimit(b *testing.B) {
	against(b, 8<<10, 200*time.Millisecond, 2000, 2000)
}

func against(b *testing.B, size int, latency time.Duration, sessions, rounds int) {
	page, problems := platforms.Parse("bench", []byte(plainPage))
	require.Empty(b, problems)
	devices := serve(b, lab.Config{Count: sessions, Platforms: []string{"cisco_ios"}, ConfigSize: size, Latency: latency, Cheap: true})
	var targets []bare.Target
	for len(targets) < rounds {
		d := devices[len(targets)%len(devices)]
		targets = append(targets, bare.Target{Addr: d.Info().Addr(), User: lab.DefaultUsername, Password: lab.DefaultPassword})
	}
	bare.Run(context.Background(), targets[:sessions], sessions) // configurations are made when first asked for
	ours(b, page, devices, sessions, sessions)
	var mine, limit time.Duration
	for b.Loop() {
		mine += ours(b, page, devices, rounds, sessions)
		r := bare.Run(context.Background(), targets, sessions)
		require.Zero(b, r.Failed, "%v", r.FirstErr)
		limit += r.Elapsed
	}
	done := float64(rounds * b.N)
	b.ReportMetric(done/mine.Seconds(), "ours/s")
	b.ReportMetric(done/limit.Seconds(), "limit/s")
	b.ReportMetric(limit.Seconds()/mine.Seconds(), "of-limit")
	b.ReportMetric(0, "ns/op")
}

// ours backs up rounds devices, masks what came, and returns how long that took.
func ours(b *testing.B, page *platforms.Page, devices []*lab.Device, rounds, sessions int) time.Duration {
	envs := make([]Env, len(devices))
	for i, d := range devices {
		envs[i] = envOf(b, d)
		envs[i].Page, envs[i].Log, envs[i].Limits = page, nil, device.Limits{}
		envs[i].Spec.Deadline = timestamppb.New(time.Now().Add(5 * time.Minute))
		g := grant(&vaultv1.GrantedCredential{Id: "c1", Name: "lab", Username: lab.DefaultUsername, Password: lab.DefaultPassword})
		envs[i].Credentials = func(context.Context) (*vaultv1.Grant, error) { return g, nil }
	}
	start := time.Now()
	var wg sync.WaitGroup
	queue := make(chan Env)
	for range sessions {
		wg.Go(func() {
			for env := range queue {
				out := Backup{}.Run(context.Background(), env)
				if out.Failure != nil {
					b.Error(out.Failure)
					continue
				}
				page.Mask(out.Artifacts[0].Original, nil)
			}
		})
	}
	for i := range rounds {
		queue <- envs[i%len(envs)]
	}
	close(queue)
	wg.Wait()
	return time.Since(start)
}
