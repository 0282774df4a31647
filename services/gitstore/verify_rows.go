package gitstore

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// tellWrong tells of a row or commit.
func (v *verifier) tellWrong(f Finding) {
	if !v.count(f) {
		return
	}
	v.s.log.Error("the history and its index do not fit together", "what", f.What, "revision", f.Revision, "device", f.Device, "artifact", f.Artifact, "commit", f.Commit)
}

func (v *verifier) tell(part string, done, total int) {
	if v.say != nil {
		v.say(part, done, total)
	}
}

// broken tells whether an error is a finding; any other ends the pass.
func broken(err error) bool {
	return errors.Is(err, repo.ErrCorrupt) || errors.Is(err, repo.ErrNotFound)
}

// commits walks from the head back to the first commit: each can be read, with the folders that it changed, and the index has what it made.
func (v *verifier) commits(ctx context.Context) error {
	at, err := v.s.store.head(ctx)
	if err != nil {
		return err
	}
	if text, _ := v.where(); text != "" {
		if at, err = repo.ParseHash(text); err != nil {
			return err
		}
	}
	var origins []*origin
	for n := 0; !at.IsZero(); n++ {
		c, err := v.repo.Commit(at)
		if broken(err) {
			v.tellWrong(Finding{Commit: at.String(), What: "the commit cannot be read, nor what came before it: " + err.Error()})
			break
		}
		if err != nil {
			return err
		}
		if err := v.readable(ctx, c); err != nil {
			return err
		}
		if o := originOf(c); o != nil {
			origins = append(origins, o)
		}
		if at = c.Parent; len(origins) >= verifyPage {
			if err := v.indexed(ctx, origins); err != nil {
				return err
			}
			origins = origins[:0]
			v.tell("commits", n, 0)
			if err := v.reach(at.String(), 0); err != nil {
				return err
			}
		}
		if v.pace != nil {
			if err := v.pace(ctx, 4*verifyStep); err != nil {
				return err
			}
		}
	}
	return v.indexed(ctx, origins)
}

// readable reads the folders that a commit changed, and finds its files.
func (v *verifier) readable(ctx context.Context, c *repo.Commit) error {
	files, err := v.repo.ChangedFiles(ctx, c)
	for _, f := range files {
		if err != nil || f.New.IsZero() {
			continue
		}
		var has bool
		if has, err = v.repo.Has(f.New); err == nil && !has {
			err = fmt.Errorf("%w: %s", repo.ErrNotFound, f.Path)
		}
	}
	if broken(err) {
		v.tellWrong(Finding{Commit: c.Hash.String(), Device: c.Trailers.Get(repo.TrailerDevice), What: "what the commit changed cannot be read: " + err.Error()})
		return nil
	}
	return err
}

// indexed looks for the rows of commits.
func (v *verifier) indexed(ctx context.Context, origins []*origin) error {
	rows, err := v.s.store.revisionsOf(ctx, origins)
	if err != nil {
		return err
	}
	for _, o := range origins {
		for _, a := range o.artifacts {
			digest, ok := rows[committed{o.commit.Hash.String(), o.device, a.name}]
			if ok && digest == a.digest {
				continue
			}
			what := "the index lacks what the commit made"
			if ok {
				what = "the index has another digest than the commit"
			}
			v.tellWrong(Finding{Commit: o.commit.Hash.String(), Device: o.device.String(), Artifact: a.name, What: what + "; netraven gitstore reindex makes it again"})
		}
	}
	return nil
}

// revisions reads every row's commit and text.
func (v *verifier) revisions(ctx context.Context) error {
	after := uuid.Nil
	if text, _ := v.where(); text != "" {
		var err error
		if after, err = uuid.Parse(text); err != nil {
			return err
		}
	}
	for n := 0; ; {
		rows, err := v.s.store.revisionsFrom(ctx, after)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			what, err := v.compare(ctx, r)
			if err != nil {
				return err
			}
			if what != "" {
				v.tellWrong(Finding{Revision: r.ID.String(), Device: r.DeviceID.String(), Artifact: r.Artifact, Commit: r.CommitHash, What: what})
			}
			if err := v.step(ctx, r.ID.String(), 0, int(r.Size)); err != nil {
				return err
			}
		}
		n, after = n+len(rows), rows[len(rows)-1].ID
		v.tell("revisions", n, 0)
	}
}

// compare says what is wrong with a row; empty when nothing is.
func (v *verifier) compare(ctx context.Context, r gitstoresql.Revision) (string, error) {
	commit, err := repo.ParseHash(r.CommitHash)
	if err != nil {
		return "it names no commit", nil //nolint:nilerr // that is the finding
	}
	blob, err := repo.ParseHash(r.Blob)
	if err != nil {
		return "it names no text", nil //nolint:nilerr // that is the finding
	}
	_, err = v.repo.Commit(commit) // of another device, where the text was in git already
	var text []byte
	if err == nil {
		text, err = v.repo.Blob(ctx, blob)
	}
	if broken(err) {
		return "its commit or text cannot be read: " + err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != r.Digest {
		return "its text is not what its digest says", nil
	}
	return "", nil
}

// artifacts compares what is newest with the revisions and with the head.
func (v *verifier) artifacts(ctx context.Context) error {
	var after place
	if text, _ := v.where(); text != "" {
		device, name, _ := strings.Cut(text, " ")
		id, err := uuid.Parse(device)
		if err != nil {
			return err
		}
		after = place{id, name}
	}
	for n := 0; ; {
		page, wrong, err := v.compareNewest(ctx, after)
		if len(wrong) > 0 && err == nil { // a commit may have come between: once more, with nobody writing
			v.s.writing.Lock()
			page, wrong, err = v.compareNewest(ctx, after)
			v.s.writing.Unlock()
		}
		if err != nil || len(page) == 0 {
			return err
		}
		for _, f := range wrong {
			v.tellWrong(f)
		}
		last := page[len(page)-1]
		n, after = n+len(page), place{last.DeviceID, last.Name}
		v.tell("artifacts", n, 0)
		if err := v.step(ctx, last.DeviceID.String()+" "+last.Name, 0, len(page)*verifyStep); err != nil {
			return err
		}
	}
}

func (v *verifier) compareNewest(ctx context.Context, after place) ([]gitstoresql.CompareArtifactsRow, []Finding, error) {
	head, err := v.s.store.head(ctx)
	if err != nil {
		return nil, nil, err
	}
	page, err := v.s.store.compareArtifacts(ctx, after)
	if err != nil {
		return nil, nil, err
	}
	var wrong []Finding
	for _, a := range page {
		what := ""
		switch {
		case a.NewestNumber == 0:
			what = "its newest revision is missing"
		case a.NewestNumber != a.Number || a.NewestBlob != a.Blob || a.NewestDigest != a.TextDigest:
			what = "its newest revision is not what is known as newest"
		case a.Revisions != a.Number:
			what = fmt.Sprintf("it has %d revisions, and the newest has number %d", a.Revisions, a.Number)
		case a.Owners == 1: // a device made anew under an old name takes the place of the old one's file
			what, err = v.atHead(ctx, head, a)
		}
		if err != nil {
			return nil, nil, err
		}
		if what != "" {
			wrong = append(wrong, Finding{Revision: a.RevisionID.String(), Device: a.DeviceID.String(), Artifact: a.Name, What: what + "; netraven gitstore reindex makes the index again"})
		}
	}
	return page, wrong, nil
}

// atHead says whether the newest text is where a clone has it.
func (v *verifier) atHead(ctx context.Context, head repo.Hash, a gitstoresql.CompareArtifactsRow) (string, error) {
	at, err := v.repo.Lookup(ctx, head, a.Path)
	switch {
	case broken(err):
		return "its file is not in the newest commit: " + err.Error(), nil
	case err != nil:
		return "", err
	case at.String() != a.Blob:
		return "its file in the newest commit has another text", nil
	}
	return "", nil
}
