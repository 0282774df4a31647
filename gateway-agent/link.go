package agent

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/netraven/netraven/internal/errs"
)

const (
	dialPatience  = 10 * time.Second
	firstWindow   = time.Second
	longestWindow = 64 * time.Second
	maxFrame      = 256 << 10 // what is read of the hub in one message
)

// backoff waits a random time within a window that doubles: 1, 2, 4 ... 64 s. Many agents that lost the same hub come back spread out.
type backoff struct{ window time.Duration }

func (b *backoff) reset() { b.window = 0 }

// sleep waits; false: ctx ended.
func (b *backoff) sleep(ctx context.Context) bool {
	b.window = min(max(2*b.window, firstWindow), longestWindow)
	return sleep(ctx, rand.N(b.window))
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// keepLinked holds one stream after the other until ctx ends.
func (a *Agent) keepLinked(ctx context.Context) {
	var wait backoff
	for ctx.Err() == nil {
		s := newSession(ctx, a)
		err := s.run()
		if ctx.Err() != nil {
			return
		}
		if s.opened {
			wait.reset()
		}
		var drained *drainedError
		switch {
		case errors.Is(err, errRenewed):
			continue
		case errors.As(err, &drained) && drained.after > 0:
			a.log.Info("the hub asks to reconnect", "err", err)
			sleep(ctx, drained.after)
			continue
		case errs.Code(err) == codes.PermissionDenied || errs.Code(err) == codes.FailedPrecondition:
			a.log.Error("the hub refuses this agent", "err", err)
		default:
			a.log.Warn("not connected", "err", err)
		}
		wait.sleep(ctx)
	}
}
