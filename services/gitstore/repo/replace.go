package repo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ReplaceHead moves the branch from old to next though next does not continue it: the end of Rewrite, and the one way in which a ref moves anywhere but forward. It is atomic and
// durable, and may be repeated. ErrHeadMoved when the branch is anywhere else.
func (r *Repo) ReplaceHead(old, next Hash) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	if _, err := r.commit(next); err != nil {
		return err
	}
	return r.swapHead(old, next)
}

// OtherRefs are refs beside the branch; somebody made them by hand, and what they lead to stays.
func (r *Repo) OtherRefs(ctx context.Context) ([]string, error) {
	out, err := r.git(ctx, 1<<20, "for-each-ref", "--format=%(refname)")
	if err != nil {
		return nil, err
	}
	var others []string
	for _, name := range strings.Fields(string(out)) {
		if name != Branch {
			others = append(others, name)
		}
	}
	return others, nil
}

// Purge takes away every object that the branch does not lead to, and what remembers such objects. It is for a repository that nobody reads or writes, and may be repeated. It blocks
// for as long as git needs to write one pack of all that stays.
func (r *Repo) Purge(ctx context.Context) error {
	for _, name := range []string{"logs", "ORIG_HEAD", asideDir, mendDir, "objects/info/commit-graph", "objects/info/commit-graphs"} {
		if err := os.RemoveAll(filepath.Join(r.dir, filepath.FromSlash(name))); err != nil {
			return fmt.Errorf("repo: %w", err)
		}
	}
	if err := r.packs.close(); err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	for _, args := range [][]string{{"repack", "--quiet", "-a", "-d"}, {"prune", "--expire=now"}} {
		if _, err := r.git(ctx, 1<<20, args...); err != nil {
			return err
		}
	}
	if err := r.fs.SyncDir(r.packDir()); err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	r.trees = newTreeCache(r.opts.TreeCacheBytes)
	if err := r.packs.scan(); err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	return nil
}
