package gitstore

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/errs"
)

// maxDays bounds what may be asked about.
const maxDays = 36500

const (
	tickEvery = time.Hour
	// keepSuspects is how long a suspect waits for somebody after a device showed it last.
	keepSuspects = 30 * 24 * time.Hour
	// keepAttempts is how long a repeated result gets its first answer.
	keepAttempts = 30 * 24 * time.Hour
)

func (s *Service) janitor(ctx context.Context) {
	ticker := time.NewTicker(tickEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := s.tickOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("what has expired cannot be removed; it is tried again in an hour", "err", err)
		}
	}
}

// tickOnce removes what has expired. May be repeated, by any number of replicas.
func (s *Service) tickOnce(ctx context.Context) error {
	n, err := s.store.expireSuspects(ctx, s.now().Add(-keepSuspects))
	if n > 0 {
		s.log.Info("suspects that nobody accepted were removed", "revisions", n)
	}
	return errors.Join(err, s.store.forgetAttempts(ctx, s.now().Add(-keepAttempts)), s.expireOriginals(ctx))
}

func (s *Service) expireOriginals(ctx context.Context) error {
	if s.keepOriginals == 0 {
		return nil
	}
	n, err := s.store.expireOriginals(ctx, s.now().Add(-s.keepOriginals))
	if n > 0 {
		s.log.Info("originals that had expired were removed; the masked history stays", "originals", n)
	}
	return err
}

// GetOriginalRetention answers what a number of days would remove now.
func (s *Service) GetOriginalRetention(ctx context.Context, in *gitstorev1.GetOriginalRetentionRequest) (*gitstorev1.OriginalRetention, error) {
	out := &gitstorev1.OriginalRetention{ConfiguredDays: int32(s.keepOriginals / (24 * time.Hour)), Days: in.GetDays()} //nolint:gosec // days fit
	if out.Days == 0 {
		out.Days = out.ConfiguredDays
	}
	switch {
	case out.Days < 0 || out.Days > maxDays:
		return nil, errs.Invalid("days", "OUT_OF_RANGE", "1 to 36500")
	case out.Days == 0: // for ever
		return out, nil
	}
	old, err := s.store.countOldOriginals(ctx, s.now().AddDate(0, 0, -int(out.Days)))
	if err != nil {
		return nil, err
	}
	out.Originals, out.Bytes = float64(old.Originals), float64(old.Bytes)
	if old.Originals > 0 {
		out.Oldest = timestamppb.New(old.Oldest)
	}
	return out, nil
}
