package gitstore

import (
	"context"
	"time"
)

// TickOnce is what Run does once an hour.
var TickOnce = (*Service).tickOnce

// MirrorOnce is one round of the mirror.
func (s *Service) MirrorOnce(ctx context.Context) error { return s.mirror.once(ctx) }

// MirrorLag is what the metric says.
func (s *Service) MirrorLag() time.Duration { return s.mirror.lag() }
