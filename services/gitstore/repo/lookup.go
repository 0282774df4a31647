package repo

import (
	"context"
	"fmt"
	"strings"
)

// Lookup finds the file at a path as of a commit. ErrNotFound when there is none.
func (r *Repo) Lookup(ctx context.Context, commit Hash, path string) (Hash, error) {
	e, err := r.lookup(ctx, commit, path)
	if err == nil && e.dir {
		err = fmt.Errorf("%w: %s in %s is a folder", ErrNotFound, path, commit)
	}
	return e.hash, err
}

// Entries is how many files and folders the folder at a path has as of a commit. ErrNotFound when there is none.
func (r *Repo) Entries(ctx context.Context, commit Hash, path string) (int, error) {
	e, err := r.lookup(ctx, commit, path)
	if err == nil && !e.dir {
		err = fmt.Errorf("%w: %s in %s is a file", ErrNotFound, path, commit)
	}
	if err != nil {
		return 0, err
	}
	data, err := r.tree(e.hash)
	if err != nil {
		return 0, err
	}
	list, err := entries(data)
	return len(list), err
}

// lookup finds what is at a path.
func (r *Repo) lookup(ctx context.Context, commit Hash, path string) (treeEntry, error) {
	c, err := r.commit(commit)
	if err != nil {
		return treeEntry{}, err
	}
	parts, err := splitPath(path)
	if err != nil {
		return treeEntry{}, err
	}
	at := treeEntry{dir: true, hash: c.Tree}
	for _, name := range parts {
		if err := ctx.Err(); err != nil {
			return treeEntry{}, err
		}
		found := false
		if at.dir {
			data, err := r.tree(at.hash)
			if err != nil {
				return treeEntry{}, err
			}
			if at, _, _, found, err = findEntry(data, name, false); err != nil {
				return treeEntry{}, err
			}
		}
		if !found {
			return treeEntry{}, fmt.Errorf("%w: %s in %s", ErrNotFound, path, commit)
		}
	}
	return at, nil
}

// FoldTwin looks for something at a path that differs from it in case only, in any component: a clone on a file system without case
// would lose one of the two. It gives the twin's path up to that component, empty when there is none. Callers ask before a device's
// first commit, and use FoldedName where there is one.
func (r *Repo) FoldTwin(commit Hash, path string) (string, error) {
	parts, err := splitPath(path)
	if err != nil || commit.IsZero() {
		return "", err
	}
	c, err := r.commit(commit)
	if err != nil {
		return "", err
	}
	at := c.Tree
	for i, name := range parts {
		data, err := r.tree(at)
		if err != nil {
			return "", err
		}
		list, err := entries(data)
		if err != nil {
			return "", err
		}
		var next Hash
		for _, e := range list {
			if e.name == name {
				next = e.hash
			} else if strings.EqualFold(e.name, name) {
				return strings.Join(append(parts[:i:i], e.name), "/"), nil
			}
		}
		if next.IsZero() || i == len(parts)-1 {
			return "", nil
		}
		at = next
	}
	return "", nil
}
