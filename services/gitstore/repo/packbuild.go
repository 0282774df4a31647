package repo

import (
	"crypto/sha1" //nolint:gosec // the format's check sum
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"
)

// maxDepth bounds the delta chains written here. A reader follows at most this many steps for a folder.
const maxDepth = 50

// packObject is one object of a pack being built.
type packObject struct {
	hash  Hash
	kind  kind
	size  int    // of what data inflates to
	data  []byte // deflated object, or deflated delta
	plain []byte // what data is made of, where that is left to the end
	base  *packObject
	depth int
	off   uint64 // set when the pack is laid out
}

// packBuilder collects the objects of one group. The pack holds commits first, then folders, then files: walking history touches
// only its start. A base always comes before what is built on it.
type packBuilder struct {
	commits, trees, blobs []*packObject
	byHash                map[Hash]*packObject
}

func newPackBuilder() *packBuilder { return &packBuilder{byHash: map[Hash]*packObject{}} }

func (b *packBuilder) count() int { return len(b.byHash) }

// add takes an object, deflated or plain; one that is there already is left.
func (b *packBuilder) add(o *packObject) {
	if _, ok := b.byHash[o.hash]; ok {
		return
	}
	b.byHash[o.hash] = o
	switch o.kind { //nolint:exhaustive // tags are never written
	case kindCommit:
		b.commits = append(b.commits, o)
	case kindTree:
		b.trees = append(b.trees, o)
	default:
		b.blobs = append(b.blobs, o)
	}
}

// addTree takes a folder. When the folder it replaces is in this pack, only the difference is written.
func (b *packBuilder) addTree(h Hash, data []byte, old Hash, oldData []byte) {
	o := &packObject{hash: h, kind: kindTree, size: len(data)}
	if base := b.byHash[old]; base != nil && base.depth < maxDepth {
		if d := spliceDelta(oldData, data); len(d) < len(data)/2 {
			o.base, o.depth, o.size, data = base, base.depth+1, len(d), d
		}
	}
	o.plain = data
	b.add(o)
}

// deflate does what is left of it, on all processors: commits are made one after the other, their bytes need not be. Most of it is names
// of objects, of which a quick look finds nothing.
func (b *packBuilder) deflate() {
	const together = 64
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, part := range [][]*packObject{b.commits, b.trees} {
		for some := range slices.Chunk(part, together) {
			g.Go(func() error {
				for _, o := range some {
					o.data, o.plain = deflate(thorough, o.plain), nil
				}
				return nil
			})
		}
	}
	_ = g.Wait() // nothing fails
}

// write puts the pack and its index into dir under their final names, durable when it returns, and says how the pack is called.
func (b *packBuilder) write(fsys FS, dir string) (name Hash, size int64, err error) {
	b.deflate()
	var index []indexEntry
	sum := sha1.New() //nolint:gosec // the format's check sum
	tmp := filepath.Join(dir, tmpPrefix+"pack")
	_ = fsys.Remove(tmp) // left by a failed attempt of this process; the writer is alone
	err = writeSynced(fsys, tmp, 0o440, func(f io.Writer) error {
		out := &countingWriter{w: io.MultiWriter(f, sum)}
		if index, err = b.layOut(out); err != nil {
			return err
		}
		sum.Sum(name[:0])
		size = int64(out.n) + int64(len(name)) //nolint:gosec // a size
		_, err := f.Write(name[:])
		return err
	})
	if err != nil {
		return Hash{}, 0, fmt.Errorf("write pack: %w", err)
	}
	final := filepath.Join(dir, packName(name))
	if err := fsys.Rename(tmp, final+".pack"); err != nil {
		return Hash{}, 0, fmt.Errorf("write pack: %w", err)
	}
	if err := b.writeIndex(fsys, dir, final, index, name); err != nil {
		return Hash{}, 0, fmt.Errorf("write pack index: %w", err)
	}
	return name, size, nil
}

func (b *packBuilder) writeIndex(fsys FS, dir, final string, index []indexEntry, name Hash) error {
	tmp := filepath.Join(dir, tmpPrefix+"idx")
	_ = fsys.Remove(tmp)
	err := writeSynced(fsys, tmp, 0o440, func(f io.Writer) error { return writeIndex(f, index, name) })
	if err == nil {
		err = fsys.Rename(tmp, final+".idx")
	}
	if err != nil {
		if _, there := os.Stat(final + ".idx"); errors.Is(there, fs.ErrNotExist) {
			_ = fsys.Remove(final + ".pack") // nobody can have used it: without an index git does not see it
		}
		return err
	}
	return fsys.SyncDir(dir)
}

// layOut writes header and objects, and remembers where each one went.
func (b *packBuilder) layOut(out *countingWriter) ([]indexEntry, error) {
	head := append([]byte("PACK"), 0, 0, 0, 2)
	head = binary.BigEndian.AppendUint32(head, uint32(b.count())) //nolint:gosec // a group is far below 4 G objects
	if _, err := out.Write(head); err != nil {
		return nil, err
	}
	index := make([]indexEntry, 0, b.count())
	for _, part := range [][]*packObject{b.commits, b.trees, b.blobs} {
		for _, o := range part {
			o.off = out.n
			head = o.head(head[:0])
			crc := crc32.Update(crc32.ChecksumIEEE(head), crc32.IEEETable, o.data)
			if _, err := out.Write(head); err != nil {
				return nil, err
			}
			if _, err := out.Write(o.data); err != nil {
				return nil, err
			}
			index = append(index, indexEntry{o.hash, o.off, crc})
		}
	}
	return index, out.flush()
}

// head is the type and size of an object, and for a delta how far back its base starts.
func (o *packObject) head(dst []byte) []byte {
	k := o.kind
	if o.base != nil {
		k = kindOfsDelta
	}
	n := uint64(o.size) //nolint:gosec // a length
	c := byte(k)<<4 | byte(n&15)
	for n >>= 4; n > 0; n >>= 7 {
		dst = append(dst, c|0x80)
		c = byte(n & 0x7f)
	}
	dst = append(dst, c)
	if o.base == nil {
		return dst
	}
	back := o.off - o.base.off
	var rev [10]byte
	i := len(rev) - 1
	rev[i] = byte(back & 0x7f)
	for back >>= 7; back > 0; back >>= 7 {
		back--
		i--
		rev[i] = byte(back&0x7f) | 0x80
	}
	return append(dst, rev[i:]...)
}

func packName(h Hash) string { return "pack-" + h.String() }

// countingWriter counts, and gathers small writes.
type countingWriter struct {
	w   io.Writer
	n   uint64
	buf []byte
}

func (c *countingWriter) Write(p []byte) (int, error) {
	c.n += uint64(len(p))
	c.buf = append(c.buf, p...)
	if len(c.buf) < 256<<10 {
		return len(p), nil
	}
	return len(p), c.flush()
}

func (c *countingWriter) flush() error {
	_, err := c.w.Write(c.buf)
	c.buf = c.buf[:0]
	return err
}
