package auth

import (
	"context"
	"errors"
	"time"
)

const (
	tickEvery = time.Minute
	// keepEnded keeps ended sessions and spent join tokens for a while, so that their reuse is still recognised.
	keepEnded = 7 * 24 * time.Hour
	// keepBuckets outlives the time that any login bucket needs to be full again.
	keepBuckets = time.Hour
)

func (s *Service) janitor(ctx context.Context) error {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := s.tickOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("auth: cleaning up failed; it is tried again in a minute", "err", err)
		}
	}
}

// tickOnce rotates the signing keys and removes what has expired. May be repeated, by any number of replicas.
func (s *Service) tickOnce(ctx context.Context) error {
	now := s.now()
	return errors.Join(
		s.rotateKeys(ctx),
		s.store.removeExpired(ctx, now.Add(-keepEnded), now.Add(-keepBuckets)),
	)
}
