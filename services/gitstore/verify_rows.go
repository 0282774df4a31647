package gitstore

import (
	"context"
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
	v.s.log.Error("the history and its index do not fit together", "what", f.What, "revision", f.Revision, "device", f.Device, "repository", f.Repository, "artifact", f.Artifact, "commit", f.Commit)
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
				v.tellWrong(Finding{Revision: r.ID.String(), Device: r.DeviceID.String(), Artifact: r.Artifact, Repository: r.Repository, Commit: r.CommitHash, What: what})
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
func (v *verifier) compare(ctx context.Context, r gitstoresql.RevisionsFromRow) (string, error) {
	in, err := v.s.repos.get(r.Repository)
	if err != nil {
		return "its repository is not there", nil //nolint:nilerr // that is the finding
	}
	commit, err := repo.ParseHash(r.CommitHash)
	if err != nil {
		return "it names no commit", nil //nolint:nilerr // that is the finding
	}
	blob, err := repo.ParseHash(r.Blob)
	if err != nil {
		return "it names no text", nil //nolint:nilerr // that is the finding
	}
	_, err = in.Commit(commit) // of another device, where the text was in git already
	var text []byte
	if err == nil {
		text, err = in.Blob(ctx, blob)
	}
	if broken(err) {
		return "its commit or text cannot be read: " + err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	if digestOf(text) != r.Digest {
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
	heads, _, err := v.s.store.heads(ctx)
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
		case !a.Covered:
			what, err = v.atHead(ctx, heads[a.Repository], a)
		}
		if err != nil {
			return nil, nil, err
		}
		if what != "" {
			wrong = append(wrong, Finding{Revision: a.RevisionID.String(), Device: a.DeviceID.String(), Artifact: a.Name, Repository: a.Repository,
				What: what + "; netraven gitstore reindex makes the index again"})
		}
	}
	return page, wrong, nil
}

// atHead says whether the newest text is where a clone has it.
func (v *verifier) atHead(ctx context.Context, head repo.Hash, a gitstoresql.CompareArtifactsRow) (string, error) {
	in, err := v.s.repos.get(a.Repository)
	if err != nil || head.IsZero() {
		return "its repository is not there", nil //nolint:nilerr // that is the finding
	}
	at, err := in.Lookup(ctx, head, a.Path)
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
