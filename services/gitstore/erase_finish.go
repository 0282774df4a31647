package gitstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// errPurge says that the old history is still on disk, though nothing names it any more.
var errPurge = errors.New("what was erased is still in a repository's folder; it goes with the next start")

// finishErase lets branches, packs and search index follow an erasure that the database has. Nothing to do is fine; it may be repeated, and goes on where it broke off.
func finishErase(ctx context.Context, repos *repositories, s *store, dir string, now time.Time, broken func(step string) error) error {
	rows, err := s.unfinishedErasures(ctx)
	if len(rows) == 0 || err != nil {
		return err
	}
	var made []*bare // again
	for _, row := range rows {
		if row.OldHead == row.NewHead {
			continue
		}
		r, err := repos.get(row.Repository)
		if err != nil {
			return fmt.Errorf("repository %q: %w", row.Repository, err)
		}
		if err := followRewritten(ctx, r, row); err != nil {
			return fmt.Errorf("an erasure is not finished, and the repository %s is not the one that it was begun with: %w", r.Dir(), err)
		}
		if err := broken("ref"); err != nil {
			return err
		}
		made = append(made, r)
	}
	for _, r := range made {
		if err = r.Purge(ctx); err == nil {
			err = broken("purge")
		}
		if err != nil {
			return errors.Join(errPurge, err)
		}
	}
	err = os.RemoveAll(filepath.Join(dir, indexFolder)) // its files hold what the texts held
	if err == nil {
		err = os.RemoveAll(filepath.Join(dir, verifyFile)) // where it was is in the old history
	}
	if err == nil {
		err = s.clearReindexed(ctx) // left by a reindex that was cut off
	}
	if err == nil {
		err = s.finishErasures(ctx, now)
	}
	if err != nil {
		return errors.Join(errPurge, err)
	}
	return nil
}

// followRewritten moves a branch to the history that was made again. One that is past that was moved before, and only its purge is left.
func followRewritten(ctx context.Context, r *bare, row gitstoresql.UnfinishedErasuresRow) error {
	old, err := repo.ParseHash(row.OldHead)
	if err != nil {
		return err
	}
	next, err := repo.ParseHash(row.NewHead)
	if err != nil {
		return err
	}
	at, err := r.Head()
	if err != nil {
		return err
	}
	if at == old {
		return r.ReplaceHead(old, next)
	}
	past, err := r.LeadsTo(ctx, next, at)
	if err == nil && !past {
		err = repo.ErrHeadMoved
	}
	return err
}

// followErasure is finishErase at a start. What is only left over keeps nobody from starting.
func (s *Service) followErasure(ctx context.Context, dir string) error {
	err := finishErase(ctx, s.repos, s.store, dir, s.now(), func(string) error { return nil })
	if errors.Is(err, errPurge) {
		s.log.Error("an erasure is not finished", "err", err)
		return nil
	}
	return err
}

// suspects are the texts that are kept apart, as they become.
func (e *eraser) suspects(ctx context.Context) (gitstoresql.RewriteSuspectsParams, error) {
	var p gitstoresql.RewriteSuspectsParams
	if len(e.cfg.Texts) == 0 {
		return p, nil
	}
	rows, err := e.store.suspectTexts(ctx, e.devices)
	for _, r := range rows {
		now, author := e.replacer.Replace(string(r.Masked)), e.author(repo.Signature{Name: r.Author}).Name
		if now == string(r.Masked) && author == r.Author {
			continue
		}
		p.Ids, p.Masked, p.Digests = append(p.Ids, r.RevisionID), append(p.Masked, []byte(now)), append(p.Digests, digestOf([]byte(now)))
		p.Sizes, p.Authors = append(p.Sizes, int32(min(len(now), maxOriginal*2))), append(p.Authors, author) //nolint:gosec // bounded
	}
	return p, err
}
