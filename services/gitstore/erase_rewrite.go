package gitstore

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// rewriteAll makes the commits of all repositories again that have what is erased, durably. Nothing names them yet.
func (e *eraser) rewriteAll(ctx context.Context) (affected []*erasedPart, err error) {
	total, done := 0, 0
	for _, p := range e.inOrder() {
		if p.affected > 0 {
			affected, total = append(affected, p), total+p.commits
		}
	}
	for _, p := range affected {
		p.made, err = e.rewrite(ctx, p, func(n int) { e.cfg.Progress("rewriting", done+n, total) })
		if err != nil {
			return nil, fmt.Errorf("repository %s: %w", p.in.name, err)
		}
		done += p.commits
	}
	return affected, nil
}

func (e *eraser) rewrite(ctx context.Context, p *erasedPart, progress func(n int)) (*repo.Rewritten, error) {
	made, err := p.in.Rewrite(ctx, p.after, p.head, repo.Rewrite{
		File: func(c *repo.Commit, _ string, blob repo.Hash) (*repo.Replacement, error) {
			if !e.concerns(c) {
				return nil, nil //nolint:nilnil // it stays
			}
			if e.cfg.Whole {
				return &repo.Replacement{Removed: true}, nil
			}
			content, changes, err := e.text(ctx, p, blob)
			if !changes || err != nil {
				return nil, err
			}
			return &repo.Replacement{Content: content}, nil
		},
		Commit: func(c *repo.Commit) (bool, error) {
			mine := e.concerns(c)
			if mine {
				c.Message, c.Author = e.digests(e.message(c)), e.author(c.Author)
			}
			return mine && e.cfg.Whole, nil
		},
		Done: progress,
	})
	if err != nil {
		return nil, err
	}
	return made, p.in.Connected(ctx, made.Head)
}

// digests has the trailers of a message say what is in the files: the index can be made from them again. Where a text of another repository became
// the same as the one that came after it, they say that the two were different.
func (e *eraser) digests(message string) string {
	lines, digest := strings.Split(message, "\n"), ""
	for i, line := range lines {
		key, value, _ := strings.Cut(line, ": ")
		number, was, _ := strings.Cut(value, " ")
		was, another, _ := strings.Cut(was, " ")
		switch key {
		case repo.TrailerDigest:
			digest = value
			if now, changes := e.becomes[value]; changes {
				lines[i] = key + ": " + now
			}
		case repo.TrailerEarlier:
			if was == "" {
				continue
			}
			now := cmp.Or(e.becomes[was], was)
			if another != "" || was != digest && now == cmp.Or(e.becomes[digest], digest) {
				now += " " + anotherText
			}
			lines[i] = key + ": " + number + " " + now
		}
	}
	return strings.Join(lines, "\n")
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
			if err := e.addRow(ctx, out, r, last, author, t.digest, changes); err != nil {
				return err
			}
		}
		last, lastChanged = r, changes
		return nil
	})
	return out, err
}

// addRow measures a text against the one before it, both as they are now.
func (e *eraser) addRow(ctx context.Context, out *erasedRows, r, before gitstoresql.RevisionsInOrderRow, author, digest string, changes bool) error {
	var old []byte
	var err error
	if before.Blob != "" {
		if old, err = e.repos.blob(ctx, before.Repository, before.Blob); err != nil {
			return err
		}
	}
	now, err := e.repos.blob(ctx, r.Repository, r.Blob)
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
