package sift

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// Index is the signatures of a set of texts. Its methods may be called from many goroutines.
type Index struct {
	dir string

	mu     sync.RWMutex
	blocks []*block
	places map[Hash]*block
	next   int // number of the next new block
}

// Open reads the heads of the index in dir, which is made when it is missing. What is no block of this version goes: its texts are put in again. It blocks on disk.
func Open(dir string) (*Index, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("sift: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("sift: %w", err)
	}
	x := &Index{dir: dir, places: map[Hash]*block{}}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		var b *block
		var number int
		if _, err := fmt.Sscanf(e.Name(), "%06d.sift", &number); err == nil && !strings.HasSuffix(path, ".tmp") {
			b, err = openBlock(path)
			if err != nil && !errors.Is(err, errNoBlock) {
				return nil, fmt.Errorf("sift: %w", err)
			}
		}
		if b == nil {
			if err := os.Remove(path); err != nil {
				return nil, fmt.Errorf("sift: %w", err)
			}
			continue
		}
		x.next = max(x.next, number+1)
		x.blocks = append(x.blocks, b)
		for _, n := range b.names {
			if n != (Hash{}) {
				x.places[n] = b
			}
		}
	}
	return x, nil
}

// Len is how many texts are in it.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.places)
}

// Has tells whether a text is in it.
func (x *Index) Has(h Hash) bool {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.places[h] != nil
}

// Text is one text and its name.
type Text struct {
	Hash    Hash
	Content []byte
}

// Put adds texts, durably, at free places. It may be repeated. It blocks on disk; searches wait for it a block at a time. One caller at a time.
func (x *Index) Put(texts []Text) error {
	for len(texts) > 0 {
		b, places := x.room()
		names, contents := map[int]Hash{}, map[int][]byte{}
		fresh := map[Hash]bool{}
		for len(texts) > 0 && len(names) < len(places) {
			t := texts[0]
			texts = texts[1:]
			if x.Has(t.Hash) || fresh[t.Hash] {
				continue
			}
			fresh[t.Hash] = true
			place := places[len(names)]
			names[place], contents[place] = t.Hash, t.Content
		}
		if len(names) == 0 {
			continue
		}
		if err := x.write(b, names, contents); err != nil {
			return fmt.Errorf("sift: %w", err)
		}
	}
	return nil
}

func (x *Index) write(b *block, names map[int]Hash, contents map[int][]byte) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err := b.put(names, contents); err != nil {
		return err
	}
	for _, n := range names {
		x.places[n] = b
	}
	if !slices.Contains(x.blocks, b) {
		x.blocks, x.next = append(x.blocks, b), x.next+1
	}
	return nil
}

// room is a block with free places, a new one if need be.
func (x *Index) room() (*block, []int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, b := range slices.Backward(x.blocks) {
		if places := b.free(); len(places) > 0 {
			return b, places
		}
	}
	b := &block{path: filepath.Join(x.dir, fmt.Sprintf("%06d.sift", x.next))}
	return b, b.free()
}

// Retain gives the places of all texts free that keep refuses. It writes nothing: what a crash brings back is refused again. One caller at a time.
func (x *Index) Retain(keep func(Hash) bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, b := range x.blocks {
		for i, n := range b.names {
			if n != (Hash{}) && !keep(n) {
				b.names[i] = Hash{}
				delete(x.places, n)
			}
		}
	}
}

// Search names the texts that may hold what is needed, in no order. It blocks on disk and ends early with ctx.
func (x *Index) Search(ctx context.Context, n Need) ([]Hash, error) {
	q := n.question()
	x.mu.RLock()
	blocks := x.blocks
	x.mu.RUnlock()
	var found []Hash
	for _, b := range blocks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if found, err = x.searchBlock(found, b, q); err != nil {
			return nil, fmt.Errorf("sift: %w", err)
		}
	}
	return found, nil
}

// searchBlock adds what one block has. Names and rows are of one state, for the lock is held.
func (x *Index) searchBlock(found []Hash, b *block, q question) ([]Hash, error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	c, err := b.search(q)
	if err != nil {
		return found, err
	}
	for i, n := range b.names {
		if c.has(i) && n != (Hash{}) {
			found = append(found, n)
		}
	}
	return found, nil
}
