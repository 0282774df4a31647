package gitstore

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/netraven/netraven/services/gitstore/mirror"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// RestoreConfig says what to restore, and where to.
type RestoreConfig struct {
	// From is the mirror, as Config.Mirror names it.
	From string
	// Dir is the folder of the bare repositories, as Config.Dir. The repository must not be there.
	Dir string
	// Trusted is the public key of the installation that made the mirror.
	Trusted ed25519.PublicKey
}

// Restored is what was brought back.
type Restored struct {
	*mirror.Manifest
	// Repository is the folder of the bare repository.
	Repository string
}

// Restore rebuilds a repository from a mirror: everything is checked against the signed manifest, then by git. The originals lie beside it, where the next New takes them in together
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
	head, err := repo.ParseHash(m.Head)
	if err != nil || m.Repository != repository {
		return nil, fmt.Errorf("the mirror %s is of another repository, or of one without commits", from)
	}
	out := &Restored{Manifest: m, Repository: filepath.Join(cfg.Dir, repository+".git")}
	if _, err := os.Lstat(out.Repository); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is a history at %s already, and it is left as it is; move it away first", out.Repository)
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, err
	}
	if err := fetchOriginals(ctx, from, m, filepath.Join(cfg.Dir, restoredDir)); err != nil {
		return nil, err
	}
	err = repo.Rebuild(ctx, out.Repository, head, func(packDir string) error { return downloadAll(ctx, from, m.Packs, packDir) }, repo.Options{})
	return out, err
}

// fetchOriginals leaves the segments in a folder, in their order. They are found only beside a repository, so they may come before it.
func fetchOriginals(ctx context.Context, from mirror.Store, m *mirror.Manifest, dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var failed []error
	for i, s := range m.Originals {
		failed = append(failed, mirror.Download(ctx, from, s.File, filepath.Join(dir, fmt.Sprintf("%06d.seg", i))))
	}
	return errors.Join(failed...)
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
