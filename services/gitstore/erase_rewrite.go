package gitstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// rewrite makes the commits again, durably. Nothing names them yet.
func (e *eraser) rewrite(ctx context.Context) (*repo.Rewritten, error) {
	var digests []string // of the commit that is being made, old and new in turn
	total := e.out.Commits
	made, err := e.repo.Rewrite(ctx, e.after, e.head, repo.Rewrite{
		File: func(c *repo.Commit, _ string, blob repo.Hash) (*repo.Replacement, error) {
			if !e.concerns(c) {
				return nil, nil //nolint:nilnil // it stays
			}
			if e.cfg.Whole {
				return &repo.Replacement{Removed: true}, nil
			}
			content, changes, err := e.text(ctx, blob)
			if !changes || err != nil {
				return nil, err
			}
			t := e.changed[blob]
			digests = append(digests, t.was, t.digest)
			return &repo.Replacement{Content: content}, nil
		},
		Commit: func(c *repo.Commit) (bool, error) {
			mine := e.concerns(c)
			if mine {
				c.Message, c.Author = e.message(c), e.author(c.Author)
			}
			if len(digests) > 0 { // the trailers say what is in the files: the index can be made from them again
				c.Message, digests = strings.NewReplacer(digests...).Replace(c.Message), nil
			}
			return mine && e.cfg.Whole, nil
		},
		Done: func(n int) { e.cfg.Progress("rewriting", n, total) },
	})
	if err != nil {
		return nil, err
	}
	if made.Head.IsZero() {
		return nil, ErrNothingLeft
	}
	return made, e.repo.Complete(ctx, made.Head)
}

// mustOwnTexts refuses where a text belongs to a device to erase and to one to keep: a device that was made anew under the name and with the text of another one has no commit of its
// own for it.
func (e *eraser) mustOwnTexts(ctx context.Context) error {
	if len(e.devices) == 0 {
		return nil
	}
	err := e.store.eachRevision(ctx, e.devices, func(r gitstoresql.RevisionsInOrderRow) error {
		h, err := repo.ParseHash(r.Blob)
		if err != nil {
			return err
		}
		if _, known := e.changed[h]; known {
			return nil
		}
		if _, holds, err := e.text(ctx, h); err != nil || !holds {
			return err
		}
		delete(e.changed, h)
		return shared(r.DeviceID, r.ID)
	})
	if err != nil {
		return err
	}
	others, err := e.store.revisionsElsewhere(ctx, e.changed, e.devices)
	if err != nil {
		return err
	}
	for _, r := range others {
		own, err := e.ownCommit(ctx, r.DeviceID, r.CommitHash, r.Blob)
		if err != nil {
			return err
		}
		if !own {
			return shared(r.DeviceID, r.ID)
		}
	}
	return nil
}

func shared(device, revision uuid.UUID) error {
	return fmt.Errorf("the revision %s of the device %s shares its text and its commit with another device: erase both together", revision, device)
}

// ownCommit tells whether a revision's commit brought its text.
func (e *eraser) ownCommit(ctx context.Context, device uuid.UUID, commit, blob string) (bool, error) {
	h, err := repo.ParseHash(commit)
	if err != nil {
		return false, err
	}
	c, err := e.repo.Commit(h)
	if err != nil {
		return false, err
	}
	if o := originOf(c); o == nil || o.device != device {
		return false, nil
	}
	files, err := e.repo.ChangedFiles(ctx, c)
	return slices.ContainsFunc(files, func(f repo.FileChange) bool { return f.New.String() == blob }), err
}

// rows are what changes in the index: revisions whose text changes, and those that follow one, for their numbers of lines.
func (e *eraser) rows(ctx context.Context) (*erasedRows, error) {
	out := &erasedRows{}
	if e.cfg.Whole {
		return out, nil
	}
	var err error
	if out.suspects, err = e.suspects(ctx); err != nil {
		return nil, err
	}
	var last gitstoresql.RevisionsInOrderRow
	lastChanged := false
	err = e.store.eachRevision(ctx, e.devices, func(r gitstoresql.RevisionsInOrderRow) error {
		if r.DeviceID != last.DeviceID || r.Artifact != last.Artifact {
			last, lastChanged = gitstoresql.RevisionsInOrderRow{}, false
		}
		h, err := repo.ParseHash(r.Blob)
		if err != nil {
			return err
		}
		t, changes := e.changed[h]
		author := e.author(repo.Signature{Name: r.Author}).Name
		touched := changes || lastChanged || author != r.Author
		if changes {
			r.Blob = t.blob.String()
		}
		if touched {
			if err := e.addRow(ctx, out, r, last.Blob, author, t.digest, changes); err != nil {
				return err
			}
		}
		last, lastChanged = r, changes
		return nil
	})
	return out, err
}

// addRow measures a text against the one before it, both as they are now.
func (e *eraser) addRow(ctx context.Context, out *erasedRows, r gitstoresql.RevisionsInOrderRow, before, author, digest string, changes bool) error {
	var old []byte
	var err error
	if before != "" {
		if old, err = e.blob(ctx, before); err != nil {
			return err
		}
	}
	now, err := e.blob(ctx, r.Blob)
	if err != nil {
		return err
	}
	var m gitstoresql.CreateRevisionsParams
	measure(&m, old, now)
	p := &out.revisions
	p.Ids, p.Blobs, p.Digests, p.Sizes = append(p.Ids, r.ID), append(p.Blobs, r.Blob), append(p.Digests, digest), append(p.Sizes, m.Size)
	p.Added, p.Removed, p.Authors = append(p.Added, m.LinesAdded), append(p.Removed, m.LinesRemoved), append(p.Authors, author)
	if changes {
		out.changed = append(out.changed, r.ID)
	}
	return nil
}

func (e *eraser) blob(ctx context.Context, name string) ([]byte, error) {
	h, err := repo.ParseHash(name)
	if err != nil {
		return nil, err
	}
	return e.repo.Blob(ctx, h)
}
