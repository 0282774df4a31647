package gitstore

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/errs"
)

// maxDays bounds what may be asked about.
const maxDays = 36500

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
