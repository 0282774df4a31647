package gitstore

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/errs"
)

const (
	shredAction = "config.shred"
	// keyShredded is why a result cannot be stored whose key was destroyed on its way. Its task is tried again, under a new key.
	keyShredded = "KEY_SHREDDED"
)

// ShredOriginals destroys all originals of a device. The order stands before anything is destroyed, so whatever fails on the way is done later (finishShreds).
func (s *Service) ShredOriginals(ctx context.Context, in *gitstorev1.ShredOriginalsRequest) (*gitstorev1.ShreddedOriginals, error) {
	device, err := uuid.Parse(in.GetDeviceId())
	if err != nil {
		return nil, errs.NotFound("device", in.GetDeviceId())
	}
	if known, err := s.store.hasHistory(ctx, device); err != nil {
		return nil, err
	} else if !known {
		return nil, errs.NotFound("device", in.GetDeviceId())
	}
	if err := s.auditLine(ctx, shredAction, "device", device.String(), "OK", nil); err != nil {
		return nil, err
	}
	if err := s.store.orderShred(ctx, device, s.now()); err != nil {
		return nil, err
	}
	n, at, err := s.shred(ctx, device)
	if err != nil {
		return nil, err
	}
	s.log.Warn("originals were destroyed", "device", device, "originals", n)
	return &gitstorev1.ShreddedOriginals{DeviceId: device.String(), Originals: int32(min(n, 1<<30)), MirrorPending: s.mirror != nil, ShreddedAt: timestamppb.New(at)}, nil //nolint:gosec // bounded
}

// shred destroys the key, and then what was sealed with it. A result that was opened with the old key and comes to be written after this finds that shreds has moved.
func (s *Service) shred(ctx context.Context, device uuid.UUID) (originals int64, at time.Time, err error) {
	if err := s.adoptKeys(ctx); err != nil { // else they would come back
		return 0, at, err
	}
	if _, err := s.vault.ShredDataKeys(ctx, &vaultv1.ShredDataKeysRequest{DeviceIds: []string{device.String()}}); err != nil {
		return 0, at, err
	}
	s.shreds.Add(1)
	s.writing.Lock()
	defer s.writing.Unlock()
	if originals, at, err = s.store.shred(ctx, device, s.now()); err == nil {
		s.mirror.changed()
	}
	return originals, at, err
}

// finishShreds does what was ordered and not done: vault was away, or the process was killed between.
func (s *Service) finishShreds(ctx context.Context) error {
	devices, err := s.store.unfinishedShreds(ctx)
	for _, d := range devices {
		n, _, e := s.shred(ctx, d)
		if err = errors.Join(err, e); e == nil {
			s.log.Warn("originals were destroyed, as it was ordered before", "device", d, "originals", n)
		}
	}
	return err
}

// lostKeys answers the attempts that were opened before something was shredded: their originals may be sealed with a key that is no more. They come again.
func (s *Service) lostKeys(attempts []*attempt) {
	now := s.shreds.Load()
	for _, a := range attempts {
		if len(a.texts) > 0 && a.shreds != now {
			a.out = &outcome{Outcome: gitstorev1.StoreResultsResponse_Item_RETRY_LATER, Reason: keyShredded}
		}
	}
}

// brokenSeals gives those of devices whose key was destroyed their reason.
func (s *Service) brokenSeals(ctx context.Context, attempts []*attempt) error {
	for _, a := range attempts {
		if a.out.GetReason() != sealBroken {
			continue
		}
		at, err := s.store.shreddedAt(ctx, a.device)
		if err != nil {
			return err
		}
		if !at.IsZero() {
			a.out = rejected(keyShredded)
		}
	}
	return nil
}

// notKept says why a revision recorded at a moment has no original.
func (s *Service) notKept(ctx context.Context, device uuid.UUID, recorded time.Time) error {
	at, err := s.store.shreddedAt(ctx, device)
	if err != nil {
		return err
	}
	if at.IsZero() || at.Before(recorded) {
		return errs.New(codes.NotFound, "ORIGINAL_NOT_KEPT", "the original of this revision is no longer kept")
	}
	return errs.New(codes.FailedPrecondition, "ORIGINAL_SHREDDED", "the originals of this device were destroyed on purpose at %s, and cannot be opened any more; view=masked still can",
		at.UTC().Format(time.RFC3339))
}
