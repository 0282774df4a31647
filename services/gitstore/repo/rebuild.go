package repo

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// PackFiles are the packs as they lie in the folder now, with their paths. Each stays as it is until it is folded into others and removed: whoever finds one gone asks again.
func (r *Repo) PackFiles() ([]string, error) {
	if err := r.packs.scan(); err != nil {
		return nil, fmt.Errorf("repo: %w", err)
	}
	var out []string
	for _, p := range r.packs.list() {
		out = append(out, p.name+".pack")
	}
	slices.Sort(out)
	return out, nil
}

// Rebuild makes the repository dir, which must not exist, of the packs that fill puts into a folder, durably. The branch is at head afterwards. Everything that head leads to is
// checked by git: ErrCorrupt names a pack that is damaged, or says that objects are missing. Killed on the way it leaves nothing at dir and may be run again. It blocks for as
// long as git needs.
func Rebuild(ctx context.Context, dir string, head Hash, fill func(packDir string) error, o Options) error {
	if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("repo: %s is there already: %w", dir, errors.Join(fs.ErrExist, err))
	}
	half := dir + ".rebuilding"
	if err := os.RemoveAll(half); err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	r, err := Open(half, o)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // closing only lets go
	if err := fill(r.packDir()); err != nil {
		return err
	}
	if err := r.adoptPacks(ctx, head); err != nil {
		return err
	}
	if err := r.SetHead(Hash{}, head); err != nil {
		return err
	}
	if err := r.Close(); err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	if err := r.fs.Rename(half, dir); err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	return r.fs.SyncDir(filepath.Dir(dir))
}

// adoptPacks has git index and check the packs in the folder.
func (r *Repo) adoptPacks(ctx context.Context, head Hash) error {
	packs, err := filepath.Glob(filepath.Join(r.packDir(), "pack-*.pack"))
	if err != nil {
		return err
	}
	for _, p := range packs {
		if _, err := r.git(ctx, 1<<10, "index-pack", p); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrCorrupt, filepath.Base(p), err)
		}
	}
	if err := r.fs.SyncDir(r.packDir()); err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	if err := r.packs.scan(); err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	return r.Connected(ctx, head)
}

// Connected has git look whether all that a commit leads to is there; ErrCorrupt when it is not. It does not read the files: minutes on a large repository.
func (r *Repo) Connected(ctx context.Context, head Hash) error {
	_, err := r.git(ctx, 1<<10, "rev-list", "--quiet", "--objects", head.String())
	if errors.Is(err, ErrGit) {
		return fmt.Errorf("%w: the packs do not hold all that %s leads to: %w", ErrCorrupt, head, err)
	}
	return err
}
