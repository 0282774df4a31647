package repo

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
)

// maxChain bounds delta chains when reading; git itself never writes longer ones.
const maxChain = 4096

// packFile is one pack with its index. Files are opened when first needed and may be closed at any time by its packSet.
type packFile struct {
	name string // path without extension
	idx  *packIndex
	max  int

	mu   sync.Mutex
	file *os.File
}

// openPack loads the index and checks that the pack is the one it was made for, and whole: its length and last 20 bytes say so.
func openPack(name string, maxObject int) (*packFile, error) {
	idx, err := loadIndex(name + ".idx")
	if err != nil {
		return nil, err
	}
	p := &packFile{name: name, idx: idx, max: maxObject}
	f, err := p.open()
	if err != nil {
		idx.close()
		return nil, err
	}
	if err := p.check(f); err != nil {
		p.close()
		return nil, err
	}
	p.rest()
	return p, nil
}

func (p *packFile) check(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	var head [12]byte
	var tail Hash
	if st.Size() < int64(len(head)+len(tail)) {
		return fmt.Errorf("%w: %s.pack is cut short", ErrCorrupt, p.name)
	}
	if _, err := f.ReadAt(head[:], 0); err != nil {
		return err
	}
	if _, err := f.ReadAt(tail[:], st.Size()-int64(len(tail))); err != nil {
		return err
	}
	if string(head[:4]) != "PACK" || tail != p.idx.pack || int(binary.BigEndian.Uint32(head[8:])) != p.idx.count {
		return fmt.Errorf("%w: %s.pack is not what its index describes", ErrCorrupt, p.name)
	}
	return nil
}

func (p *packFile) open() (*os.File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file != nil {
		return p.file, nil
	}
	f, err := os.Open(p.name + ".pack")
	if err == nil {
		p.file = f
	}
	return f, err
}

// rest lets go of the pack's file; the next read opens it again. Nobody may be reading.
func (p *packFile) rest() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.file != nil {
		_ = p.file.Close()
		p.file = nil
	}
}

func (p *packFile) close() {
	p.rest()
	p.idx.close()
}

// rawObject is what lies at one offset: an object, or a delta and where its base is.
type rawObject struct {
	kind    kind
	data    []byte
	baseOff int64
	baseRef Hash
}

// read rebuilds the object at off. other finds bases that are named instead of placed (REF_DELTA), which must be in this pack too.
func (p *packFile) read(off int64) (kind, []byte, error) {
	f, err := p.open()
	if err != nil {
		return 0, nil, err
	}
	var deltas [][]byte
	for range maxChain {
		raw, err := p.raw(f, off)
		if err != nil {
			return 0, nil, fmt.Errorf("%w: %s.pack at %d: %w", ErrCorrupt, p.name, off, err)
		}
		switch raw.kind {
		case kindOfsDelta:
			off = raw.baseOff
		case kindRefDelta:
			at, ok := p.idx.find(raw.baseRef)
			if !ok {
				return 0, nil, fmt.Errorf("%w: %s.pack: base %s is missing", ErrCorrupt, p.name, raw.baseRef)
			}
			off = at
		default:
			data, err := p.rebuild(raw.data, deltas)
			return raw.kind, data, err
		}
		deltas = append(deltas, raw.data)
	}
	return 0, nil, fmt.Errorf("%w: %s.pack: endless delta chain", ErrCorrupt, p.name)
}

func (p *packFile) rebuild(data []byte, deltas [][]byte) ([]byte, error) {
	for _, delta := range slices.Backward(deltas) {
		var err error
		if data, err = applyDelta(data, delta, p.max); err != nil {
			return nil, fmt.Errorf("%w: %s.pack: %w", ErrCorrupt, p.name, err)
		}
	}
	return data, nil
}

var readers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 16<<10) }}

func (p *packFile) raw(f *os.File, off int64) (rawObject, error) {
	in := readers.Get().(*bufio.Reader) //nolint:forcetypeassert // only readers are put there
	defer readers.Put(in)
	in.Reset(io.NewSectionReader(f, off, 1<<62-off))
	k, size, err := objectHead(in)
	if err != nil {
		return rawObject{}, err
	}
	if size > uint64(p.max) { //nolint:gosec // positive
		return rawObject{}, errors.New("larger than allowed")
	}
	raw := rawObject{kind: k}
	switch k {
	case kindCommit, kindTree, kindBlob, kindTag:
	case kindOfsDelta:
		back, err := readBack(in)
		if err != nil {
			return rawObject{}, err
		}
		if back <= 0 || back >= off {
			return rawObject{}, errors.New("base outside the pack")
		}
		raw.baseOff = off - back
	case kindRefDelta:
		if _, err := io.ReadFull(in, raw.baseRef[:]); err != nil {
			return rawObject{}, err
		}
	default:
		return rawObject{}, fmt.Errorf("unknown %s", k)
	}
	raw.data, err = inflate(in, int(size)) //nolint:gosec // size <= max
	return raw, err
}

// objectHead reads the type and size before each object: 3 bits of type, then the size in groups of 4, 7, 7... bits, low ones first.
func objectHead(in io.ByteReader) (kind, uint64, error) {
	b, err := in.ReadByte()
	if err != nil {
		return 0, 0, err
	}
	k, size := kind(b>>4&7), uint64(b&15)
	for shift := 4; b&0x80 != 0; shift += 7 {
		if shift > 56 {
			return 0, 0, errors.New("size overflows")
		}
		if b, err = in.ReadByte(); err != nil {
			return 0, 0, err
		}
		size |= uint64(b&0x7f) << shift
	}
	return k, size, nil
}

// readBack reads how far back the base of an OFS_DELTA lies: 7 bits at a time, high ones first, each further byte adding one so that
// no distance has two spellings.
func readBack(in io.ByteReader) (int64, error) {
	b, err := in.ReadByte()
	if err != nil {
		return 0, err
	}
	n := int64(b & 0x7f)
	for b&0x80 != 0 {
		if n > 1<<54 {
			return 0, errors.New("distance overflows")
		}
		if b, err = in.ReadByte(); err != nil {
			return 0, err
		}
		n = (n+1)<<7 | int64(b&0x7f)
	}
	return n, nil
}

// looseObject decodes the zlib form of an object file ("blob 12\0...").
func looseObject(data []byte, limit int) (kind, []byte, error) {
	z, err := newInflater(bytes.NewReader(data))
	if err != nil {
		return 0, nil, err
	}
	defer inflaters.Put(z)
	all, err := io.ReadAll(io.LimitReader(z, int64(limit)+64))
	if err != nil {
		return 0, nil, err
	}
	head, body, ok := bytes.Cut(all, []byte{0})
	if !ok {
		return 0, nil, errors.New("no header")
	}
	for _, k := range []kind{kindCommit, kindTree, kindBlob, kindTag} {
		if string(head) == fmt.Sprintf("%s %d", k, len(body)) {
			return k, body, nil
		}
	}
	return 0, nil, errors.New("malformed header")
}
