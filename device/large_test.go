package device

import (
	"context"
	"fmt"
	"io"
	"runtime/debug"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/lab"
	"github.com/netraven/netraven/platforms"
)

// large is an answer that needs a slot and is short enough to be taken.
var large = strings.Repeat("interface Ethernet1/1 description large\r\n", 80_000)

// occupy takes all slots until the test ends, or the function returned is called.
func occupy(t *testing.T) (free func()) {
	t.Helper()
	for range largeSlots {
		largeAnswers <- struct{}{}
	}
	free = sync.OnceFunc(func() {
		for range largeSlots {
			<-largeAnswers
		}
	})
	t.Cleanup(func() {
		free()
		require.Empty(t, largeAnswers)
	})
	return free
}

// waiting has cfg tell when an answer waits for a slot.
func waiting(cfg *Config) <-chan struct{} {
	told := make(chan struct{}, 1)
	cfg.Log = func(_, message string) {
		if strings.Contains(message, "waits until the agent has room") {
			told <- struct{}{}
		}
	}
	return told
}

func TestALargeAnswerHoldsASlotUntilTheSessionCloses(t *testing.T) {
	p := serveShell(t, func(c *console) { c.say(large + "end\r\n") })
	s, _ := mustOpen(t, p.attempt())
	require.Empty(t, largeAnswers)
	for range 2 { // a second one needs no second slot
		require.Equal(t, strings.ReplaceAll(large, "\r", "")+"end\n", string(mustRun(t, s, "show run").Text))
		require.Len(t, largeAnswers, 1)
	}
	s.Close()
	s.Close()
	require.Empty(t, largeAnswers)

	p = serveShell(t, func(c *console) { c.say(strings.Repeat("x\r\n", 1000) + "end\r\n") })
	s, _ = mustOpen(t, p.attempt())
	mustRun(t, s, "show run")
	require.Empty(t, largeAnswers, "what is not large needs none")
}

func TestALargeAnswerWaitsForASlotWithoutLoss(t *testing.T) {
	for _, transport := range []string{"shell", "exec", "scp"} {
		t.Run(transport, func(t *testing.T) {
			p := serveShell(t, func(c *console) { c.say(large) })
			p.exec = func(c *console, cmd string) *int {
				zero := 0
				if !strings.HasPrefix(cmd, "scp") {
					c.say(large)
					return &zero
				}
				ack := make([]byte, 1)
				_, _ = io.ReadFull(c, ack)
				c.say(fmt.Sprintf("C0644 %d run.cfg\n", len(large)))
				_, _ = io.ReadFull(c, ack)
				c.say(large + "\x00")
				_, _ = io.ReadFull(c, ack)
				return &zero
			}
			cfg := p.attempt()
			cfg.Limits.Silence = 200 * time.Millisecond
			if transport == "exec" {
				cfg.Page = pageOf(t, strings.Replace(routerPage, "label: Test", "label: Test\ntransport: exec", 1))
			}
			told := waiting(&cfg)
			free := occupy(t)
			s, _ := mustOpen(t, cfg)
			go func() {
				<-told
				pause(3 * cfg.Limits.Silence) // the device's silence is ours
				free()
			}()
			want := strings.ReplaceAll(large, "\r", "")
			if transport == "scp" {
				text, f := s.Fetch("run.cfg", 0)
				require.Nil(t, f, "%v", f)
				require.Equal(t, large, string(text))
			} else {
				require.Equal(t, want, string(mustRun(t, s, "show run").Text))
			}
			require.Len(t, largeAnswers, 1)
			s.Close()
		})
	}
}

func TestWaitingForASlotEnds(t *testing.T) {
	p := serveShell(t, func(c *console) { c.say(large) })
	occupy(t)
	run := func(ctx context.Context, cfg Config, c Command) *jobv1.Failure {
		s, _, f := Open(ctx, cfg)
		require.Nil(t, f, "%v", f)
		defer s.Close()
		_, f = s.Run(c)
		require.NotNil(t, f)
		return f
	}
	t.Run("by cancel, at once", func(t *testing.T) {
		cfg := p.attempt()
		cfg.Limits.Command = time.Hour
		cfg.Spec.Deadline = nil
		told := waiting(&cfg)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() { <-told; cancel() }()
		f := run(ctx, cfg, Command{Send: "show run"})
		require.Equal(t, jobv1.Failure_CANCELLED, f.GetClass(), "%v", f)
	})
	t.Run("by the command's time", func(t *testing.T) {
		f := run(context.Background(), p.attempt(), Command{Send: "show run", Timeout: 2 * time.Second})
		require.Equal(t, jobv1.Failure_BUSY, f.GetClass(), "%v", f)
		require.Contains(t, f.GetHint(), "busy with other large answers")
	})
	t.Run("by the deadline", func(t *testing.T) {
		cfg := p.attempt()
		cfg.Now = func() time.Time { return cfg.Spec.GetDeadline().AsTime().Add(-2 * time.Second) }
		f := run(context.Background(), cfg, Command{Send: "show run"})
		require.Equal(t, jobv1.Failure_BUSY, f.GetClass(), "%v", f)
		require.Contains(t, f.GetHint(), "busy with other large answers")
	})
}

// The heap is what all sessions and, here, all devices have in use and as garbage, with the garbage
// collector set as the agent sets it.
func TestFailure64ManyDevicesThatSendForever(t *testing.T) {
	const devices, limit, bound = 20, 16 << 20, 200 << 20
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(128 << 20))
	l, err := lab.New(lab.Config{Devices: flooding(devices)})
	require.NoError(t, err)
	require.NoError(t, l.Start(context.Background()))
	defer func() { require.NoError(t, l.Close()) }()
	page, ok := platforms.Builtin().Lookup("cisco_ios")
	require.True(t, ok)

	peak := peakHeap(t)
	failures := make([]*jobv1.Failure, devices)
	var wg sync.WaitGroup
	for i, d := range l.Devices() {
		cfg := Config{
			Spec: &jobv1.TaskSpec{
				Address: d.Info().Address, Port: int32(d.Info().Port), TrustFirstKey: true, CredentialIds: []string{"lab"},
				Deadline: timestamppb.New(time.Now().Add(5 * time.Minute)),
			},
			Page: page,
			Credentials: func(context.Context) (*vaultv1.Grant, error) {
				return &vaultv1.Grant{Credentials: []*vaultv1.GrantedCredential{
					{Id: "lab", Name: "lab", Username: lab.DefaultUsername, Password: lab.DefaultPassword},
				}}, nil
			},
			Limits: Limits{Bytes: limit},
		}
		wg.Go(func() {
			s, _, f := Open(context.Background(), cfg)
			if f == nil {
				_, f = s.Run(Command{Send: "show running-config"})
				s.Close()
			}
			failures[i] = f
		})
	}
	wg.Wait()
	most := peak()
	t.Logf("peak of the heap: %d MiB", most>>20)
	for _, f := range failures {
		require.Equal(t, jobv1.Failure_OUTPUT_LIMIT, f.GetClass(), "%v", f)
	}
	require.Less(t, most, uint64(bound))
	require.Empty(t, largeAnswers)
}

func flooding(n int) []lab.DeviceSpec {
	specs := make([]lab.DeviceSpec, n)
	for i := range specs {
		specs[i] = lab.DeviceSpec{Name: fmt.Sprintf("r%d", i), Platform: "cisco_ios", Fault: lab.Fault{Flood: 64 << 20}}
	}
	return specs
}

// peakHeap watches the heap until the function returned is called, which returns the most it was.
func peakHeap(t *testing.T) func() uint64 {
	t.Helper()
	var most uint64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		often := time.NewTicker(2 * time.Millisecond)
		defer often.Stop()
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64())
			select {
			case <-stop:
				return
			case <-often.C:
			}
		}
	}()
	return func() uint64 {
		close(stop)
		<-stopped
		return most
	}
}
