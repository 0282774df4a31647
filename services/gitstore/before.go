package gitstore

import (
	"context"
	"errors"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// readAllBefore reads the newest texts before. An attempt whose text before is lost in damage must come again, when that is mended: what it shrank from, nobody could tell,
// nor could it move. The others go on.
func (s *Service) readAllBefore(ctx context.Context, p *plan) error {
	writes := p.commits()
	damaged := make([]error, len(writes)) // each write has its own place: they are read at once
	at := make(map[*write]int, len(writes))
	for i, w := range writes {
		at[w] = i
	}
	err := eachWrite(writes, func(w *write) error {
		err := s.readBefore(ctx, w)
		if errors.Is(err, repo.ErrCorrupt) {
			damaged[at[w]] = err
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	for i, err := range damaged {
		if a := writes[i].attempt; err != nil && a.out == nil {
			s.log.Warn("a result must be sent again", "task", a.task, "device", a.device, "err", err)
			a.out = later(err)
			p.drop(a)
		}
	}
	return nil
}

// readBefore reads the newest text before, once.
func (s *Service) readBefore(ctx context.Context, w *write) error {
	if w.before != nil || w.old == nil {
		return nil
	}
	if c := w.text.beside; c.before != nil && c.blob == w.old.Blob {
		w.before = c.before
		return nil
	}
	var err error
	w.before, err = s.blob(ctx, w.old.Repository, w.old.Blob)
	return err
}

// measure fills what a revision's row says about its text and the one before.
func measure(row *gitstoresql.CreateRevisionsParams, before, masked []byte) {
	added, removed := repo.Stat(before, masked)
	sized(row, masked, added, removed)
}

func sized(row *gitstoresql.CreateRevisionsParams, masked []byte, added, removed int) {
	row.Size, row.LinesAdded, row.LinesRemoved = int32(min(len(masked), maxOriginal*2)), int32(min(added, 1<<30)), int32(min(removed, 1<<30))
}

// blob reads a text by the names that a row has of its repository and of it.
func (s *Service) blob(ctx context.Context, repository, name string) ([]byte, error) {
	text, err := s.repos.blob(ctx, repository, name)
	return text, s.explainDamage(repository, err)
}
