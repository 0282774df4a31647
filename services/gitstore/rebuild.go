package gitstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// rebuildBatch commits are read before their rows are looked for at once.
const rebuildBatch = 5000

// Reindexed is what a reindex came to.
type Reindexed struct {
	// Heads are the newest commits by repository.
	Heads   map[string]string `json:"heads"`
	Commits int64             `json:"commits"`
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
	defer func() { _ = s.repos.close() }()
	if _, err := os.Stat(filepath.Join(cfg.Dir, restoredDir)); err == nil {
		return nil, errors.New("originals of a restored mirror wait to be taken in: start serve once, which indexes the history with them")
	}
	olds, _, err := s.store.heads(ctx)
	if err != nil {
		return nil, err
	}
	out, heads := &Reindexed{Heads: map[string]string{}}, gitstoresql.MoveHeadsParams{}
	var histories []*reading
	for _, r := range s.repos.all() {
		next, err := newestHead(ctx, r, olds[r.name])
		if err != nil {
			return nil, err
		}
		heads.Names, heads.Olds, heads.Nexts = append(heads.Names, r.name), append(heads.Olds, headText(olds[r.name])), append(heads.Nexts, headText(next))
		if !next.IsZero() {
			out.Heads[r.name], histories = next.String(), append(histories, &reading{in: r, head: next})
		}
	}
	covered, err := s.readHistory(ctx, histories, out, say)
	if err != nil {
		return nil, err
	}
	if err := s.store.rebuild(ctx, heads, covered, prune, s.now().Add(-keepAttempts), out); err != nil || !out.Written {
		return out, err
	}
	return out, s.verify.anew()
}

// newestHead is the database's head if the branch can follow it, else the branch: what git says counts here.
func newestHead(ctx context.Context, r *bare, old repo.Hash) (repo.Hash, error) {
	err := r.AdvanceTo(ctx, old)
	switch {
	case err == nil:
		return old, nil
	case errors.Is(err, repo.ErrCorrupt):
		return old, explain(r, err)
	case errors.Is(err, repo.ErrAhead), errors.Is(err, repo.ErrDiverged), errors.Is(err, repo.ErrNotFound):
		return r.Head()
	default:
		return old, err
	}
}

// readHistory reads all commits of all repositories, each oldest first, and puts what they say beside the index. As at a start (followHeads) a commit waits for revisions of other
// repositories that come before, and the oldest goes on without when nothing else is left to do. It answers which newest states others cover.
func (s *Service) readHistory(ctx context.Context, histories []*reading, out *Reindexed, say func(int64)) (gitstoresql.CorrectCoveredParams, error) {
	var covered gitstoresql.CorrectCoveredParams
	if err := s.store.clearReindexed(ctx); err != nil {
		return covered, err
	}
	all := &rebuilding{found: found{before: states{}, latest: states{}, lies: map[filed]place{}, last: map[uuid.UUID]time.Time{}, remasked: map[numbered]gitstoresql.CreateRevisionsParams{}}, seen: map[madeKey]bool{}, out: out, say: say}
	for _, h := range histories {
		defer h.stop()
	}
	var through *reading
	for len(histories) > 0 {
		steps := 0
		var waiting []*reading
		for _, h := range histories {
			n, waits, err := s.readOn(ctx, all, h, h == through)
			if err != nil {
				return covered, fmt.Errorf("repository %s: %w", h.in.name, err)
			}
			if steps += n; waits {
				waiting = append(waiting, h)
			}
		}
		histories, through = waiting, nil
		if steps == 0 && len(waiting) > 0 {
			through = slices.MinFunc(waiting, func(a, b *reading) int { return older(a.waits(), b.waits()) })
		}
	}
	out.Skipped = int64(all.skipped)
	for device, byName := range all.latest {
		for name, st := range byName {
			if st.Covered {
				covered.DeviceIds, covered.Names = append(covered.DeviceIds, device), append(covered.Names, name)
			}
		}
	}
	return covered, s.flush(ctx, all)
}

// flush puts what was found beside the index.
func (s *Service) flush(ctx context.Context, all *rebuilding) error {
	if err := s.store.addReindexed(ctx, &all.found); err != nil {
		return err
	}
	all.out.Revisions += int64(len(all.revisions))
	all.revisions, all.attempts, all.moved = nil, nil, nil
	clear(all.remasked)
	if all.say != nil {
		all.say(all.out.Commits)
	}
	return nil
}

// rebuilding is what was read of the history so far.
type rebuilding struct {
	found
	// seen are the attempts that made a commit.
	seen map[madeKey]bool
	out  *Reindexed
	say  func(commits int64)
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
