package bare

import (
	"context"
	"sync"
	"time"
)

// Target is one device to read.
type Target struct {
	Addr, User, Password string
	Options              Options
}

// Result is what a Run did. FirstErr is the first failure, if any.
type Result struct {
	Devices, Failed int
	Bytes           int64
	Elapsed         time.Duration
	FirstErr        error
}

// PerSecond is the rate of devices that were read.
func (r Result) PerSecond() float64 {
	return float64(r.Devices-r.Failed) / max(r.Elapsed.Seconds(), 1e-9)
}

// Run reads all targets, at most concurrency (at least one) at once, and blocks until all
// have ended. When ctx ends, those not yet read count as failed.
func Run(ctx context.Context, targets []Target, concurrency int) Result {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		queue = make(chan Target)
		res   = Result{Devices: len(targets)}
		start = time.Now()
	)
	for range min(max(concurrency, 1), len(targets)) {
		wg.Go(func() {
			for t := range queue {
				n, err := Collect(ctx, t.Addr, t.User, t.Password, t.Options)
				mu.Lock()
				res.Bytes += int64(n)
				if err != nil {
					res.Failed++
					if res.FirstErr == nil {
						res.FirstErr = err
					}
				}
				mu.Unlock()
			}
		})
	}
	for _, t := range targets {
		queue <- t
	}
	close(queue)
	wg.Wait()
	res.Elapsed = time.Since(start)
	return res
}
