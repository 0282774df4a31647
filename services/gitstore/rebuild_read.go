package gitstore

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path"
	"time"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// reading is how far the history of one repository is read.
type reading struct {
	in   *bare
	head repo.Hash
	// next gives the commits, oldest first; nil before the first.
	next func() (*repo.Commit, error, bool)
	end  func()
	// batch are those that come next, with the rows that name them and the newest states of their devices.
	batch []*repo.Commit
	rows  map[string][]gitstoresql.RevisionsAtRow
	now   states
	// last was read, but for the quiet ones among its rows.
	last  *repo.Commit
	quiet []gitstoresql.RevisionsAtRow
}

func (h *reading) stop() {
	if h.end != nil {
		h.end()
	}
}

// fill reads the next commits, if there are any, and what the index has of them.
func (s *Service) fill(ctx context.Context, h *reading) error {
	if h.next == nil {
		h.next, h.end = iter.Pull2(h.in.Log(ctx, repo.Hash{}, h.head))
	}
	for len(h.batch) < rebuildBatch {
		c, err, ok := h.next()
		if err != nil {
			return explain(h.in, err)
		}
		if !ok {
			break
		}
		h.batch = append(h.batch, c)
	}
	if len(h.batch) == 0 {
		return nil
	}
	var err error
	if h.rows, err = s.store.revisionsAt(ctx, h.batch); err == nil {
		h.now, err = s.store.statesOf(ctx, h.rows)
	}
	return err
}

// readOn reads on in one repository, to its end or to what waits for another repository; through lets one that would wait go on. Between the commits come the rows that changed
// nothing in git: they name the commit before them.
func (s *Service) readOn(ctx context.Context, all *rebuilding, h *reading, through bool) (steps int, waits bool, err error) {
	for ; ; steps++ {
		if len(h.quiet) == 0 && len(h.batch) == 0 {
			if err := s.fill(ctx, h); err != nil || len(h.batch) == 0 {
				return steps, false, err
			}
		}
		if h.mustWait(all) {
			if !through {
				return steps, true, nil
			}
			through = false
		}
		if len(h.quiet) > 0 {
			r := h.quiet[0]
			if err := s.findQuiet(ctx, all, h, r); err != nil {
				return steps, false, fmt.Errorf("revision %s: %w", r.ID, explain(h.in, err))
			}
			h.quiet = h.quiet[1:]
			continue
		}
		c := h.batch[0]
		if err := s.readCommit(ctx, all, h, c); err != nil {
			return steps, false, fmt.Errorf("commit %s: %w", c.Hash, explain(h.in, err))
		}
		if all.out.Commits++; all.out.Commits%rebuildBatch == 0 {
			if err := s.flush(ctx, all); err != nil {
				return steps, false, err
			}
		}
	}
}

// mustWait tells whether revisions of another repository come before what is next.
func (h *reading) mustWait(all *rebuilding) bool {
	if len(h.quiet) > 0 {
		r := h.quiet[0]
		st, _ := all.state(r.DeviceID, r.Artifact)
		return st.Number < r.Number-1
	}
	o := originOf(h.batch[0])
	return o != nil && all.mustWait(o)
}

// waits is what is next and waits, for its time.
func (h *reading) waits() *origin {
	if len(h.quiet) > 0 {
		r := h.quiet[0]
		return &origin{fence: r.Fence, commit: &repo.Commit{Author: repo.Signature{When: r.CreatedAt.Truncate(time.Second)}}}
	}
	return originOf(h.batch[0])
}

// readCommit adds what the next commit made.
func (s *Service) readCommit(ctx context.Context, all *rebuilding, h *reading, c *repo.Commit) error {
	if o := originOf(c); o == nil {
		all.skipped++
	} else if err := s.readOrigin(ctx, all, h, o); err != nil {
		return err
	}
	h.last, h.batch = c, h.batch[1:]
	for _, r := range h.rows[c.Hash.String()] {
		if !all.seen[madeKey{key{r.TaskID, r.Fence}, r.Artifact}] {
			h.quiet = append(h.quiet, r)
		}
	}
	return nil
}

func (s *Service) readOrigin(ctx context.Context, all *rebuilding, h *reading, o *origin) error {
	if o.artifacts = all.unseen(o); len(o.artifacts) == 0 {
		return nil
	}
	n := len(all.revisions)
	all.kept = map[madeKey]uuid.UUID{}
	for _, r := range h.rows[o.commit.Hash.String()] {
		all.kept[madeKey{key{r.TaskID, r.Fence}, r.Artifact}] = r.ID
	}
	if err := s.findOne(ctx, &all.found, h.in, o); err != nil {
		return err
	}
	for i := range all.revisions[n:] {
		if err := s.adoptQuiet(ctx, all, o, &all.revisions[n+i]); err != nil {
			return err
		}
	}
	return nil
}

// adoptQuiet lets a revision that was found in what a move or a changed page made of it be the one that the index has: no commit made that, for git had its text already when it was stored.
func (s *Service) adoptQuiet(ctx context.Context, all *rebuilding, o *origin, row *gitstoresql.CreateRevisionsParams) error {
	for _, a := range o.artifacts {
		if a.name != row.Artifact || a.known() != row.Number {
			continue
		}
		was, err := s.store.remaskedRevision(ctx, row.DeviceID, row.Artifact, row.Number)
		if err != nil || was == nil || all.seen[madeKey{key{was.TaskID, was.Fence}, row.Artifact}] {
			return err
		}
		all.seen[madeKey{key{was.TaskID, was.Fence}, row.Artifact}] = true
		if a.remasked > 0 {
			all.remasked[numbered{row.DeviceID, row.Artifact, row.Number}] = *row
		}
		row.TaskID, row.Fence, row.RunID, row.LinesAdded, row.LinesRemoved = was.TaskID, was.Fence, was.RunID, was.LinesAdded, was.LinesRemoved
	}
	return nil
}

// findQuiet adds a row whose text was in git already when it was stored, if it is there: a device made anew under its old name, for one.
func (s *Service) findQuiet(ctx context.Context, all *rebuilding, h *reading, r gitstoresql.RevisionsAtRow) error {
	at, err := h.pathOfBlob(ctx, r)
	if err != nil || at == "" {
		return err
	}
	text, err := s.blob(ctx, h.in.name, r.Blob)
	if err != nil {
		return err
	}
	var before []byte
	old, known := all.state(r.DeviceID, r.Artifact)
	if known {
		if before, err = s.blob(ctx, old.Repository, old.Blob); err != nil {
			return err
		}
	}
	row := gitstoresql.CreateRevisionsParams(r)
	row.Number, row.Digest, row.Repository = old.Number+1, digestOf(text), h.in.name
	measure(&row, before, text)
	all.add(row, &located{repository: h.in.name, path: at})
	return nil
}

// pathOfBlob says where a row's text lies in the commit read last: where its artifact is now, or, that being unknown, wherever a file has its name. Empty when it is nowhere.
func (h *reading) pathOfBlob(ctx context.Context, r gitstoresql.RevisionsAtRow) (string, error) {
	if at := h.now[r.DeviceID][r.Artifact].Path; at != "" {
		blob, err := h.in.Lookup(ctx, h.last.Hash, at)
		if err == nil && blob.String() == r.Blob {
			return at, nil
		}
		if err != nil && !errors.Is(err, repo.ErrNotFound) && !errors.Is(err, repo.ErrPath) {
			return "", err
		}
	}
	files, err := h.in.Files(ctx, h.last)
	for _, f := range files {
		if f.New.String() == r.Blob && path.Base(f.Path) == repo.SafeName(r.Artifact) {
			return f.Path, err
		}
	}
	return "", err
}
