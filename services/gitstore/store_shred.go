package gitstore

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
)

func (s *store) hasHistory(ctx context.Context, device uuid.UUID) (bool, error) {
	return s.q.HasHistory(ctx, device)
}

func (s *store) orderShred(ctx context.Context, device uuid.UUID, at time.Time) error {
	return s.q.OrderShred(ctx, gitstoresql.OrderShredParams{DeviceID: device, At: at})
}

// shred removes a device's originals and what is known of them, and answers how many there were.
func (s *store) shred(ctx context.Context, device uuid.UUID, now time.Time) (n int64, at time.Time, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		q := s.q.WithTx(tx)
		if err := q.LockShredded(ctx); err != nil {
			return err
		}
		if n, err = q.ShredOriginals(ctx, device); err != nil {
			return err
		}
		if err := q.ForgetLabels(ctx, device); err != nil {
			return err
		}
		done, err := q.FinishShred(ctx, gitstoresql.FinishShredParams{DeviceID: device, At: now})
		if done != nil {
			at = *done
		}
		return err
	})
	return n, at, err
}

func (s *store) unfinishedShreds(ctx context.Context) ([]uuid.UUID, error) {
	return s.q.UnfinishedShreds(ctx)
}

// shreddedAt is when a device's originals were destroyed last, or when that was ordered; zero: never.
func (s *store) shreddedAt(ctx context.Context, device uuid.UUID) (time.Time, error) {
	r, err := s.q.GetShredded(ctx, device)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return time.Time{}, nil
	case err != nil || r.DoneAt == nil || r.DoneAt.Before(r.OrderedAt):
		return r.OrderedAt, err
	default:
		return *r.DoneAt, nil
	}
}

// forgottenSince answers the devices shredded after a moment, whether something was erased after it, and the last of these moments.
func (s *store) forgottenSince(ctx context.Context, since time.Time) (devices map[string]bool, erased bool, until time.Time, err error) {
	rows, err := s.q.ShreddedSince(ctx, since)
	if err != nil {
		return nil, false, since, err
	}
	devices, until = map[string]bool{}, since
	for _, r := range rows {
		devices[r.DeviceID.String()], until = true, *r.DoneAt
	}
	times, err := s.q.ErasedSince(ctx, since)
	for _, t := range times {
		if erased = true; t.After(until) {
			until = *t
		}
	}
	return devices, erased, until, err
}
