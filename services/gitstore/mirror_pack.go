package gitstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/netraven/netraven/services/gitstore/mirror"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// foldTries bounds how often packs may be folded away under a round.
const foldTries = 3

// packs brings over the packs that the mirror lacks, and answers all.
func (m *mirroring) packs(ctx context.Context, old *mirror.Manifest, have map[string]int64) ([]mirror.File, error) {
	known := map[string]mirror.File{}
	if old != nil {
		for _, f := range old.Packs {
			if size, ok := have[f.Name]; ok && size == f.Size {
				known[f.Name] = f
			}
		}
	}
	var err error
	for range foldTries {
		var files []string
		if files, err = m.s.repo.PackFiles(); err != nil {
			return nil, err
		}
		files, damaged := m.withDamaged(files)
		out := make([]mirror.File, 0, len(files))
		for _, file := range files {
			name := mirror.Pack(file)
			f, ok := known[name]
			if !ok && damaged[name] {
				return nil, fmt.Errorf("%s is damaged and not in the mirror, which is left as it is", filepath.Base(file))
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
func (m *mirroring) withDamaged(files []string) (all []string, damaged map[string]bool) {
	all, damaged = files, map[string]bool{}
	for _, pack := range m.s.verify.damagedNow() {
		damaged[mirror.Pack(pack)] = true
		if !slices.ContainsFunc(all, func(f string) bool { return filepath.Base(f) == pack }) {
			all = append(all, pack)
		}
	}
	return all, damaged
}

// mustBeWhole makes sure that the packs here hold everything before the mirror drops any, and brings back from it what is lost here.
func (m *mirroring) mustBeWhole(ctx context.Context, head repo.Hash, old *mirror.Manifest) error {
	err := m.s.repo.Connected(ctx, head)
	if !errors.Is(err, repo.ErrCorrupt) {
		return err
	}
	if failed := m.s.verify.fetchMissing(ctx, old); failed != nil {
		return errors.Join(err, failed)
	}
	return m.s.repo.Connected(ctx, head)
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
