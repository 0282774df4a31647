package repo

import (
	"context"
	"errors"
	"fmt"
	"maps"
)

// Rewrite says what becomes of a history. It is asked in the order of the commits, oldest first.
type Rewrite struct {
	// File is asked for each file that a commit adds or changes; nil keeps it.
	File func(c *Commit, path string, blob Hash) (*Replacement, error)
	// Commit may change Message and Author of a commit, or say that it goes: what it did to files that File keeps is then done by the commit that follows.
	Commit func(c *Commit) (goes bool, err error)
	// Done is told how many commits are through. Nil: nobody counts.
	Done func(commits int)
}

// Replacement is what comes instead of a file: other content, or nothing.
type Replacement struct {
	Content []byte
	Removed bool
}

// Rewritten is a history that is durable on disk beside the one it was made from, and that no ref names yet.
type Rewritten struct {
	Head Hash
	// Commits has the new name of each commit that has another one. Where all went, Head is a commit without files. That of a commit that went is the commit before it, zero where there is none.
	Commits map[Hash]Hash
	Bytes   int64
}

// ErrMerge says that a commit has two parents: none of ours has, and what the second one leads to is not rewritten.
var ErrMerge = errors.New("a merge, made by hand")

// rewriteObjects or rewriteBytes are in memory at once. A test makes it fewer.
var rewriteObjects = 20_000

const rewriteBytes = 64 << 20

// Rewrite makes the commits after `after` (zero: all) up to head again, with what w changes. Dates, committers and all that w leaves are as they were. It costs what the folders on the
// changed paths cost, for each commit; memory is bounded but for the names. Killed or failed, it leaves packs that nobody names, and may be repeated.
func (r *Repo) Rewrite(ctx context.Context, after, head Hash, w Rewrite) (*Rewritten, error) {
	r.writing.Lock()
	defer r.writing.Unlock()
	x := &rewriter{r: r, w: w, pack: newPackBuilder(), folders: map[string]folderBytes{}, out: &Rewritten{Head: after, Commits: map[Hash]Hash{}}}
	if !after.IsZero() {
		c, err := r.commit(after)
		if err != nil {
			return nil, err
		}
		x.oldTree, x.newTree = c.Tree, c.Tree
	}
	n := 0
	for c, err := range r.Log(ctx, after, head) {
		if err == nil {
			err = x.commit(c)
		}
		if err == nil {
			err = x.flush(rewriteObjects, rewriteBytes)
		}
		if err != nil {
			return nil, fmt.Errorf("repo: rewrite: %w", err)
		}
		if n++; w.Done != nil {
			w.Done(n)
		}
	}
	x.neverEmpty()
	if err := x.flush(0, 0); err != nil {
		return nil, fmt.Errorf("repo: rewrite: %w", err)
	}
	maps.DeleteFunc(x.out.Commits, func(old, next Hash) bool { return old == next })
	return x.out, nil
}

// rewriter walks two histories side by side: the old one, and the new one that grows beside it.
type rewriter struct {
	r    *Repo
	w    Rewrite
	pack *packBuilder
	// size of the pack so far.
	size             int
	oldTree, newTree Hash
	last             *Commit
	// folders are the new ones as they are now, by path: those of the pack cannot be read yet.
	folders map[string]folderBytes
	out     *Rewritten
}

type folderBytes struct {
	hash Hash
	data []byte
}

// commit makes one commit again.
func (x *rewriter) commit(c *Commit) error {
	k, raw, err := x.r.packs.read(c.Hash)
	if err != nil {
		return err
	}
	if k != kindCommit {
		return fmt.Errorf("%w: %s is a %s", ErrCorrupt, c.Hash, k)
	}
	next, err := x.folder(c, "", x.oldTree, c.Tree, x.newTree, 0)
	if err != nil {
		return err
	}
	x.oldTree, x.newTree, x.last = c.Tree, next, c
	changed := *c
	goes, err := x.w.Commit(&changed)
	if err != nil || goes {
		x.out.Commits[c.Hash] = x.out.Head
		return err
	}
	data, err := spliceCommit(raw, c, &changed, next, x.out.Head)
	if err != nil {
		return fmt.Errorf("commit %s: %w", c.Hash, err)
	}
	h := objectHash(kindCommit, data)
	x.add(&packObject{hash: h, kind: kindCommit, size: len(data)}, data)
	x.out.Commits[c.Hash], x.out.Head = h, h
	return nil
}

// folder does to a new folder what a commit did to the old one, and answers its name; zero when nothing is left of it.
func (x *rewriter) folder(c *Commit, path string, old, is, now Hash, depth int) (Hash, error) {
	if old == is {
		return now, nil
	}
	if depth > maxParts {
		return Hash{}, fmt.Errorf("%w: more than %d folders deep", ErrPath, maxParts)
	}
	before, err := x.r.tree(old)
	if err != nil {
		return Hash{}, err
	}
	after, err := x.r.tree(is)
	if err != nil {
		return Hash{}, err
	}
	olds, news, err := changedEntries(before, after)
	if err != nil {
		return Hash{}, err
	}
	base, err := x.bytes(path, now)
	if err != nil {
		return Hash{}, err
	}
	data := base
	for _, e := range olds {
		if find(news, e) == nil {
			if data, err = setEntry(data, e.name, e.dir, Hash{}); err != nil {
				return Hash{}, err
			}
			delete(x.folders, path+e.name+"/")
		}
	}
	for _, e := range news {
		h, was := e.hash, find(olds, e)
		if was != nil && was.hash == h {
			continue
		}
		if e.dir {
			mine, _, _, there, err := findEntry(data, e.name, true)
			if err != nil {
				return Hash{}, err
			}
			var from, to Hash
			if was != nil {
				from = was.hash
			}
			if there {
				to = mine.hash
			}
			h, err = x.folder(c, path+e.name+"/", from, e.hash, to, depth+1)
			if err != nil {
				return Hash{}, err
			}
		} else if h, err = x.file(c, path+e.name, e.hash); err != nil {
			return Hash{}, err
		}
		if data, err = setEntry(data, e.name, e.dir, h); err != nil {
			return Hash{}, err
		}
	}
	return x.keep(path, data, now, base), nil
}

func (x *rewriter) keep(path string, data []byte, old Hash, oldData []byte) Hash {
	if len(data) == 0 && path != "" {
		delete(x.folders, path)
		return Hash{}
	}
	h := objectHash(kindTree, data)
	x.folders[path] = folderBytes{h, data}
	if h != emptyTree && !x.r.packs.known(h) && x.pack.byHash[h] == nil {
		x.pack.addTree(h, data, old, oldData)
		x.size += len(x.pack.byHash[h].plain)
	}
	return h
}

// file answers what a file becomes; zero: nothing.
func (x *rewriter) file(c *Commit, path string, blob Hash) (Hash, error) {
	n, err := x.w.File(c, path, blob)
	switch {
	case err != nil:
		return Hash{}, err
	case n == nil:
		return blob, nil
	case n.Removed:
		return Hash{}, nil
	}
	h := objectHash(kindBlob, n.Content)
	x.add(&packObject{hash: h, kind: kindBlob, size: len(n.Content)}, n.Content)
	return h, nil
}

func (x *rewriter) add(o *packObject, data []byte) {
	if x.pack.byHash[o.hash] != nil || x.r.packs.known(o.hash) {
		return
	}
	if o.kind == kindBlob {
		o.data = deflate(thorough, data)
	} else {
		o.plain = data // deflated with the pack
	}
	x.pack.add(o)
	x.size += len(o.data) + len(o.plain)
}

// flush makes what was gathered durable and readable, if it is more than so much.
func (x *rewriter) flush(objects, size int) error {
	if x.pack.count() == 0 || x.pack.count() < objects && x.size < size {
		return nil
	}
	name, n, err := x.pack.write(x.r.fs, x.r.packDir())
	if err != nil {
		return err
	}
	x.pack, x.size = newPackBuilder(), 0
	clear(x.folders)
	x.out.Bytes += n
	return x.r.packs.add(packName(name))
}
