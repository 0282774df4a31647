package gitstore

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/netraven/netraven/services/gitstore/mirror"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// restoringDir holds the repositories that Restore is rebuilding, until all are whole.
const restoringDir = "restoring"

// RestoreConfig says what to restore, and where to.
type RestoreConfig struct {
	// From is the mirror, as Config.Mirror names it.
	From string
	// Dir is the folder of the bare repositories, as Config.Dir. None of the mirror's may be there.
	Dir string
	// Trusted is the public key of the installation that made the mirror.
	Trusted ed25519.PublicKey
	// WithoutLost goes on without the segments of originals that are missing or damaged. The masked history must be whole all the same.
	WithoutLost bool
}

// Restored is what was brought back.
type Restored struct {
	*mirror.Manifest
	// Folders are the bare repositories, in the manifest's order.
	Folders []string
	// Lost are the segments of originals that were left out (WithoutLost).
	Lost []mirror.Segment
}

// Restore rebuilds all repositories of a mirror: everything is checked against the signed manifest, then by git. The originals lie beside it, where the next New takes them in together
// with the index. It needs no database and no server, blocks for as long as the transfer takes, and leaves nothing in place unless all of it is there; it may then be run again.
// The error names every object that is missing or damaged.
func Restore(ctx context.Context, cfg RestoreConfig) (*Restored, error) {
	from, err := mirror.Open(cfg.From)
	if err != nil {
		return nil, err
	}
	m, err := mirror.Read(ctx, from, cfg.Trusted)
	if errors.Is(err, mirror.ErrMissing) {
		return nil, fmt.Errorf("there is no mirror at %s: it has no manifest", from)
	}
	if err != nil {
		return nil, err
	}
	if len(m.Repositories) == 0 {
		return nil, fmt.Errorf("the mirror %s is of a history without commits", from)
	}
	out := &Restored{Manifest: m}
	for _, r := range m.Repositories {
		folder := folderOf(cfg.Dir, r.Name)
		if isThere(folder) {
			return nil, fmt.Errorf("there is a history at %s already, and it is left as it is; move it away first", folder)
		}
		out.Folders = append(out.Folders, folder)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	originals := filepath.Join(cfg.Dir, restoredDir)
	out.Lost, err = fetchOriginals(ctx, from, m, originals)
	switch {
	case len(out.Lost) > 0 && !cfg.WithoutLost:
		err = fmt.Errorf("%w\nmend the mirror from a copy, if there is one; --without-lost-originals restores what is there", err)
	case err == nil || len(out.Lost) > 0:
		err = rebuildAll(ctx, from, m, cfg.Dir)
	}
	if err != nil && !slices.ContainsFunc(out.Folders, isThere) { // a serve that begins anew here would take the originals in
		return nil, errors.Join(err, os.RemoveAll(originals))
	}
	return out, err
}

func isThere(file string) bool {
	_, err := os.Lstat(file)
	return !errors.Is(err, fs.ErrNotExist)
}

// rebuildAll puts the repositories in place together, when all are whole. It goes on after a bad one: people want to know of all.
func rebuildAll(ctx context.Context, from mirror.Store, m *mirror.Manifest, dir string) error {
	half := filepath.Join(dir, restoringDir)
	if err := os.RemoveAll(half); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(half) }()
	if err := os.Mkdir(half, 0o700); err != nil {
		return err
	}
	var failed []error
	for _, r := range m.Repositories {
		head, err := repo.ParseHash(r.Head)
		if err == nil {
			err = repo.Rebuild(ctx, folderOf(half, r.Name), head, func(packDir string) error { return downloadAll(ctx, from, r.Packs, packDir) }, options(r.Name))
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("repository %s: %w", r.Name, err))
		}
	}
	if len(failed) > 0 {
		return errors.Join(failed...)
	}
	for _, r := range m.Repositories {
		if err := os.Rename(folderOf(half, r.Name), folderOf(dir, r.Name)); err != nil {
			return err
		}
	}
	return syncFolder(dir)
}

// syncFolder makes the names in a folder durable.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// fetchOriginals leaves the segments in a folder, in their order. They are found only beside a repository, so they may come before it. With an error it answers those that are lost,
// if all others are there.
func fetchOriginals(ctx context.Context, from mirror.Store, m *mirror.Manifest, dir string) ([]mirror.Segment, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	var failed []error
	var lost []mirror.Segment
	for i, s := range m.Originals {
		err := mirror.Download(ctx, from, s.File, filepath.Join(dir, fmt.Sprintf("%06d.seg", i)))
		if err == nil {
			continue
		}
		failed = append(failed, err)
		if errors.Is(err, mirror.ErrMissing) || errors.Is(err, mirror.ErrDamaged) {
			lost = append(lost, s)
		}
	}
	if len(lost) < len(failed) { // what cannot be read just now is not lost
		lost = nil
	}
	return lost, errors.Join(failed...)
}

// downloadAll goes on after a bad object: people want to know of all of them.
func downloadAll(ctx context.Context, from mirror.Store, files []mirror.File, dir string) error {
	var failed []error
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		failed = append(failed, mirror.Download(ctx, from, f, filepath.Join(dir, filepath.Base(f.Name))))
	}
	return errors.Join(failed...)
}
