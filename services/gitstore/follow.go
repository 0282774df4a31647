package gitstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/netraven/netraven/services/gitstore/repo"
)

const (
	// reindexBatch commits are indexed in one transaction: a start that is cut short goes on behind the last one.
	reindexBatch = 500
	// followTries bounds how often another writer may get ahead of us at start.
	followTries = 5
	// stepTime bounds one step of a start against a disk or database that hangs.
	stepTime = time.Minute
)

// followHeads brings refs and database heads together at start, both only ever forward: a ref after a crash between the two, the database after it was restored to an
// older moment. A device's revisions are indexed in their order, also where they are in several repositories: one waits for the other, and where all that is left waits, the oldest goes on
// without (what comes before it is lost, or no commit made it: all that may still come is newer).
func (s *Service) followHeads(ctx context.Context) error {
	var through *origin
	for {
		indexed, waiting := 0, []*origin{}
		for _, r := range s.repos.all() {
			n, waits, err := s.followHead(ctx, r, through)
			if err != nil {
				return err
			}
			if indexed += n; waits != nil {
				waiting = append(waiting, waits)
			}
		}
		if len(waiting) == 0 {
			return nil
		}
		if through = nil; indexed == 0 {
			through = slices.MinFunc(waiting, older)
		}
	}
}

// older orders what commits came from by time.
func older(a, b *origin) int {
	return cmp.Or(a.commit.Author.When.Compare(b.commit.Author.When), cmp.Compare(a.fence, b.fence))
}

// followHead does it for one repository, and answers how many commits were indexed, and which one waits for another repository, unless it is to go through.
func (s *Service) followHead(ctx context.Context, r *bare, through *origin) (n int, waits *origin, err error) {
	for range followTries {
		head, err := s.advance(ctx, r)
		if !errors.Is(err, repo.ErrAhead) {
			return n, nil, explain(r, err)
		}
		more, waits, err := s.reindex(ctx, r, head, through)
		n += more
		if err != nil && !errors.Is(err, errHeadMoved) {
			return n, nil, fmt.Errorf("gitstore: index the commits of %s after %q again: %w", r.name, headText(head), err)
		}
		if err == nil && waits != nil {
			return n, waits, nil
		}
	}
	return n, nil, errHeadMoved
}

// advance moves the ref up to the database's head, which it answers.
func (s *Service) advance(ctx context.Context, r *bare) (repo.Hash, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	heads, err := s.store.headsOf(ctx, []string{r.name})
	if err != nil {
		return repo.Hash{}, err
	}
	return heads[r.name], r.AdvanceTo(ctx, heads[r.name])
}

// explain says what to do about a ref that cannot follow.
func explain(r *bare, err error) error {
	switch {
	case errors.Is(err, repo.ErrDiverged):
		return fmt.Errorf("the repository %s and the database have different histories, neither continues the other. "+
			"Put back the folder that belongs to this database: %w", r.Dir(), err)
	case errors.Is(err, repo.ErrNotFound):
		return fmt.Errorf("the repository %s lacks a commit that the database knows: it is older than the database. "+
			"Put back a copy that was made after the database's: %w", r.Dir(), err)
	case errors.Is(err, repo.ErrCorrupt):
		return fmt.Errorf("the repository %s is damaged where its newest commit is, and could not be made good: start with --mirror if there is one, "+
			"or put the damaged file back from a backup: %w", r.Dir(), err)
	default:
		return err
	}
}

// reindex writes the index of the commits that the branch has on top of the database's head, oldest first, and moves the head over them, up to a commit that waits. All of
// it comes from git, but for the originals, which were in the database only. errHeadMoved when another writer got ahead of us.
func (s *Service) reindex(ctx context.Context, r *bare, head repo.Hash, through *origin) (n int, waits *origin, err error) {
	until, err := r.Head()
	if err != nil {
		return 0, nil, err
	}
	var revisions, skipped, originals int
	defer func() {
		if n > 0 {
			s.log.Warn("the history had commits that the database did not know (it was restored to an older state?): their revisions are indexed again; "+
				"originals of these that no restored mirror had are not in the database, those of the newest return with the next backup of each device",
				"revisions", revisions, "commits", n, "skipped", skipped, "originals", originals, "repository", r.name)
		}
	}()
	batch := make([]*repo.Commit, 0, reindexBatch)
	for c, err := range r.Log(ctx, head, until) {
		if err != nil {
			return n, nil, err
		}
		if batch = append(batch, c); len(batch) < reindexBatch && c.Hash != until {
			continue
		}
		f, err := s.find(ctx, r, batch, through)
		if err != nil {
			return n, nil, err
		}
		if f.read > 0 {
			next := batch[f.read-1].Hash
			if err := s.store.recordFound(ctx, r.name, head, next, f, s.now()); err != nil {
				return n, nil, err
			}
			head, n = next, n+f.read
			revisions, skipped, originals = revisions+len(f.revisions), skipped+f.skipped, originals+len(f.originals.RevisionIds)
		}
		if f.read < len(batch) {
			return n, f.waits, nil
		}
		batch = batch[:0]
	}
	return n, nil, nil
}
