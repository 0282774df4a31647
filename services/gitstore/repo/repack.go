package repo

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// Folded is what Repack did.
type Folded struct {
	Before, After int // packs
	// Left says that packs which are no longer needed stay for now, because git is reading them for somebody.
	Left bool
}

// PackCount is the number of packs in use. Reads look into each until they find an object, so some dozens are fine, thousands are not.
func (r *Repo) PackCount() int {
	r.packs.mu.RLock()
	defer r.packs.mu.RUnlock()
	return len(r.packs.packs)
}

// Repack has git fold small packs into larger ones (each at least twice the next), with deltas between versions of a file. Reads,
// writes and clones go on meanwhile. Packs are taken away only after everything in them is in other packs that are durable, and only at a
// moment when no git process reads this repository; otherwise they stay until the next call. It blocks for as long as git needs.
func (r *Repo) Repack(ctx context.Context) (Folded, error) {
	if err := r.packs.scan(); err != nil {
		return Folded{}, fmt.Errorf("repo: %w", err)
	}
	old := r.packs.list()
	f := Folded{Before: len(old), After: len(old)}
	// No -d: git would delete without looking who reads.
	if _, err := r.git(ctx, 1<<20, "repack", "--quiet", "--geometric=2"); err != nil {
		return f, err
	}
	if err := r.fs.SyncDir(r.packDir()); err != nil {
		return f, fmt.Errorf("repo: %w", err)
	}
	if err := r.packs.scan(); err != nil {
		return f, fmt.Errorf("repo: %w", err)
	}
	if !r.reading.TryLock() {
		f.After, f.Left = r.PackCount(), true
		return f, nil
	}
	defer r.reading.Unlock()
	if err := r.dropFolded(old); err != nil {
		return f, fmt.Errorf("repo: %w", err)
	}
	f.After = r.PackCount()
	return f, nil
}

// dropFolded takes away every pack of old, small ones first, whose objects are all in the packs that remain.
func (r *Repo) dropFolded(old []*packFile) error {
	r.writing.Lock() // a batch being prepared counts on what it saw
	defer r.writing.Unlock()
	slices.SortFunc(old, func(a, b *packFile) int { return cmp.Compare(a.idx.count, b.idx.count) })
	remain := r.packs.list()
	for _, p := range old {
		others := slices.DeleteFunc(slices.Clone(remain), func(o *packFile) bool { return o == p })
		if len(others) == len(remain) || !p.coveredBy(others) {
			continue
		}
		if err := r.removePack(p.name); err != nil {
			return err
		}
		r.packs.forget(filepath.Base(p.name) + ".pack")
		remain = others
	}
	return r.packs.scan()
}

func (p *packFile) coveredBy(others []*packFile) bool {
	for i := range p.idx.count {
		h, found := p.idx.name(i), false
		for _, o := range others {
			if _, found = o.idx.find(h); found {
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// removePack takes the index first: without it git does not look at the rest.
func (r *Repo) removePack(name string) error {
	if err := r.fs.Remove(name + ".idx"); err != nil {
		return err
	}
	rest, err := filepath.Glob(name + ".*")
	if err != nil {
		return err
	}
	for _, file := range rest {
		if strings.HasSuffix(file, ".idx") {
			continue
		}
		if err := r.fs.Remove(file); err != nil {
			return err
		}
	}
	return nil
}

// list is the packs as they are now.
func (s *packSet) list() []*packFile {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return append([]*packFile(nil), s.packs...)
}
