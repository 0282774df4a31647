package sift

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

const (
	perBlock  = 128
	rowBytes  = perBlock / 8
	hashBytes = 20
	magic     = "NRSIFT01"
	// headBytes are a whole page, so that the rows lie on pages too.
	headBytes = 4096
	fileBytes = headBytes + rows*rowBytes
)

// Hash names a text by its content.
type Hash [hashBytes]byte

// block is 128 places for texts, on disk; in memory there are only their names.
type block struct {
	path  string
	names [perBlock]Hash
}

var errNoBlock = errors.New("not a block of this version")

// openBlock reads a block's head.
func openBlock(path string) (*block, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, headBytes)
	if _, err := f.ReadAt(head, 0); err != nil || st.Size() != fileBytes || string(head[:len(magic)]) != magic {
		return nil, errNoBlock
	}
	b := &block{path: path}
	for i := range b.names {
		copy(b.names[i][:], head[len(magic)+i*hashBytes:])
	}
	return b, nil
}

// free are places that hold nothing.
func (b *block) free() (places []int) {
	for i, n := range b.names {
		if n == (Hash{}) {
			places = append(places, i)
		}
	}
	return places
}

// search answers which of the block's texts may do.
func (b *block) search(q question) (column, error) {
	f, err := os.Open(b.path)
	if err != nil {
		return column{}, err
	}
	defer func() { _ = f.Close() }() // only read
	var raw [rowBytes]byte
	return q.answer(func(row uint32) (column, error) {
		_, err := f.ReadAt(raw[:], headBytes+int64(row)*rowBytes)
		return column{binary.LittleEndian.Uint64(raw[:8]), binary.LittleEndian.Uint64(raw[8:])}, err
	})
}

// put writes the block anew, on disk and synced, with texts at some of its places.
func (b *block) put(names map[int]Hash, texts map[int][]byte) error {
	raw, err := os.ReadFile(b.path)
	if errors.Is(err, os.ErrNotExist) {
		raw, err = make([]byte, fileBytes), nil
	}
	if err != nil {
		return err
	}
	if len(raw) != fileBytes {
		return fmt.Errorf("%s: %w", b.path, errNoBlock)
	}
	next := b.names
	var taken column
	for place, name := range names {
		next[place] = name
		taken[place/64] |= 1 << (place % 64)
	}
	copy(raw, magic)
	for i, n := range next {
		copy(raw[len(magic)+i*hashBytes:], n[:])
	}
	body := raw[headBytes:]
	for at := 0; at < len(body); at += 8 { // rows are two words, as columns are
		w := body[at : at+8]
		binary.LittleEndian.PutUint64(w, binary.LittleEndian.Uint64(w)&^taken[at/8%2])
	}
	for place, text := range texts {
		s := &signature{}
		s.sign(text)
		s.rowsIn(func(row int) { body[row*rowBytes+place/8] |= 1 << (place % 8) })
	}
	if err := replace(b.path, raw); err != nil {
		return err
	}
	b.names = next
	return nil
}

// replace writes a file beside its place, syncs it and moves it there.
func replace(path string, content []byte) error {
	tmp := path + ".tmp"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return os.Rename(tmp, path)
}
