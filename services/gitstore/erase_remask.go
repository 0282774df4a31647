package gitstore

import (
	"context"
	"fmt"
	"slices"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// blankRemasked adds the texts that revisions had before changed pages masked them anew. The index has forgotten them; commits have not.
func (e *eraser) blankRemasked(ctx context.Context, rows []gitstoresql.RevisionsByIDsRow) error {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r gitstoresql.RevisionsByIDsRow) bool { return !r.Remasked })
	if len(rows) == 0 {
		return nil
	}
	for _, p := range e.inOrder() {
		for c, err := range p.in.Log(ctx, repo.Hash{}, p.head) {
			if err == nil {
				err = e.blankOf(ctx, p, c, rows)
			}
			if err != nil {
				return fmt.Errorf("repository %s: %w", p.in.name, err)
			}
		}
	}
	return nil
}

// blankOf adds the texts of a commit that are, or were, those of some revisions.
func (e *eraser) blankOf(ctx context.Context, p *erasedPart, c *repo.Commit, rows []gitstoresql.RevisionsByIDsRow) error {
	o := originOf(c)
	if o == nil {
		return nil
	}
	for _, a := range o.artifacts {
		if !slices.ContainsFunc(rows, func(r gitstoresql.RevisionsByIDsRow) bool {
			return r.DeviceID == o.device && r.Artifact == a.name && (a.remasked == r.Number || key{r.TaskID, r.Fence} == o.key())
		}) {
			continue
		}
		files, err := p.in.ChangedFiles(ctx, c)
		if err != nil {
			return err
		}
		at, err := locate(ctx, p.in, o, a, files, "")
		if err != nil {
			return err
		}
		if at != nil {
			e.blank[at.blob] = true
		}
	}
	return nil
}
