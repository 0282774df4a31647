package repo

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/pjbgf/sha1cd"
	"golang.org/x/sync/errgroup"
)

// Prepare makes one commit per change on top of parent (zero: the first of the repository) and writes all their objects as one pack,
// durable on disk when it returns. No ref moves: the caller records the head in its database and then calls SetHead. Until then the
// batch may be dropped, and the same changes prepared again.
//
// A change that cannot be applied gives a *ChangeError and nothing is written; the others may be prepared without it. Any other error
// (disk full, context over) leaves the repository as it was. The deflated group is held in memory, so callers bound what they group.
func (r *Repo) Prepare(ctx context.Context, parent Hash, group []Change) (*Batch, error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	var root Hash
	if !parent.IsZero() {
		c, err := r.commit(parent)
		if err != nil {
			return nil, err
		}
		root = c.Tree
	}
	blobs, err := r.packBlobs(ctx, group)
	if err != nil {
		return nil, err
	}
	top, err := r.folderAt(root)
	if err != nil {
		return nil, err
	}
	pack := newPackBuilder()
	b := &Batch{Parent: parent, Head: parent, Commits: make([]Written, 0, len(group))}
	for i, c := range group {
		w, err := r.commitChange(c, b.Head, top, blobs[i], pack)
		if err != nil {
			return nil, &ChangeError{Index: i, Err: err}
		}
		b.Commits = append(b.Commits, w)
		b.Head = w.Commit
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := r.publish(b, pack); err != nil {
		return nil, fmt.Errorf("repo: %w", err)
	}
	return b, nil
}

// publish makes the group durable and readable.
func (r *Repo) publish(b *Batch, pack *packBuilder) error {
	if pack.count() > 0 {
		name, size, err := pack.write(r.fs, r.packDir())
		if err != nil {
			return err
		}
		if err := r.packs.add(packName(name)); err != nil {
			return err
		}
		b.Pack, b.Objects, b.Bytes = name, pack.count(), size
	}
	const most = 64 // batches that were dropped are forgotten; SetHead then walks instead
	if len(r.prepared) >= most {
		clear(r.prepared)
	}
	r.prepared[b.Head] = b.Parent
	return nil
}

// commitChange applies the edits of one change and adds what is new to the pack.
func (r *Repo) commitChange(c Change, parent Hash, top *folder, blobs []*packObject, pack *packBuilder) (Written, error) {
	if len(c.Edits) == 0 {
		return Written{}, errors.New("a change needs an edit")
	}
	root := top.orig
	w := Written{Blobs: make([]Hash, len(c.Edits))}
	for i, e := range c.Edits {
		if blobs[i] != nil {
			w.Blobs[i] = blobs[i].hash
		}
		if err := r.apply(top, e, w.Blobs[i]); err != nil {
			return Written{}, err
		}
	}
	var err error
	if w.Tree, err = r.settle(top, pack); err != nil {
		return Written{}, err
	}
	if w.Tree == root || parent.IsZero() && w.Tree == emptyTree {
		w.Commit, w.Unchanged = parent, true
		return w, nil
	}
	for _, o := range blobs {
		if o != nil && o.data != nil {
			pack.add(o)
		}
	}
	w.Commit = r.addCommit(c, parent, w.Tree, pack)
	return w, nil
}

func (r *Repo) addCommit(c Change, parent, tree Hash, pack *packBuilder) Hash {
	when := firstTime(c.When, c.Author.When)
	author, committer := c.Author, r.opts.Committer
	if author.Name == "" {
		author.Name, author.Email = committer.Name, committer.Email
	}
	author.When, committer.When = firstTime(c.Author.When, when), when
	data := encodeCommit(tree, parent, author, committer, c.Message)
	h := objectHash(kindCommit, data)
	if pack.byHash[h] == nil {
		pack.add(&packObject{hash: h, kind: kindCommit, size: len(data), plain: data})
	}
	return h
}

func firstTime(a, b time.Time) time.Time {
	if a.IsZero() {
		return b
	}
	return a
}

// packBlobs names and deflates the content of every Put, on all processors: it is most of the work and needs no order.
// Content the repository has already is named only (data stays nil).
func (r *Repo) packBlobs(ctx context.Context, group []Change) ([][]*packObject, error) {
	out := make([][]*packObject, len(group))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, c := range group {
		out[i] = make([]*packObject, len(c.Edits))
		g.Go(func() error {
			for j, e := range c.Edits {
				if e.Removed || e.From != "" {
					continue
				}
				o, err := r.packBlob(e.Content)
				if err != nil {
					return &ChangeError{Index: i, Err: err}
				}
				out[i][j] = o
			}
			return ctx.Err()
		})
	}
	return out, g.Wait()
}

// packBlob names content with the hasher that notices crafted collisions: content is what devices say, and git refuses such an object.
func (r *Repo) packBlob(content []byte) (*packObject, error) {
	if len(content) > r.opts.MaxObject {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(content), r.opts.MaxObject)
	}
	o := &packObject{kind: kindBlob, size: len(content)}
	h := sha1cd.New().(sha1cd.CollisionResistantHash) //nolint:forcetypeassert // documented
	o.hash = sumObject(h, kindBlob, content)
	if _, crafted := h.CollisionResistantSum(nil); crafted {
		return nil, ErrCollision
	}
	if !r.packs.known(o.hash) {
		o.data = deflate(quick, content)
	}
	return o, nil
}
