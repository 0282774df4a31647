package gitstore

import (
	"context"
	"time"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
)

const (
	expireBatch  = 1000
	expireRounds = 1000
)

// forgetAttempts removes the answers to attempts stored before a moment.
func (s *store) forgetAttempts(ctx context.Context, before time.Time) error {
	for range expireRounds {
		n, err := s.q.ForgetAttempts(ctx, gitstoresql.ForgetAttemptsParams{Before: before, Batch: expireBatch})
		if err != nil || n < expireBatch {
			return err
		}
	}
	return nil
}

// expireOriginals removes the originals of revisions recorded before a moment, but for the newest of each artifact, and answers how many.
func (s *store) expireOriginals(ctx context.Context, before time.Time) (n int, err error) {
	after := uuid.Nil
	for range expireRounds {
		ids, err := s.q.OldOriginals(ctx, gitstoresql.OldOriginalsParams{AfterID: after, Before: before, Batch: expireBatch})
		if err != nil || len(ids) == 0 {
			return n, err
		}
		if err := s.q.DropOriginals(ctx, ids); err != nil {
			return n, err
		}
		n, after = n+len(ids), ids[len(ids)-1]
	}
	return n, nil
}

func (s *store) countOldOriginals(ctx context.Context, before time.Time) (gitstoresql.CountOldOriginalsRow, error) {
	return s.q.CountOldOriginals(ctx, before)
}
