package gitstore

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"

	"github.com/netraven/netraven/services/gitstore/mirror"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// foldTries bounds how often packs may be folded away under a round.
const foldTries = 3

// repositories brings over the packs that the mirror lacks, and answers all repositories by name.
func (m *mirroring) repositories(ctx context.Context, heads map[string]repo.Hash, old *mirror.Manifest, have map[string]int64) ([]mirror.Repository, error) {
	known := map[string]mirror.File{}
	for _, f := range old.Files() {
		if size, ok := have[f.Name]; ok && size == f.Size {
			known[f.Name] = f
		}
	}
	var out []mirror.Repository
	for _, name := range slices.Sorted(maps.Keys(heads)) {
		r, err := m.s.repos.get(name)
		if err != nil {
			return nil, err
		}
		packs, err := m.packs(ctx, r, known)
		if err != nil {
			return nil, err
		}
		out = append(out, mirror.Repository{Name: name, Head: headText(heads[name]), Packs: packs})
	}
	return out, nil
}

// packs brings over those of one repository.
func (m *mirroring) packs(ctx context.Context, r *bare, known map[string]mirror.File) ([]mirror.File, error) {
	var err error
	for range foldTries {
		var files []string
		if files, err = r.PackFiles(); err != nil {
			return nil, err
		}
		out := make([]mirror.File, 0, len(files))
		for _, file := range files {
			name := mirror.Pack(r.name, file)
			f, ok := known[name]
			if !ok {
				if f, err = mirror.Upload(ctx, m.to, name, file); err != nil {
					break
				}
				known[name] = f
			}
			out = append(out, f)
		}
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return out, err
		}
	}
	return nil, err // folded away again and again
}

// dropped tells whether the newer manifest names less than the older one does.
func dropped(old, next *mirror.Manifest) bool {
	names := map[string]bool{}
	for _, f := range next.Files() {
		names[f.Name] = true
	}
	for _, f := range old.Files() {
		if !names[f.Name] {
			return true
		}
	}
	return false
}
