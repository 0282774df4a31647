package vault

import (
	"context"
	"errors"
	"time"
)

const (
	reapEvery = 5 * time.Second
	// keepReservations lets an agent that was cut off for days still report what worked.
	keepReservations = 7 * 24 * time.Hour
)

func (s *Service) reaper(ctx context.Context) error {
	ticker := time.NewTicker(reapEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if err := s.tickOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("vault: expired reservations were not freed; it is tried again", "err", err)
		}
	}
}

// tickOnce frees the reservations whose deadline has passed. May be repeated, by any number of replicas.
func (s *Service) tickOnce(ctx context.Context) error {
	now := s.now()
	return errors.Join(s.store.expire(ctx, now), s.store.forget(ctx, now.Add(-keepReservations)))
}
