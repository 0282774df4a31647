package repo

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Has reports whether an object is in the repository, also one that git added beside this process.
func (r *Repo) Has(h Hash) (bool, error) { return r.packs.has(h) }

// Blob gives the content of a file by its name, checked against that name. It reads one place of one pack (and the bases of a
// delta). ErrNotFound when there is no such file, ErrCorrupt when the bytes on disk are not what they were.
func (r *Repo) Blob(ctx context.Context, h Hash) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	k, data, err := r.packs.read(h)
	if err != nil {
		return nil, err
	}
	if k != kindBlob {
		return nil, fmt.Errorf("%w: %s is a %s, not a file", ErrNotFound, h, k)
	}
	return data, nil
}

// Log walks the commits after `after` (zero: from the first one) up to and including `until`, oldest first, along first parents.
// It first collects names (20 bytes a commit), then reads commit by commit. ErrDiverged when until does not descend from after.
// The walk stops at the first error, which is the last thing yielded.
func (r *Repo) Log(ctx context.Context, after, until Hash) iter.Seq2[*Commit, error] {
	return func(yield func(*Commit, error) bool) {
		var path []Hash
		for h := until; h != after; {
			c, err := r.commit(h)
			if err == nil {
				err = ctx.Err()
			}
			if err == nil && c.Parent.IsZero() && !after.IsZero() {
				err = fmt.Errorf("%w: %s does not descend from %s", ErrDiverged, until, after)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			path = append(path, h)
			h = c.Parent
		}
		for _, p := range slices.Backward(path) {
			c, err := r.commit(p)
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(c, nil) {
				return
			}
		}
	}
}

// FileChange is one file that differs between two folders. A zero hash means it is not there.
type FileChange struct {
	Path     string
	Old, New Hash
}

// ChangedFiles lists the files that differ between a commit and its first parent, ordered by path. It opens only folders that differ.
func (r *Repo) ChangedFiles(ctx context.Context, c *Commit) ([]FileChange, error) {
	var old Hash
	if !c.Parent.IsZero() {
		p, err := r.commit(c.Parent)
		if err != nil {
			return nil, err
		}
		old = p.Tree
	}
	return r.diffTrees(ctx, nil, "", old, c.Tree)
}

// Files lists every file of a commit with its blob in New, ordered by path.
func (r *Repo) Files(ctx context.Context, c *Commit) ([]FileChange, error) {
	return r.diffTrees(ctx, nil, "", Hash{}, c.Tree)
}

func (r *Repo) diffTrees(ctx context.Context, out []FileChange, prefix string, a, b Hash) ([]FileChange, error) {
	if a == b {
		return out, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if strings.Count(prefix, "/") > maxParts {
		return nil, fmt.Errorf("%w: more than %d folders deep", ErrPath, maxParts)
	}
	before, err := r.tree(a)
	if err != nil {
		return nil, err
	}
	after, err := r.tree(b)
	if err != nil {
		return nil, err
	}
	olds, news, err := changedEntries(before, after)
	if err != nil {
		return nil, err
	}
	for len(olds) > 0 || len(news) > 0 {
		var o, n treeEntry
		switch takeOld, takeNew := order(olds, news); {
		case takeOld && takeNew:
			o, n, olds, news = olds[0], news[0], olds[1:], news[1:]
		case takeOld:
			o, olds = olds[0], olds[1:]
		default:
			n, news = news[0], news[1:]
		}
		if o.hash == n.hash {
			continue
		}
		name := prefix + o.name
		if o.name == "" {
			name = prefix + n.name
		}
		if o.dir || n.dir {
			out, err = r.diffTrees(ctx, out, name+"/", o.hash, n.hash)
		} else {
			out = append(out, FileChange{Path: name, Old: o.hash, New: n.hash})
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// order says which of two sorted folders has the next entry; both, when it has the same name and kind.
func order(olds, news []treeEntry) (takeOld, takeNew bool) {
	if len(olds) == 0 || len(news) == 0 {
		return len(olds) > 0, len(news) > 0
	}
	o, n := olds[0], news[0]
	if o.name == n.name && o.dir == n.dir {
		return true, true
	}
	first := before(o.name, o.dir, []byte(n.name), n.dir)
	return first, !first
}
