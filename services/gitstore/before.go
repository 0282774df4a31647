package gitstore

import (
	"context"
	"errors"
	"slices"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// readAllBefore reads the newest texts before. An attempt whose text before is lost in damage must come again, when that is mended: what it shrank from, nobody could tell. The others go on.
func (s *Service) readAllBefore(ctx context.Context, p *plan) error {
	for _, w := range slices.Clone(p.writes) {
		if w.old == nil || w.attempt.out != nil {
			continue
		}
		err := s.readBefore(ctx, w)
		if errors.Is(err, repo.ErrCorrupt) {
			s.log.Warn("a result must be sent again", "task", w.attempt.task, "device", w.attempt.device, "err", err)
			w.attempt.out = later(err)
			p.drop(w.attempt)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// readBefore reads the newest text before, once.
func (s *Service) readBefore(ctx context.Context, w *write) error {
	if w.before != nil {
		return nil
	}
	var err error
	w.before, err = s.blob(ctx, w.old.Blob)
	return err
}

// measure fills what a revision's row says about its text and the one before.
func measure(row *gitstoresql.CreateRevisionsParams, before, masked []byte) {
	added, removed := repo.Stat(before, masked)
	row.Size, row.LinesAdded, row.LinesRemoved = int32(min(len(masked), maxOriginal*2)), int32(min(added, 1<<30)), int32(min(removed, 1<<30))
}

// blob reads a text by the name that a row has of it.
func (s *Service) blob(ctx context.Context, name string) ([]byte, error) {
	h, err := repo.ParseHash(name)
	if err != nil {
		return nil, err
	}
	text, err := s.repo.Blob(ctx, h)
	return text, s.explainDamage(err)
}
