package gitstore

import (
	"context"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// mirrorPage is how many originals are in memory at once.
const mirrorPage = 100

// mirrorPoint is what a mirror made now must hold: the commits up to head, and the originals up to a change.
func (s *store) mirrorPoint(ctx context.Context) (head repo.Hash, change int64, err error) {
	row, err := s.q.GetMirrorPoint(ctx, repository)
	if err != nil || row.Head == "" {
		return head, row.Change, err
	}
	head, err = repo.ParseHash(row.Head)
	return head, row.Change, err
}

func (s *store) countOriginals(ctx context.Context, after, until int64) (int64, error) {
	return s.q.CountOriginals(ctx, gitstoresql.CountOriginalsParams{After: after, Until: until})
}

// originalsPage answers the originals behind one, in the order of their changes.
func (s *store) originalsPage(ctx context.Context, after int64, afterID uuid.UUID, until int64) ([]gitstoresql.ListOriginalsRow, error) {
	return s.q.ListOriginals(ctx, gitstoresql.ListOriginalsParams{After: after, AfterID: afterID, Until: until, PageSize: mirrorPage})
}
