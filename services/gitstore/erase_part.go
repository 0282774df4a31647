package gitstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/netraven/netraven/services/gitstore/repo"
)

// erasedPart is one repository of an erasure.
type erasedPart struct {
	in   *bare
	head repo.Hash
	// after is the last commit that stays as it is.
	after             repo.Hash
	commits, affected int
	// hits are the commits that have what is erased.
	hits map[repo.Hash]bool
	// holds are the texts that change which commits of the devices brought here.
	holds map[repo.Hash]bool
	// made is set where something is affected.
	made *repo.Rewritten
}

// inOrder are all repositories by name.
func (e *eraser) inOrder() []*erasedPart {
	out := make([]*erasedPart, 0, len(e.parts))
	for _, name := range slices.Sorted(maps.Keys(e.parts)) {
		out = append(out, e.parts[name])
	}
	return out
}

// mustBeWhole checks that branch and database are at one place, and that nothing else keeps what is erased.
func (p *erasedPart) mustBeWhole(ctx context.Context) error {
	ref, err := p.in.Head()
	if err != nil {
		return err
	}
	if ref != p.head {
		return fmt.Errorf("the branch of %s is at %q, the database at %q: start serve once, which brings them together, and stop it", p.in.name, headText(ref), headText(p.head))
	}
	others, err := p.in.OtherRefs(ctx)
	if err == nil && len(others) > 0 {
		err = fmt.Errorf("the repository %s has refs that somebody made by hand, and they keep what is erased: remove %s first", p.in.name, strings.Join(others, ", "))
	}
	return err
}

// ownCommit tells whether a commit is a device's, and brought a text. Where an earlier erasure left it without that change, one of the device's before it brought the text to where it lies still.
func (p *erasedPart) ownCommit(ctx context.Context, device uuid.UUID, commit string, blob repo.Hash) (bool, error) {
	h, err := repo.ParseHash(commit)
	if err != nil {
		return false, err
	}
	c, err := p.in.Commit(h)
	if err != nil {
		return false, err
	}
	if yes, err := p.bringsTo(ctx, c, device, blob); yes || err != nil {
		return yes, err
	}
	if o := originOf(c); o == nil || o.device != device {
		return false, nil
	}
	for before, err := range p.in.Log(ctx, repo.Hash{}, h) {
		if err != nil {
			return false, err
		}
		if o := originOf(before); o == nil || o.device != device {
			continue
		}
		files, err := p.in.ChangedFiles(ctx, before)
		if err != nil {
			return false, err
		}
		for _, f := range files {
			if f.New != blob {
				continue
			}
			if at, err := p.in.Lookup(ctx, h, f.Path); err == nil && at == blob {
				return true, nil
			} else if err != nil && !errors.Is(err, repo.ErrNotFound) {
				return false, err
			}
		}
	}
	return false, nil
}

// brought tells whether any commit of a device brought a text.
func (p *erasedPart) brought(ctx context.Context, device uuid.UUID, blob repo.Hash) (bool, error) {
	for c, err := range p.in.Log(ctx, repo.Hash{}, p.head) {
		if err != nil {
			return false, err
		}
		if yes, err := p.bringsTo(ctx, c, device, blob); yes || err != nil {
			return yes, err
		}
	}
	return false, nil
}

func (p *erasedPart) bringsTo(ctx context.Context, c *repo.Commit, device uuid.UUID, blob repo.Hash) (bool, error) {
	if o := originOf(c); o == nil || o.device != device {
		return false, nil
	}
	files, err := p.in.ChangedFiles(ctx, c)
	return slices.ContainsFunc(files, func(f repo.FileChange) bool { return f.New == blob }), err
}
