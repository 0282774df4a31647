package gitstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
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

// followHead brings ref and database head together at start, both only ever forward: the ref after a crash between the two, the database after it was restored
// to an older moment.
func (s *Service) followHead(ctx context.Context) error {
	for range followTries {
		head, err := s.advance(ctx)
		if err == nil {
			err = s.restored.done()
		}
		if !errors.Is(err, repo.ErrAhead) {
			return s.explain(err)
		}
		if err := s.reindex(ctx, head); err != nil && !errors.Is(err, errHeadMoved) {
			return fmt.Errorf("gitstore: index the commits after %q again: %w", headText(head), err)
		}
	}
	return errHeadMoved
}

// advance moves the ref up to the database's head, which it answers.
func (s *Service) advance(ctx context.Context) (repo.Hash, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	head, err := s.store.head(ctx)
	if err != nil {
		return head, err
	}
	return head, s.repo.AdvanceTo(ctx, head)
}

// explain says what to do about a ref that cannot follow.
func (s *Service) explain(err error) error {
	switch {
	case errors.Is(err, repo.ErrDiverged):
		return fmt.Errorf("the repository %s and the database have different histories, neither continues the other. "+
			"Put back the folder that belongs to this database: %w", s.repo.Dir(), err)
	case errors.Is(err, repo.ErrNotFound):
		return fmt.Errorf("the repository %s lacks a commit that the database knows: it is older than the database. "+
			"Put back a copy that was made after the database's: %w", s.repo.Dir(), err)
	case errors.Is(err, repo.ErrCorrupt):
		return fmt.Errorf("the repository %s is damaged where its newest commit is, and could not be made good: start with --mirror if there is one, "+
			"or put the damaged file back from a backup: %w", s.repo.Dir(), err)
	default:
		return err
	}
}

// reindex writes the index of the commits that the branch has on top of the database's head, oldest first, and moves the head over them. All of it comes from git,
// but for the originals, which were in the database only. errHeadMoved when another writer got ahead of us.
func (s *Service) reindex(ctx context.Context, head repo.Hash) error {
	until, err := s.repo.Head()
	if err != nil {
		return err
	}
	var sum struct{ commits, revisions, skipped, originals int }
	defer func() {
		if sum.commits > 0 {
			s.log.Warn("the history had commits that the database did not know (it was restored to an older state?): their revisions are indexed again; "+
				"originals of these that no restored mirror had are not in the database, those of the newest return with the next backup of each device",
				"revisions", sum.revisions, "commits", sum.commits, "skipped", sum.skipped, "originals", sum.originals)
		}
	}()
	batch := make([]*repo.Commit, 0, reindexBatch)
	for c, err := range s.repo.Log(ctx, head, until) {
		if err != nil {
			return err
		}
		if batch = append(batch, c); len(batch) < reindexBatch && c.Hash != until {
			continue
		}
		f, err := s.find(ctx, batch)
		if err != nil {
			return err
		}
		if err := s.store.recordFound(ctx, head, c.Hash, f, s.now()); err != nil {
			return err
		}
		sum.commits, sum.revisions, sum.skipped = sum.commits+len(batch), sum.revisions+len(f.revisions), sum.skipped+f.skipped
		sum.originals += len(f.originals.RevisionIds)
		head, batch = c.Hash, batch[:0]
	}
	return nil
}

// found is what a batch of commits adds to the index.
type found struct {
	revisions []gitstoresql.CreateRevisionsParams
	// before are the newest states as the database has them, latest those that the batch makes newer.
	before, latest states
	attempts       []foundAttempt
	// originals are what a restored mirror had of the revisions.
	originals gitstoresql.PutOriginalsParams
	// skipped counts commits without our trailers and artifacts that are not where a commit of ours has them.
	skipped int
}

// foundAttempt is an attempt that made a commit.
type foundAttempt struct {
	origin    *origin
	revisions []uuid.UUID
}

// find reads what commits say, in their order. Attempts that the database knows are left out.
func (s *Service) find(ctx context.Context, commits []*repo.Commit) (*found, error) {
	f := &found{latest: states{}, originals: gitstoresql.PutOriginalsParams{Repository: repository}}
	var origins []*origin
	var devices []uuid.UUID
	for _, c := range commits {
		if o := originOf(c); o != nil {
			origins, devices = append(origins, o), append(devices, o.device)
		} else {
			f.skipped++
		}
	}
	known, err := s.store.knownOrigins(ctx, origins)
	if err != nil {
		return nil, err
	}
	if f.before, err = s.store.states(ctx, devices); err != nil {
		return nil, err
	}
	for _, o := range origins {
		if known[o.key()] {
			continue
		}
		if err := s.findOne(ctx, f, o); err != nil {
			return nil, fmt.Errorf("commit %s: %w", o.commit.Hash, err)
		}
	}
	return f, nil
}

// findOne adds the revisions of one commit.
func (s *Service) findOne(ctx context.Context, f *found, o *origin) error {
	files, err := s.repo.ChangedFiles(ctx, o.commit)
	if err != nil {
		return err
	}
	a := foundAttempt{origin: o}
	for _, named := range o.artifacts {
		old, known := f.state(o.device, named.name)
		at, err := s.locate(ctx, o, named, files, old.Path)
		if err != nil {
			return err
		}
		if at == nil {
			f.skipped++
			continue
		}
		var before []byte
		if known {
			if before, err = s.blob(ctx, old.Blob); err != nil {
				return err
			}
		}
		row := o.row(named, old.Number+1, at.blob)
		measure(&row, before, at.text)
		if err := s.restored.complete(&row, &f.originals); err != nil {
			return err
		}
		f.add(row, at.path)
		a.revisions = append(a.revisions, row.ID)
	}
	if len(a.revisions) > 0 {
		f.attempts = append(f.attempts, a)
	}
	return nil
}

// state is the newest state of an artifact, as far as the batch is read.
func (f *found) state(device uuid.UUID, artifact string) (gitstoresql.Artifact, bool) {
	if st, ok := f.latest[device][artifact]; ok {
		return st, true
	}
	st, ok := f.before[device][artifact]
	return st, ok
}

// add makes a revision the newest of its artifact. No label fits the empty one, so the next result must come with its bytes: they are the original that is missing.
func (f *found) add(row gitstoresql.CreateRevisionsParams, at string) {
	f.revisions = append(f.revisions, row)
	old, _ := f.state(row.DeviceID, row.Artifact)
	if f.latest[row.DeviceID] == nil {
		f.latest[row.DeviceID] = map[string]gitstoresql.Artifact{}
	}
	f.latest[row.DeviceID][row.Artifact] = gitstoresql.Artifact{DeviceID: row.DeviceID, Name: row.Artifact, Path: at, RevisionID: row.ID,
		Number: row.Number, Blob: row.Blob, TextDigest: row.Digest, Fence: max(old.Fence, row.Fence), SeenAt: row.CreatedAt}
}

// located is an artifact's file in a commit.
type located struct {
	path string
	blob repo.Hash
	text []byte
}

// locate finds an artifact's file in its commit. Most often it is among the changed ones. A file that was there with the same text already (of a device that was
// made anew, for one) is not: it lies beside the others of the commit, or where the artifact was before. The digest decides. Nil when it is nowhere.
func (s *Service) locate(ctx context.Context, o *origin, a namedArtifact, files []repo.FileChange, old string) (*located, error) {
	name := repo.SafeName(a.name)
	var candidates []string
	for _, f := range files {
		if !f.New.IsZero() && path.Base(f.Path) == name {
			candidates = append(candidates, f.Path)
		}
	}
	for _, f := range files {
		if !f.New.IsZero() {
			candidates = append(candidates, path.Join(path.Dir(f.Path), name))
		}
	}
	if old != "" {
		candidates = append(candidates, old)
	}
	for _, p := range candidates {
		blob, err := s.repo.Lookup(ctx, o.commit.Hash, p)
		if errors.Is(err, repo.ErrNotFound) || errors.Is(err, repo.ErrPath) {
			continue
		}
		if err != nil {
			return nil, err
		}
		text, err := s.repo.Blob(ctx, blob)
		if err != nil {
			return nil, err
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) == a.digest {
			return &located{path: p, blob: blob, text: text}, nil
		}
	}
	return nil, nil //nolint:nilnil // nowhere is an answer, not a failure
}
