package gitstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/page"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// rebuildBatch commits are read before their rows are looked for at once.
const rebuildBatch = 5000

// Reindexed is what a reindex came to.
type Reindexed struct {
	Head    string `json:"head"`
	Commits int64  `json:"commits"`
	// Skipped are commits that are not ours, and artifacts that are not where a commit of ours has them.
	Skipped int64 `json:"skipped"`
	// Revisions that git has; of these the index had Kept (with their ids and originals) and was wrong in Corrected; Made were missing and have new ids and no originals.
	Revisions int64 `json:"revisions"`
	Kept      int64 `json:"kept"`
	Corrected int64 `json:"corrected"`
	Made      int64 `json:"made"`
	// Artifacts whose newest state was wrong.
	Artifacts int64 `json:"artifacts_corrected"`
	// Foreign rows are in the index and not in git; the first of them are named. They were removed if Written.
	Foreign     int64        `json:"not_in_git"`
	ForeignRows []ForeignRow `json:"rows_not_in_git"`
	// Written says that the index was changed. Without it all is as before.
	Written bool `json:"written"`
}

// ForeignRow is a revision of the index that git does not have.
type ForeignRow struct {
	Revision  string    `json:"revision"`
	Device    string    `json:"device"`
	Artifact  string    `json:"artifact"`
	Number    int32     `json:"number"`
	Commit    string    `json:"commit"`
	CreatedAt time.Time `json:"created_at"`
}

// Reindex makes the index anew from git, while no server runs. What the index has of an attempt keeps its id and its original; what is missing is made; what is wrong is corrected. Where it has rows that
// git does not have, nothing is changed and they are named, unless prune takes them away with their originals. All of it is one transaction: killed, it may be run again. It blocks for as long as reading every
// commit takes; say is told how many were read.
func Reindex(ctx context.Context, cfg Config, d Deps, prune bool, say func(commits int64)) (*Reindexed, error) {
	s, err := openOffline(ctx, cfg, d)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.repo.Close() }()
	if _, err := os.Stat(filepath.Join(cfg.Dir, restoredDir)); err == nil {
		return nil, errors.New("originals of a restored mirror wait to be taken in: start serve once, which indexes the history with them")
	}
	old, err := s.store.head(ctx)
	if err != nil {
		return nil, err
	}
	next, err := s.newestHead(ctx, old)
	if err != nil {
		return nil, err
	}
	out := &Reindexed{Head: headText(next)}
	if err := s.readHistory(ctx, next, out, say); err != nil {
		return nil, err
	}
	if err := s.store.rebuild(ctx, old, next, prune, s.now().Add(-keepAttempts), out); err != nil || !out.Written {
		return out, err
	}
	return out, s.verify.anew()
}

// newestHead is the database's head if the branch can follow it, else the branch: what git says counts here.
func (s *Service) newestHead(ctx context.Context, old repo.Hash) (repo.Hash, error) {
	err := s.repo.AdvanceTo(ctx, old)
	switch {
	case err == nil:
		return old, nil
	case errors.Is(err, repo.ErrCorrupt):
		return old, s.explain(err)
	case errors.Is(err, repo.ErrAhead), errors.Is(err, repo.ErrDiverged), errors.Is(err, repo.ErrNotFound):
		return s.repo.Head()
	default:
		return old, err
	}
}

// readHistory reads all commits, oldest first, and puts what they say beside the index.
func (s *Service) readHistory(ctx context.Context, head repo.Hash, out *Reindexed, say func(int64)) error {
	if err := s.store.clearReindexed(ctx); err != nil || head.IsZero() {
		return err
	}
	all := &rebuilding{found: found{before: states{}, latest: states{}}, seen: map[madeKey]bool{}, last: map[uuid.UUID]time.Time{}}
	batch := make([]*repo.Commit, 0, rebuildBatch)
	for c, err := range s.repo.Log(ctx, repo.Hash{}, head) {
		if err != nil {
			return s.explain(err)
		}
		if batch = append(batch, c); len(batch) < rebuildBatch && c.Hash != head {
			continue
		}
		if err := s.readBatch(ctx, all, batch); err != nil {
			return err
		}
		if err := s.store.addReindexed(ctx, &all.found); err != nil {
			return err
		}
		out.Commits, out.Revisions = out.Commits+int64(len(batch)), out.Revisions+int64(len(all.revisions))
		all.revisions, all.attempts, batch = nil, nil, batch[:0]
		if say != nil {
			say(out.Commits)
		}
	}
	out.Skipped = int64(all.skipped)
	return nil
}

// rebuilding is what was read of the history so far.
type rebuilding struct {
	found
	// seen are the attempts that made a commit.
	seen map[madeKey]bool
	// last is the time in the newest id of each device: lists are in the order of ids.
	last map[uuid.UUID]time.Time
}

// readBatch reads commits, and between them the rows that changed nothing in git: they name the commit before them.
func (s *Service) readBatch(ctx context.Context, all *rebuilding, batch []*repo.Commit) error {
	rows, err := s.store.revisionsAt(ctx, batch)
	if err != nil {
		return err
	}
	now, err := s.store.statesOf(ctx, rows)
	if err != nil {
		return err
	}
	for _, c := range batch {
		o := originOf(c)
		if o == nil {
			all.skipped++
		} else if o.artifacts = all.unseen(o); len(o.artifacts) > 0 {
			n := len(all.revisions)
			if err := s.findOne(ctx, &all.found, o); err != nil {
				return fmt.Errorf("commit %s: %w", c.Hash, s.explain(err))
			}
			all.date(all.revisions[n:], rows[c.Hash.String()])
		}
		for _, r := range rows[c.Hash.String()] {
			if k := (madeKey{key{r.TaskID, r.Fence}, r.Artifact}); !all.seen[k] {
				if err := s.findQuiet(ctx, all, c, r, now[r.DeviceID][r.Artifact].Path); err != nil {
					return fmt.Errorf("revision %s: %w", r.ID, s.explain(err))
				}
			}
		}
	}
	return nil
}

// unseen are the artifacts of an attempt that no commit before had.
func (b *rebuilding) unseen(o *origin) []namedArtifact {
	var out []namedArtifact
	for _, a := range o.artifacts {
		k := madeKey{o.key(), a.name}
		if !b.seen[k] {
			out = append(out, a)
		}
		b.seen[k] = true
	}
	return out
}

// date gives new rows ids that lie between those of the rows before and after: their time is that of the commit, or just after the row before. Where the index has a row, its id stays.
func (b *rebuilding) date(fresh []gitstoresql.CreateRevisionsParams, known []gitstoresql.Revision) {
	for i := range fresh {
		r := &fresh[i]
		at := slices.IndexFunc(known, func(k gitstoresql.Revision) bool {
			return k.TaskID == r.TaskID && k.Fence == r.Fence && k.Artifact == r.Artifact
		})
		if at >= 0 {
			seconds, nanos := known[at].ID.Time().UnixTime()
			b.last[r.DeviceID] = time.Unix(seconds, nanos)
			continue
		}
		when := r.CreatedAt
		if next := b.last[r.DeviceID].Add(time.Millisecond); when.Before(next) {
			when = next
		}
		first := page.FirstID(when)
		copy(r.ID[:6], first[:6]) // the rest is as random as before
		b.last[r.DeviceID] = when
		if st := b.latest[r.DeviceID][r.Artifact]; st.Number == r.Number {
			st.RevisionID = r.ID
			b.latest[r.DeviceID][r.Artifact] = st
		}
	}
}

// findQuiet adds a row whose text was in git already when it was stored, if it is there: a device made anew under its old name, for one.
func (s *Service) findQuiet(ctx context.Context, all *rebuilding, c *repo.Commit, r gitstoresql.Revision, at string) error {
	at, err := s.pathOfBlob(ctx, c, r, at)
	if err != nil || at == "" {
		return err
	}
	text, err := s.blob(ctx, r.Blob)
	if err != nil {
		return err
	}
	var before []byte
	old, known := all.state(r.DeviceID, r.Artifact)
	if known {
		if before, err = s.blob(ctx, old.Blob); err != nil {
			return err
		}
	}
	row := gitstoresql.CreateRevisionsParams(r)
	sum := sha256.Sum256(text)
	row.Number, row.Digest = old.Number+1, hex.EncodeToString(sum[:])
	measure(&row, before, text)
	all.add(row, at)
	return nil
}

// pathOfBlob says where a row's text lies in a commit: where its artifact is now, or, that being unknown, wherever a file has its name. Empty when it is nowhere.
func (s *Service) pathOfBlob(ctx context.Context, c *repo.Commit, r gitstoresql.Revision, at string) (string, error) {
	if at != "" {
		blob, err := s.repo.Lookup(ctx, c.Hash, at)
		if err == nil && blob.String() == r.Blob {
			return at, nil
		}
		if err != nil && !errors.Is(err, repo.ErrNotFound) && !errors.Is(err, repo.ErrPath) {
			return "", err
		}
	}
	files, err := s.repo.Files(ctx, c)
	for _, f := range files {
		if f.New.String() == r.Blob && path.Base(f.Path) == repo.SafeName(r.Artifact) {
			return f.Path, err
		}
	}
	return "", err
}
