package gitstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
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
		files, damaged := m.withDamaged(r, files)
		out := make([]mirror.File, 0, len(files))
		for _, file := range files {
			name := mirror.Pack(r.name, file)
			f, ok := known[name]
			if !ok && damaged[name] {
				return nil, fmt.Errorf("%s of the repository %s is damaged and not in the mirror, which is left as it is", filepath.Base(file), r.name)
			}
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

// withDamaged adds the packs that cannot be used: the mirror may have the only good copies.
func (m *mirroring) withDamaged(r *bare, files []string) (all []string, damaged map[string]bool) {
	all, damaged = files, map[string]bool{}
	for _, pack := range m.s.verify.damagedNow(r) {
		damaged[mirror.Pack(r.name, pack)] = true
		if !slices.ContainsFunc(all, func(f string) bool { return filepath.Base(f) == pack }) {
			all = append(all, pack)
		}
	}
	return all, damaged
}

// mustBeWhole makes sure that what is here of each repository holds everything before the mirror drops packs of it, and brings back from the mirror what is lost here. changed says
// that something came back.
func (m *mirroring) mustBeWhole(ctx context.Context, heads map[string]repo.Hash, old, next *mirror.Manifest) (changed bool, err error) {
	for _, was := range old.Repositories {
		if !dropped(&mirror.Manifest{Repositories: []mirror.Repository{was}}, next) {
			continue
		}
		r, err := m.s.repos.get(was.Name)
		if err != nil {
			return changed, err
		}
		err = r.Connected(ctx, heads[was.Name])
		if errors.Is(err, repo.ErrCorrupt) {
			if failed := m.s.verify.fetchMissing(ctx, r, old); failed != nil {
				return changed, errors.Join(err, failed)
			}
			changed, err = true, r.Connected(ctx, heads[was.Name])
		}
		if err != nil {
			return changed, err
		}
	}
	return changed, nil
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
