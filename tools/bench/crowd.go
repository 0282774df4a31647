package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/netraven/netraven/tools/internal/stage"
)

const (
	crowdSessions = 2000
	crowdLatency  = 200 * time.Millisecond
	crowdTurns    = 3
	// sample is how often the memory of this process is looked at.
	sample = 20 * time.Millisecond
)

// crowd measures P3: many sessions at once with devices that take their time, and what memory one of them costs.
func (b *bench) crowd(ctx context.Context, folder stage.Folder) error {
	usual := b.sessions
	defer func() { b.sessions = usual }()
	b.sessions = crowdSessions
	f, err := b.startFleet(ctx, folder, crowdSessions, defaultSize, "--latency", crowdLatency.String())
	if err != nil {
		return err
	}
	defer func() { _ = f.Stop() }() // measured already
	page, err := samePage()
	if err != nil {
		return err
	}
	var ours, limit effort
	var oursBytes, limitBytes int64
	for range crowdTurns {
		n, err := peakMemory(func() error {
			e, err := b.limit(ctx, f.targets)
			limit.add(e)
			return err
		})
		if err != nil {
			return err
		}
		limitBytes = max(limitBytes, n)
		if n, err = peakMemory(func() error {
			e, err := b.ours(ctx, f, page, crowdSessions)
			ours.add(e)
			return err
		}); err != nil {
			return err
		}
		oursBytes = max(oursBytes, n)
	}
	what := fmt.Sprintf("engine alone, %d sessions at once, answers after %s", crowdSessions, crowdLatency)
	b.table.compare("P3", what, "devices/s", ours.perSecond(), limit.perSecond(), ">= 0.90")
	b.table.compare("P3", what, "KB a session", float64(oursBytes)/1e3/crowdSessions, float64(limitBytes)/1e3/crowdSessions, "<= 120 KB")
	return nil
}

// peakMemory is how far the resident memory of this process grows while do runs, in bytes.
func peakMemory(do func() error) (int64, error) {
	runtime.GC()
	debug.FreeOSMemory()
	before, _, err := processMemory(os.Getpid())
	if err != nil {
		return 0, err
	}
	stop, most := make(chan struct{}), make(chan int64)
	go func() {
		tick := time.NewTicker(sample)
		defer tick.Stop()
		peak := before
		for {
			select {
			case <-tick.C:
				if now, _, err := processMemory(os.Getpid()); err == nil {
					peak = max(peak, now)
				}
			case <-stop:
				most <- peak
				return
			}
		}
	}()
	err = do()
	close(stop)
	return <-most - before, err
}
