package gitstore

import (
	"context"
	"errors"
	"time"
)

const (
	tickEvery = time.Hour
	// firstTick comes sooner: what an erasure or a shredding left to do must not wait longer than many a process lives.
	firstTick = time.Minute
	// keepSuspects is how long a suspect waits for somebody after a device showed it last.
	keepSuspects = 30 * 24 * time.Hour
	// keepAttempts is how long a repeated result gets its first answer.
	keepAttempts = 30 * 24 * time.Hour
)

func (s *Service) janitor(ctx context.Context) {
	for wait := firstTick; ; wait = tickEvery {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		if err := s.tickOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("what has expired cannot be removed; it is tried again in an hour", "err", err)
		}
	}
}

// tickOnce removes what has expired, and does what was left for it to do. May be repeated, by any number of replicas.
func (s *Service) tickOnce(ctx context.Context) error {
	n, err := s.store.expireSuspects(ctx, s.now().Add(-keepSuspects))
	if n > 0 {
		s.log.Info("suspects that nobody accepted were removed", "revisions", n)
	}
	return errors.Join(err, s.store.forgetAttempts(ctx, s.now().Add(-keepAttempts)), s.expireOriginals(ctx), s.finishShreds(ctx), s.auditErasures(ctx))
}
