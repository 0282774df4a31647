package gitstore

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// found is what a batch of commits adds to the index.
type found struct {
	revisions []gitstoresql.CreateRevisionsParams
	// before are the newest states as the database has them, latest those that the batch makes newer.
	before, latest states
	attempts       []foundAttempt
	// lies are the files that were put, and whose they are since.
	lies map[filed]place
	// moved are the artifacts of which a newest state moved, or was masked anew.
	moved []place
	// remasked are the revisions that were, by number: each with its newest text.
	remasked map[numbered]gitstoresql.CreateRevisionsParams
	// kept are the ids that rows of a commit have in the index and keep: a reindex has their rows only to correct them.
	kept map[madeKey]uuid.UUID
	// last is the time in the newest id of each device, as far as the batch is read.
	last map[uuid.UUID]time.Time
	// originals are what a restored mirror had of the revisions.
	originals gitstoresql.PutOriginalsParams
	// waits is the one that waits for another repository.
	waits *origin
	// read counts the commits that were, and skipped those among them without our trailers, and artifacts that are not where a commit of ours has them.
	read, skipped int
}

// foundAttempt is an attempt that made a commit.
type foundAttempt struct {
	origin    *origin
	revisions []uuid.UUID
}

// find reads what commits say, in their order, up to the first whose device has revisions in another repository that come before and are not indexed yet, unless it
// is to go through. Attempts that the database knows are left out.
func (s *Service) find(ctx context.Context, in *bare, commits []*repo.Commit, through *origin) (*found, error) {
	f := &found{latest: states{}, lies: map[filed]place{}, last: map[uuid.UUID]time.Time{}, remasked: map[numbered]gitstoresql.CreateRevisionsParams{}, originals: gitstoresql.PutOriginalsParams{Repository: repository}}
	origins := make([]*origin, len(commits))
	var ours []*origin
	var devices []uuid.UUID
	for i, c := range commits {
		if origins[i] = originOf(c); origins[i] != nil {
			ours, devices = append(ours, origins[i]), append(devices, origins[i].device)
		}
	}
	known, err := s.store.knownOrigins(ctx, ours)
	if err != nil {
		return nil, err
	}
	if f.before, err = s.store.states(ctx, devices); err != nil {
		return nil, err
	}
	for _, o := range origins {
		switch {
		case o == nil:
			f.skipped++
		case known[o.key()]:
		case f.mustWait(o) && (through == nil || o.commit.Hash != through.commit.Hash):
			f.waits = o
			return f, nil
		default:
			if err := s.findOne(ctx, f, in, o); err != nil {
				return nil, fmt.Errorf("commit %s: %w", o.commit.Hash, err)
			}
		}
		f.read++
	}
	return f, nil
}

// mustWait tells whether revisions of another repository come first, or what a changed page made of one there. What a page made of a text of the same repository waits for nothing: where the
// revision is not known, no commit has it (its text was in git already when it was stored).
func (f *found) mustWait(o *origin) bool {
	return slices.ContainsFunc(o.artifacts, func(a namedArtifact) bool {
		st, _ := f.state(o.device, a.name)
		remaskedFirst := a.was != "" && a.was != st.TextDigest && a.earlier == st.Number && o.fence > st.Fence
		return st.Number < a.earlier || remaskedFirst
	})
}

// findOne adds the revisions of one commit.
func (s *Service) findOne(ctx context.Context, f *found, in *bare, o *origin) error {
	if len(o.artifacts) == 0 {
		return nil
	}
	files, err := in.ChangedFiles(ctx, o.commit)
	if err != nil {
		return err
	}
	a := foundAttempt{origin: o}
	for _, named := range o.artifacts {
		old, known := f.state(o.device, named.name)
		at, err := locate(ctx, in, o, named, files, old.Path)
		if err != nil {
			return err
		}
		if at == nil {
			f.skipped++
			continue
		}
		if known && named.isNoRevision(old) {
			f.follow(old, o, named, at)
			continue
		}
		var before []byte
		if known {
			if before, err = s.blob(ctx, old.Repository, old.Blob); err != nil {
				return err
			}
		}
		row := o.row(named, max(old.Number, named.before())+1, at)
		measure(&row, before, at.text)
		restored, err := s.restored.complete(&row, &f.originals)
		if err != nil {
			return err
		}
		if !restored {
			f.date(&row)
		}
		f.last[row.DeviceID] = timeOf(row.ID)
		f.add(row, at)
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
func (f *found) add(row gitstoresql.CreateRevisionsParams, at *located) {
	f.revisions = append(f.revisions, row)
	old, _ := f.state(row.DeviceID, row.Artifact)
	f.put(gitstoresql.Artifact{DeviceID: row.DeviceID, Name: row.Artifact, Repository: at.repository, Path: at.path, RevisionID: row.ID,
		Number: row.Number, Blob: row.Blob, TextDigest: row.Digest, Fence: max(old.Fence, row.Fence), SeenAt: row.CreatedAt})
}

// isNoRevision tells whether a commit brought the text of a revision that was known then: it moved, from another repository or a name, or a changed page masked it anew. Where newer
// ones are known it did so too: a new one would be among them.
func (a namedArtifact) isNoRevision(newest gitstoresql.Artifact) bool {
	same := !a.another && (a.digest == a.was || a.was == "" && a.digest == newest.TextDigest)
	moved := a.earlier > 0 && (a.earlier < newest.Number || same)
	return a.known() <= newest.Number && (moved || a.remasked > 0)
}

// follow says where the newest state of an artifact lies, which stays the revision that it is, and what text it has there. One that a revision or another such commit came after, in another
// repository, says nothing of that: at most what text the revision had last.
func (f *found) follow(st gitstoresql.Artifact, o *origin, a namedArtifact, at *located) {
	late := a.known() < st.Number || o.fence < st.Fence
	if a.remasked > 0 || a.digest != st.TextDigest && !late { // a page may bring back a text that was there before
		f.remask(o, a, at)
	}
	if late {
		return
	}
	if a.digest != st.TextDigest {
		st.Blob, st.TextDigest, st.Label, st.Digest = at.blob.String(), a.digest, "", "" // as in add
	}
	st.Repository, st.Path, st.Fence = at.repository, at.path, o.fence
	f.put(st)
	f.moved = append(f.moved, place{st.DeviceID, st.Name})
}

// remask gives a revision another text. The last attempt counts, in whatever order commits of several repositories are read.
func (f *found) remask(o *origin, a namedArtifact, at *located) {
	of := numbered{o.device, a.name, a.known()}
	if f.remasked[of].Fence > o.fence {
		return
	}
	row := o.row(a, a.known(), at)
	measure(&row, nil, at.text)
	f.remasked[of] = row
}

func (f *found) put(st gitstoresql.Artifact) {
	if f.latest[st.DeviceID] == nil {
		f.latest[st.DeviceID] = map[string]gitstoresql.Artifact{}
	}
	at, of := filed{st.Repository, st.Path}, place{st.DeviceID, st.Name}
	was, lay := f.lies[at]
	if old, known := f.latest[was.device][was.name]; lay && was != of && known && (filed{old.Repository, old.Path}) == at {
		old.Covered = true
		f.latest[was.device][was.name] = old
	}
	f.lies[at] = of
	st.Covered = false
	f.latest[st.DeviceID][st.Name] = st
}

// located is an artifact's file in a commit.
type located struct {
	repository, path string
	blob             repo.Hash
	text             []byte
}

// locate finds an artifact's file in its commit. Most often it is among the changed ones. A file that was there with the same text already (of a device that was
// made anew, for one) is not: it lies beside the others of the commit, or where the artifact was before. The digest decides. Nil when it is nowhere.
func locate(ctx context.Context, in *bare, o *origin, a namedArtifact, files []repo.FileChange, old string) (*located, error) {
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
		blob, err := in.Lookup(ctx, o.commit.Hash, p)
		if errors.Is(err, repo.ErrNotFound) || errors.Is(err, repo.ErrPath) {
			continue
		}
		if err != nil {
			return nil, err
		}
		text, err := in.Blob(ctx, blob)
		if err != nil {
			return nil, err
		}
		if digestOf(text) == a.digest {
			return &located{repository: in.name, path: p, blob: blob, text: text}, nil
		}
	}
	return nil, nil //nolint:nilnil // nowhere is an answer, not a failure
}
