package repo

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxOpenPacks bounds the files held open; between folds there may be thousands of small packs.
const maxOpenPacks = 256

// packSet is every pack of a repository, and loose objects where git made some. Reads share it; a rescan or closing files excludes them.
type packSet struct {
	dir string // objects
	max int

	reads atomic.Int64 // since files were last let go

	mu      sync.RWMutex
	packs   []*packFile // those written by this process first, newest on top: they are what is read most
	damaged map[string]error
	lost    map[string]*packFile // gone from the folder though no other pack holds all of them; only their indexes are left
	seen    time.Time            // the folder's time at the last scan
}

func newPackSet(objects string, maxObject int) *packSet {
	return &packSet{dir: objects, max: maxObject, damaged: map[string]error{}, lost: map[string]*packFile{}}
}

// scan loads what is new in the folder and forgets what is gone.
func (s *packSet) scan() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scanLocked()
}

func (s *packSet) scanLocked() error {
	dir := filepath.Join(s.dir, "pack")
	st, err := os.Stat(dir)
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	have := map[string]*packFile{}
	for _, p := range s.packs {
		have[p.name] = p
	}
	var packs []*packFile
	damaged := map[string]error{}
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".idx")
		if !ok || !strings.HasPrefix(name, "pack-") {
			continue
		}
		name = filepath.Join(dir, name)
		p, known := have[name]
		delete(have, name)
		if !known {
			if p, err = openPack(name, s.max); errors.Is(err, fs.ErrNotExist) && gone(name) {
				continue // folded away while we looked
			} else if err != nil {
				damaged[filepath.Base(name)+".pack"] = err
				continue
			}
		}
		packs = append(packs, p)
	}
	s.packs, s.damaged, s.seen = packs, damaged, st.ModTime()
	for _, p := range have {
		p.rest()
		s.lost[filepath.Base(p.name)+".pack"] = p
	}
	s.findLost()
	return nil
}

// findLost forgets packs that are there again or were folded into others, and has the rest named: their files are gone by accident.
func (s *packSet) findLost() {
	for name, p := range s.lost {
		if s.find(name) != nil || p.coveredBy(s.packs) {
			p.close()
			delete(s.lost, name)
		} else if s.damaged[name] == nil {
			s.damaged[name] = fmt.Errorf("%w: %s is gone, and what it held is in no other pack", ErrCorrupt, name)
		}
	}
}

func gone(name string) bool {
	_, err := os.Stat(name + ".idx")
	return errors.Is(err, fs.ErrNotExist)
}

// add takes in a pack that was just written.
func (s *packSet) add(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	name = filepath.Join(s.dir, "pack", name)
	for _, p := range s.packs {
		if p.name == name {
			return nil
		}
	}
	p, err := openPack(name, s.max)
	if err != nil {
		return err
	}
	s.packs = append([]*packFile{p}, s.packs...)
	return nil
}

func (s *packSet) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.packs {
		p.close()
	}
	for _, p := range s.lost {
		p.close()
	}
	s.packs, s.lost, s.seen = nil, map[string]*packFile{}, time.Time{}
	return nil
}

func (s *packSet) damagedPacks() map[string]error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return maps.Clone(s.damaged)
}

// known reports whether a loaded pack has h. It never reads the folder: the writer may be wrong in one direction only.
func (s *packSet) known(h Hash) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, p := range s.packs {
		if _, ok := p.idx.find(h); ok {
			return true
		}
	}
	return false
}

// has reports whether h is in the repository.
func (s *packSet) has(h Hash) (bool, error) {
	if s.known(h) {
		return true, nil
	}
	if _, err := os.Stat(s.loosePath(h)); err == nil {
		return true, nil
	}
	if fresh, err := s.refresh(); err != nil || !fresh {
		return false, err
	}
	return s.known(h), nil
}

// read gives an object, checked against its name. It looks at the folder again when the object is nowhere, or its pack went away.
func (s *packSet) read(h Hash) (kind, []byte, error) {
	k, data, err := s.readKnown(h)
	if errors.Is(err, ErrNotFound) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, os.ErrClosed) {
		if serr := s.scan(); serr != nil {
			return 0, nil, fmt.Errorf("repo: %w", serr)
		}
		k, data, err = s.readKnown(h)
	}
	if errors.Is(err, ErrNotFound) {
		return 0, nil, s.explain(h, err)
	}
	return k, data, err
}

// explain says where something that is not found may have been: in a pack that cannot be used.
func (s *packSet) explain(h Hash, err error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if len(s.damaged) == 0 {
		return err
	}
	pack := slices.Min(slices.Collect(maps.Keys(s.damaged)))
	return &DamageError{Pack: pack, Err: fmt.Errorf("%w: %s is in no pack that can be used", ErrCorrupt, h)}
}

func (s *packSet) readKnown(h Hash) (kind, []byte, error) {
	s.letGo()
	s.mu.RLock()
	defer s.mu.RUnlock()
	var broken error
	for _, p := range s.packs {
		off, ok := p.idx.find(h)
		if !ok {
			continue
		}
		o, err := p.object(h, off)
		if err == nil {
			return o.kind, o.body, nil
		}
		broken = err // another pack may hold a good copy
	}
	data, err := os.ReadFile(s.loosePath(h))
	if err == nil {
		k, body, err := looseObject(data, s.max)
		if err != nil {
			return 0, nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, s.loosePath(h), err)
		}
		if objectHash(k, body) != h {
			return 0, nil, fmt.Errorf("%w: %s does not have the content of its name", ErrCorrupt, s.loosePath(h))
		}
		return k, body, nil
	}
	if broken != nil {
		return 0, nil, broken
	}
	return 0, nil, fmt.Errorf("%w: object %s", ErrNotFound, h)
}

// letGo closes files now and then, so that reading through thousands of packs does not hold them all.
func (s *packSet) letGo() {
	if s.reads.Add(1) < maxOpenPacks {
		return
	}
	s.reads.Store(0)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.packs) <= maxOpenPacks {
		return
	}
	for _, p := range s.packs {
		p.rest()
	}
}

// refresh scans if the folder changed since the last scan.
func (s *packSet) refresh() (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := os.Stat(filepath.Join(s.dir, "pack"))
	if err != nil {
		return false, fmt.Errorf("repo: %w", err)
	}
	const clockTick = time.Second // file systems stamp coarsely: a recent stamp may hide a later change
	if st.ModTime().Equal(s.seen) && time.Since(s.seen) > clockTick {
		return false, nil
	}
	return true, s.scanLocked()
}

func (s *packSet) loosePath(h Hash) string {
	x := h.String()
	return filepath.Join(s.dir, x[:2], x[2:])
}
