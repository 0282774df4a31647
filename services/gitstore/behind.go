package gitstore

import (
	"context"
	"time"
)

// behind calls round until ctx ends, for whoever follows behind the commits: at once, then pause after a wake, so that the commits of a busy night go together, and at the latest
// when the round before said. deaf: not before that, however much changes.
func behind(ctx context.Context, wakes <-chan struct{}, pause time.Duration, round func(context.Context) (next time.Duration, deaf bool)) {
	wake := wakes
	wait := time.NewTimer(0)
	defer wait.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
			wake = nil // the timer has it
			wait.Reset(pause)
			continue
		case <-wait.C:
		}
		next, deaf := round(ctx)
		if wake = wakes; deaf {
			wake = nil
		}
		wait.Reset(next)
	}
}
