package repo

import (
	"bufio"
	"bytes"
	"crypto/sha1" //nolint:gosec // the format's check sum
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
)

// smallIndex is the size up to which an index is kept in memory; a larger one (about 500,000 objects) is read where it lies. Packs double in size, so all that is kept is less
// than twice that.
const smallIndex = 16 << 20

// nameTab is where the names start: after the magic and the fan-out.
const nameTab = 8 + 256*4

var indexMagic = []byte{0xff, 't', 'O', 'c', 0, 0, 0, 2}

// packIndex finds objects in a pack (format 2: fan-out, sorted names, check sums, offsets, 64-bit offsets, two SHA-1).
type packIndex struct {
	memory []byte   // the whole index; nil when it is read where it lies
	file   *os.File // nil when it is in memory
	fan    [256]uint32
	count  int
	large  int // how many 64-bit offsets
	pack   Hash
	offTab int64
}

// loadIndex opens an index and checks its structure; small ones are checked against their own SHA-1 too.
func loadIndex(name string) (*packIndex, error) {
	f, err := os.Open(name) //nolint:gosec // the package's own folder
	if err != nil {
		return nil, err
	}
	x := &packIndex{file: f}
	if err := x.load(f); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("%w: %s: %w", ErrCorrupt, name, err)
	}
	return x, nil
}

func (x *packIndex) load(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	size := st.Size()
	head := make([]byte, nameTab)
	if _, err := f.ReadAt(head, 0); err != nil {
		return err
	}
	if !bytes.Equal(head[:8], indexMagic) {
		return fmt.Errorf("not an index of format 2")
	}
	for i := range x.fan {
		x.fan[i] = binary.BigEndian.Uint32(head[8+4*i:])
		if i > 0 && x.fan[i] < x.fan[i-1] {
			return fmt.Errorf("fan-out out of order")
		}
	}
	x.count = int(x.fan[255])
	fixed := int64(len(head)) + int64(x.count)*28 + 40
	if size < fixed || (size-fixed)%8 != 0 {
		return fmt.Errorf("%d bytes for %d objects", size, x.count)
	}
	x.large = int((size - fixed) / 8)
	x.offTab = int64(len(head)) + int64(x.count)*24
	if _, err := f.ReadAt(x.pack[:], size-40); err != nil {
		return err
	}
	if size > smallIndex {
		return nil
	}
	return x.keep(f, size)
}

func (x *packIndex) keep(f *os.File, size int64) error {
	all := make([]byte, size)
	if _, err := f.ReadAt(all, 0); err != nil {
		return err
	}
	if sum := sha1.Sum(all[:size-20]); !bytes.Equal(sum[:], all[size-20:]) { //nolint:gosec // the format's check sum
		return fmt.Errorf("check sum differs")
	}
	x.memory, x.file = all, nil
	return f.Close()
}

func (x *packIndex) close() {
	if x.file != nil {
		_ = x.file.Close()
	}
}

// find is the offset of an object in the pack.
func (x *packIndex) find(h Hash) (int64, bool) {
	lo := 0
	if h[0] > 0 {
		lo = int(x.fan[h[0]-1])
	}
	hi := int(x.fan[h[0]])
	for lo < hi {
		mid := (lo + hi) / 2
		switch c := x.compare(mid, &h); {
		case c == 0:
			return x.offset(mid)
		case c < 0:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return 0, false
}

// compare sets the i-th object's name beside h. A writer asks every pack for every text, so that it looks where the names lie.
func (x *packIndex) compare(i int, h *Hash) int {
	if x.memory != nil {
		at := nameTab + i*len(h)
		return bytes.Compare(x.memory[at:at+len(h)], h[:])
	}
	name := x.name(i)
	return bytes.Compare(name[:], h[:])
}

// name is the i-th object's name; unreadable (the file is gone from the disk) is the zero Hash, which nothing has.
func (x *packIndex) name(i int) Hash {
	var h Hash
	if !x.readAt(h[:], int64(nameTab+i*len(h))) {
		return Hash{}
	}
	return h
}

func (x *packIndex) readAt(out []byte, at int64) bool {
	if x.memory != nil {
		return copy(out, x.memory[at:]) == len(out)
	}
	_, err := x.file.ReadAt(out, at)
	return err == nil
}

func (x *packIndex) offset(i int) (int64, bool) {
	var b [8]byte
	if !x.readAt(b[:4], x.offTab+int64(i)*4) {
		return 0, false
	}
	off := binary.BigEndian.Uint32(b[:4])
	if off&(1<<31) == 0 {
		return int64(off), true
	}
	j := int(off &^ (1 << 31))
	if j >= x.large {
		return 0, false
	}
	if !x.readAt(b[:], x.offTab+int64(x.count)*4+int64(j)*8) {
		return 0, false
	}
	return int64(binary.BigEndian.Uint64(b[:]) &^ (1 << 63)), true //nolint:gosec // the sign bit is cleared
}

// indexEntry is one object of a pack being written.
type indexEntry struct {
	hash Hash
	off  uint64
	crc  uint32
}

// writeIndex writes the index of a pack. It sorts entries in place.
func writeIndex(out io.Writer, entries []indexEntry, pack Hash) error {
	slices.SortFunc(entries, func(a, b indexEntry) int { return bytes.Compare(a.hash[:], b.hash[:]) })
	sum := sha1.New() //nolint:gosec // the format's check sum
	w := bufio.NewWriter(io.MultiWriter(out, sum))
	put := func(v uint32) { _, _ = w.Write(binary.BigEndian.AppendUint32(nil, v)) } // bufio keeps the first error for Flush
	_, _ = w.Write(indexMagic)
	for b, i := 0, 0; b < 256; b++ {
		for i < len(entries) && int(entries[i].hash[0]) == b {
			i++
		}
		put(uint32(i)) //nolint:gosec // a group is far below 4 G objects
	}
	for _, e := range entries {
		_, _ = w.Write(e.hash[:])
	}
	for _, e := range entries {
		put(e.crc)
	}
	var large []uint64
	for _, e := range entries {
		if e.off < 1<<31 {
			put(uint32(e.off))
			continue
		}
		put(1<<31 | uint32(len(large))) //nolint:gosec // as above
		large = append(large, e.off)
	}
	for _, off := range large {
		_, _ = w.Write(binary.BigEndian.AppendUint64(nil, off))
	}
	_, _ = w.Write(pack[:])
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := out.Write(sum.Sum(nil))
	return err
}
