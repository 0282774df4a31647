package gitstore

import (
	"context"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
)

// mirrorPage is how many originals are in memory at once.
const mirrorPage = 100

func (s *store) countOriginals(ctx context.Context, after, until int64) (int64, error) {
	return s.q.CountOriginals(ctx, gitstoresql.CountOriginalsParams{After: after, Until: until})
}

// originalsPage answers the originals behind one, in the order of their changes.
func (s *store) originalsPage(ctx context.Context, after int64, afterID uuid.UUID, until int64) ([]gitstoresql.ListOriginalsRow, error) {
	return s.q.ListOriginals(ctx, gitstoresql.ListOriginalsParams{After: after, AfterID: afterID, Until: until, PageSize: mirrorPage})
}
