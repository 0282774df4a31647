package sift

import (
	"bytes"
	"math/bits"
)

const (
	short, long = 3, 6
	rowBits     = 17
	rows        = 1 << rowBits
	// maxRuns of a literal are asked for; more tell nothing new.
	maxRuns = 16
)

// signature is one text's bits.
type signature [rows / 64]uint64

// sign sets the bits of a text.
func (s *signature) sign(text []byte) {
	text = Fold(text)
	var window uint64 // the last 8 bytes, the newest lowest
	n := 0            // how many of them are of this line
	for _, c := range text {
		if c == '\n' {
			n = 0
			continue
		}
		window, n = window<<8|uint64(c), n+1
		if n >= short {
			s.set(rowOf(window, short))
		}
		if n >= long {
			s.set(rowOf(window, long))
		}
	}
}

func (s *signature) set(row uint32) { s[row/64] |= 1 << (row % 64) }

// rowsIn calls see for each bit that is set.
func (s *signature) rowsIn(see func(row int)) {
	for i, word := range s {
		for word != 0 {
			see(i*64 + bits.TrailingZeros64(word))
			word &= word - 1
		}
	}
}

// rowOf hashes the last n bytes of a window.
func rowOf(window uint64, n int) uint32 {
	run := window & (1<<(8*n) - 1)
	x := (run ^ uint64(n)<<56) * 0x9e3779b97f4a7c15
	x ^= x >> 29
	x *= 0xbf58476d1ce4e5b9
	return uint32(x >> (64 - rowBits))
}

// rowsOf are the rows that a text with the literal has set; none for a literal that is too short to tell.
func rowsOf(literal string) []uint32 {
	text := Fold([]byte(literal))
	n := long
	if len(text) < long {
		n = short
	}
	var all []uint32
	var window uint64
	for i, c := range text {
		window = window<<8 | uint64(c)
		if i+1 >= n {
			all = append(all, rowOf(window, n))
		}
	}
	if len(all) <= maxRuns {
		return all
	}
	some := make([]uint32, 0, maxRuns)
	for i := range maxRuns {
		some = append(some, all[i*(len(all)-1)/(maxRuns-1)])
	}
	return some
}

// The two letters outside ASCII that are the same as one inside it without their case.
var (
	kelvin = []byte("\u212a")
	longS  = []byte("\u017f")
)

// Fold answers a copy in which letters have lost their case as far as a search without case needs it.
func Fold(text []byte) []byte {
	out := make([]byte, len(text))
	ascii := true
	for i, c := range text {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		out[i] = c
		ascii = ascii && c < 0x80
	}
	if ascii {
		return out
	}
	return bytes.ReplaceAll(bytes.ReplaceAll(out, kelvin, []byte("k")), longS, []byte("s"))
}
