package gitstore

import (
	"context"

	"github.com/google/uuid"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/mirror"
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

// heldOriginals answers which originals of a mirror are here as they came, by revision.
func (s *store) heldOriginals(ctx context.Context, of []*gitstorev1.MirroredOriginal) (map[string]bool, error) {
	var p gitstoresql.HeldOriginalsParams
	for _, o := range of {
		revision, err := uuid.Parse(o.GetRevisionId())
		if err != nil {
			return nil, err
		}
		task, err := uuid.Parse(o.GetSealedTaskId())
		if err != nil {
			return nil, err
		}
		p.RevisionIds, p.TaskIds, p.Fences = append(p.RevisionIds, revision), append(p.TaskIds, task), append(p.Fences, o.GetSealedFence())
	}
	ids, err := s.q.HeldOriginals(ctx, p)
	held := make(map[string]bool, len(ids))
	for _, id := range ids {
		held[id.String()] = true
	}
	return held, err
}

// wroteManifest tells whether this database, as it is now, wrote a manifest.
func (s *store) wroteManifest(ctx context.Context, m *mirror.Manifest) (bool, error) {
	if m.Mark == "" {
		return false, nil
	}
	return s.q.WroteManifest(ctx, gitstoresql.WroteManifestParams{Mark: m.Mark, Repository: repository})
}

// willWriteManifest is told before: whichever of the two a crash leaves in the mirror is ours.
func (s *store) willWriteManifest(ctx context.Context, old, next *mirror.Manifest) error {
	marks := []string{next.Mark}
	if old != nil {
		marks = append(marks, old.Mark)
	}
	return s.q.WillWriteManifest(ctx, gitstoresql.WillWriteManifestParams{Marks: marks, Repository: repository})
}
