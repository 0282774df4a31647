package platforms

import (
	"bytes"
	"math/bits"
)

// windowSize is how much of a text a finder reads at once, if no line is longer.
const windowSize = 64 << 10

// finder finds the lines of a text that any rule of a filter could match in, without looking at the others one by one. What it needs beside the text is an eighth of a window.
type finder struct {
	*filter
	text     []byte
	from, to int      // the window; it holds whole lines
	marks    []uint64 // a bit for each of its bytes: something was found that ends there
}

func (f *filter) finder(text []byte) *finder { return &finder{filter: f, text: text} }

// next returns the beginning of the first such line at or behind at, where a line begins; the length of the text where there is none. Lines are asked for in their order.
func (d *finder) next(at int) int {
	if !d.always.empty() {
		return at
	}
	for at < len(d.text) {
		if at >= d.to {
			d.read(at)
		}
		if m := d.mark(at); m >= 0 {
			return max(at, bytes.LastIndexByte(d.text[at:m], '\n')+1+at)
		}
		at = d.to
	}
	return len(d.text)
}

// mark is the first one in the window at or behind at, or -1.
func (d *finder) mark(at int) int {
	i := (at - d.from) / 64
	word := d.marks[i] &^ (1<<((at-d.from)%64) - 1)
	for word == 0 {
		if i++; i == len(d.marks) {
			return -1
		}
		word = d.marks[i]
	}
	return d.from + i*64 + bits.TrailingZeros64(word)
}

func (d *finder) set(at int) { d.marks[(at-d.from)/64] |= 1 << ((at - d.from) % 64) }

// read looks through the window that begins at from, the beginning of a line.
func (d *finder) read(from int) {
	to := min(from+windowSize, len(d.text))
	if to < len(d.text) {
		if i := bytes.LastIndexByte(d.text[from:to], '\n'); i >= 0 {
			to = from + i + 1
		} else if i = bytes.IndexByte(d.text[to:], '\n'); i >= 0 {
			to += i + 1
		} else {
			to = len(d.text)
		}
	}
	d.from, d.to = from, to
	if n := (to - from + 63) / 64; n <= cap(d.marks) {
		d.marks = d.marks[:n]
		clear(d.marks)
	} else {
		d.marks = make([]uint64, n)
	}
	for _, b := range d.bytes {
		for at := from; at < to; at++ {
			i := bytes.IndexByte(d.text[at:to], b.value)
			if i < 0 {
				break
			}
			at += i
			d.set(at)
		}
	}
	if d.texts.next != nil {
		d.walk()
	}
}

// walk puts the automaton over the window, in four places at once: it waits for memory at each byte, and four wait together as long as one. (One alone takes three times as long.)
func (d *finder) walk() {
	var part [4][]byte
	var base [4]int
	rest := d.from
	for k := range part {
		end := d.to
		if want := max(d.from+(d.to-d.from)*(k+1)/4, rest); want < d.to {
			if i := bytes.IndexByte(d.text[want:d.to], '\n'); i >= 0 {
				end = want + i + 1
			}
		}
		part[k], base[k], rest = d.text[rest:end], rest, end
	}
	next, class := d.texts.next, &d.class
	p0, p1, p2, p3 := part[0], part[1], part[2], part[3]
	s0, s1, s2, s3 := d.start, d.start, d.start, d.start
	n := min(len(p0), len(p1), len(p2), len(p3))
	p0, p1, p2, p3 = p0[:n], p1[:n], p2[:n], p3[:n]
	for i := range n {
		s0, s1 = next[s0+uint32(class[p0[i]])], next[s1+uint32(class[p1[i]])]
		s2, s3 = next[s2+uint32(class[p2[i]])], next[s3+uint32(class[p3[i]])]
		if (s0|s1|s2|s3)&hitBit == 0 {
			continue
		}
		for k, s := range [...]*uint32{&s0, &s1, &s2, &s3} {
			if *s&hitBit != 0 {
				*s &^= hitBit
				d.set(base[k] + i)
			}
		}
	}
	for k, s := range [...]uint32{s0, s1, s2, s3} {
		for i := n; i < len(part[k]); i++ {
			if s = next[s+uint32(class[part[k][i]])]; s&hitBit != 0 {
				s &^= hitBit
				d.set(base[k] + i)
			}
		}
	}
}
