package repo

import (
	"encoding/binary"
	"errors"
)

// A delta rebuilds an object from another one: two sizes, then steps that copy a range of the base or insert new bytes.

var errDelta = errors.New("malformed delta")

const (
	maxCopy   = 0xffff // a copy of 64 KiB needs a special case in the format; one less does not
	maxInsert = 0x7f
)

// spliceDelta writes the delta for one edit in the middle: what base and target share at both ends is copied. That is exactly what a
// commit does to a folder, so no search is needed. It costs one pass over the bytes.
func spliceDelta(base, target []byte) []byte {
	limit := min(len(base), len(target))
	head := 0
	for head < limit && base[head] == target[head] {
		head++
	}
	tail := 0
	for tail < limit-head && base[len(base)-1-tail] == target[len(target)-1-tail] {
		tail++
	}
	d := binary.AppendUvarint(nil, uint64(len(base)))
	d = binary.AppendUvarint(d, uint64(len(target)))
	d = appendCopy(d, 0, head)
	d = appendInsert(d, target[head:len(target)-tail])
	return appendCopy(d, len(base)-tail, tail)
}

func appendCopy(d []byte, off, n int) []byte {
	for n > 0 {
		size := min(n, maxCopy)
		at := len(d)
		d = append(d, 0x80)
		for i := range 4 {
			if b := byte(off >> (8 * i)); b != 0 {
				d[at] |= 1 << i
				d = append(d, b)
			}
		}
		for i := range 2 {
			if b := byte(size >> (8 * i)); b != 0 {
				d[at] |= 1 << (4 + i)
				d = append(d, b)
			}
		}
		off, n = off+size, n-size
	}
	return d
}

func appendInsert(d, data []byte) []byte {
	for len(data) > 0 {
		n := min(len(data), maxInsert)
		d = append(d, byte(n))
		d = append(d, data[:n]...)
		data = data[n:]
	}
	return d
}

// applyDelta rebuilds the target. Every range is checked: packs may be damaged, and later come from a mirror.
func applyDelta(base, d []byte, limit int) ([]byte, error) {
	from, n := binary.Uvarint(d)
	if n <= 0 || from != uint64(len(base)) {
		return nil, errDelta
	}
	d = d[n:]
	size, n := binary.Uvarint(d)
	if n <= 0 || size > uint64(limit) { //nolint:gosec // limit is positive
		return nil, errDelta
	}
	d = d[n:]
	out := make([]byte, 0, size)
	for len(d) > 0 {
		op := d[0]
		d = d[1:]
		var part []byte
		var ok bool
		if op&0x80 != 0 {
			part, d, ok = copyRange(base, op, d)
		} else {
			ok = op != 0 && int(op) <= len(d)
			if ok {
				part, d = d[:op], d[op:]
			}
		}
		if !ok || len(out)+len(part) > int(size) { //nolint:gosec // size <= limit
			return nil, errDelta
		}
		out = append(out, part...)
	}
	if len(out) != int(size) { //nolint:gosec // size <= limit
		return nil, errDelta
	}
	return out, nil
}

// copyRange decodes a copy step: the low four bits of op say which bytes of the offset follow, the next three which of the size.
func copyRange(base []byte, op byte, d []byte) (part, rest []byte, ok bool) {
	var v [7]byte
	for i := range v {
		if op&(1<<i) == 0 {
			continue
		}
		if len(d) == 0 {
			return nil, nil, false
		}
		v[i], d = d[0], d[1:]
	}
	off := int(binary.LittleEndian.Uint32(v[:4]))
	n := int(v[4]) | int(v[5])<<8 | int(v[6])<<16
	if n == 0 {
		n = 0x10000
	}
	if off > len(base) || n > len(base)-off {
		return nil, nil, false
	}
	return base[off : off+n], d, true
}
