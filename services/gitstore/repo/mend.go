package repo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

const (
	// asideDir of a repository keeps what was damaged, for people: git and this package never look there.
	asideDir = "damaged"
	// mendDir is a repository for a pack on its way in.
	mendDir = "mending"
)

var packFileName = regexp.MustCompile(`^pack-[0-9a-f]{40}\.pack$`)

// ReplacePack puts a good copy of a pack, which fetch writes durably into a new file, in the place of the one of that name, or where none is. The copy is indexed and checked by git before anything is
// touched, and must be the very pack: its name is its check sum. What was there is kept as damaged/NAME.bad in the repository's folder. Reads go on; killed on the way, at worst the damaged pack is
// gone and the call may be repeated. It blocks for as long as fetch and git need.
func (r *Repo) ReplacePack(ctx context.Context, pack string, fetch func(ctx context.Context, file string) error) error {
	if !packFileName.MatchString(pack) {
		return fmt.Errorf("repo: %q is no pack", pack)
	}
	scratch := filepath.Join(r.dir, mendDir)
	if err := os.RemoveAll(scratch); err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	apart, err := Open(scratch, r.opts) // beside the damaged one git would compare each object with what it has, and fail
	if err != nil {
		return err
	}
	dir := apart.packDir()
	file := filepath.Join(dir, pack)
	if err := fetch(ctx, file); err != nil {
		return err
	}
	out, err := apart.git(ctx, 1<<10, "index-pack", file)
	if err != nil {
		return fmt.Errorf("%w: the copy of %s: %w", ErrCorrupt, pack, err)
	}
	stem := strings.TrimSuffix(pack, ".pack")
	if !strings.HasSuffix(strings.TrimSpace(string(out)), strings.TrimPrefix(stem, "pack-")) {
		return fmt.Errorf("%w: the copy of %s is another pack", ErrCorrupt, pack)
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	if err := r.setAside(stem); err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	for _, ext := range []string{".pack", ".idx"} { // git looks at an .idx first
		if err := r.fs.Rename(filepath.Join(dir, stem+ext), filepath.Join(r.packDir(), stem+ext)); err != nil {
			return fmt.Errorf("repo: %w", err)
		}
	}
	if err := r.fs.SyncDir(r.packDir()); err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	return r.packs.reopen(pack)
}

// SetAside takes a damaged pack out of use, if all that it is to hold is in other packs too; ErrCorrupt when it is not.
func (r *Repo) SetAside(pack string) error {
	if !packFileName.MatchString(pack) {
		return fmt.Errorf("repo: %q is no pack", pack)
	}
	r.writing.Lock()
	defer r.writing.Unlock()
	stem := strings.TrimSuffix(pack, ".pack")
	idx, err := loadIndex(filepath.Join(r.packDir(), stem+".idx"))
	if err != nil {
		return err
	}
	defer idx.close()
	var others []*packFile
	for _, p := range r.packs.list() {
		if filepath.Base(p.name) != stem {
			others = append(others, p)
		}
	}
	if !(&packFile{idx: idx}).coveredBy(others) {
		return fmt.Errorf("%w: %s holds what no other pack does", ErrCorrupt, pack)
	}
	if err := r.setAside(stem); err != nil {
		return fmt.Errorf("repo: %w", err)
	}
	return r.packs.reopen(pack)
}

// setAside moves the files of a pack out of git's sight, the index first.
func (r *Repo) setAside(stem string) error {
	files, err := filepath.Glob(filepath.Join(r.packDir(), stem+".*"))
	if err != nil || len(files) == 0 {
		return err
	}
	aside := filepath.Join(r.dir, asideDir)
	if err := r.fs.Mkdir(aside); err != nil {
		return err
	}
	move := func(file string) error {
		return r.fs.Rename(file, filepath.Join(aside, filepath.Base(file)+".bad"))
	}
	idx := filepath.Join(r.packDir(), stem+".idx")
	if err := move(idx); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, file := range files {
		if file == idx {
			continue
		}
		if err := move(file); err != nil {
			return err
		}
	}
	return errors.Join(r.fs.SyncDir(aside), r.fs.SyncDir(r.packDir()))
}

// reopen forgets a pack and looks at the folder anew.
func (s *packSet) reopen(pack string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetLocked(pack)
	return s.scanLocked()
}

// forget lets go of a pack that was taken away on purpose: one that is gone otherwise is lost.
func (s *packSet) forget(pack string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forgetLocked(pack)
}

func (s *packSet) forgetLocked(pack string) {
	for i, p := range s.packs {
		if filepath.Base(p.name)+".pack" == pack {
			p.close()
			s.packs = append(s.packs[:i:i], s.packs[i+1:]...)
			return
		}
	}
}

// CopyPack is a fetch of ReplacePack that takes the pack's own bytes: it mends a pack of which only the index is damaged.
func (r *Repo) CopyPack(pack string) func(context.Context, string) error {
	return func(_ context.Context, file string) error {
		in, err := os.Open(filepath.Join(r.packDir(), filepath.Base(pack))) //nolint:gosec // the package's own folder
		if err != nil {
			return err
		}
		defer func() { _ = in.Close() }()
		return writeSynced(r.fs, file, 0o440, func(w io.Writer) error {
			_, err := io.Copy(w, in)
			return err
		})
	}
}
