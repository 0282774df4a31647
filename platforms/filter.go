package platforms

import (
	"bytes"
	"iter"
	"math/bits"
	"slices"
	"strings"
)

// maxRules is the most rules one filter can tell apart: a rule is a bit.
const maxRules = 256

// ruleSet is a set of rule numbers below maxRules.
type ruleSet [maxRules / 64]uint64

func (s *ruleSet) add(i int)      { s[i>>6] |= 1 << (i & 63) }
func (s *ruleSet) has(i int) bool { return s[i>>6]&(1<<(i&63)) != 0 }

func (s *ruleSet) union(o *ruleSet) {
	for i := range s {
		s[i] |= o[i]
	}
}

// empty reports whether no rule is in the set.
func (s *ruleSet) empty() bool { return s[0]|s[1]|s[2]|s[3] == 0 }

// all yields every member, in order.
func (s *ruleSet) all() iter.Seq[int] {
	return func(yield func(int) bool) {
		for w, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(w<<6 + bits.TrailingZeros64(word)) {
					return
				}
			}
		}
	}
}

// filter tells which rules could match in a line at all. Go's regular expressions run at some tens of MB/s each; nearly every line of a config ends
// here. A rule is asked for in the cheapest way that its expression allows: by the texts that a line must begin with, by a rare byte, or by the texts
// that must stand anywhere in it, whatever their case; one that allows none is always tried.
type filter struct {
	class    [256]uint8 // byte -> column; 0 for bytes in no literal
	columns  int
	texts    automaton // of the texts, those at the beginning with a line end before them
	start    uint32    // its state at the beginning of a line
	anywhere bool      // some text may stand anywhere; else a line is done with where it is dead
	bytes    []rareByte
	always   ruleSet
}

// automaton is an Aho-Corasick automaton, made deterministic, over a filter's columns; it takes one look-up a byte for all rules together.
type automaton struct {
	next  []uint32  // state*columns+column -> state*columns, with hitBit where that state has found something
	found []uint16  // state -> index into sets, 0 for nothing
	sets  []ruleSet // what a state has found
}

// hitBit marks a transition into a state that has found something: most have not.
const hitBit = 1 << 31

// rareByte is a byte that every match of its rules holds.
type rareByte struct {
	value byte
	rules ruleSet
}

// rare are bytes that few lines of a config have.
const rare = "%$@^~|&"

// newFilter builds the filter of at most maxRules expressions.
func newFilter(exprs []string) *filter {
	texts := make([][]string, len(exprs))
	f := &filter{columns: 1}
	for i, e := range exprs {
		all := needs(e)
		if heads := beginnings(e); heads != nil {
			for _, h := range heads {
				texts[i] = append(texts[i], "\n"+h)
			}
			continue
		}
		if n := slices.IndexFunc(all, func(n need) bool { return len(n.set) == 1 && len(n.set[0]) == 1 && strings.Contains(rare, n.set[0]) }); n >= 0 {
			f.rareByte(all[n].set[0][0], i)
		} else if len(all) > 0 {
			texts[i], f.anywhere = all[0].set, true
		} else {
			f.always.add(i)
		}
	}
	f.build(texts)
	return f
}

// build makes the automaton; texts[i] are those of rule i. Without a text it is empty.
func (f *filter) build(texts [][]string) {
	for _, set := range texts {
		for _, lit := range set {
			f.learn(lit)
		}
	}
	t := newTrie(f.columns)
	for i, set := range texts {
		for _, lit := range set {
			if !t.add(f.columnsOf(lit), i) {
				f.always.add(i)
			}
		}
	}
	if len(t.nodes) == 1 {
		return
	}
	t.link()
	f.texts = t.automaton()
	f.start = f.texts.next[f.class['\n']]
}

func (f *filter) rareByte(c byte, rule int) {
	i := slices.IndexFunc(f.bytes, func(r rareByte) bool { return r.value == c })
	if i < 0 {
		i = len(f.bytes)
		f.bytes = append(f.bytes, rareByte{value: c})
	}
	f.bytes[i].rules.add(rule)
}

// learn gives every byte of lit, and its upper case, a column.
func (f *filter) learn(lit string) {
	for i := range len(lit) {
		c := lit[i]
		if f.class[c] == 0 {
			f.class[c] = uint8(f.columns)
			f.columns++
		}
		if 'a' <= c && c <= 'z' {
			f.class[c-'a'+'A'] = f.class[c]
		}
	}
}

func (f *filter) columnsOf(lit string) []uint8 {
	out := make([]uint8, len(lit))
	for i := range len(lit) {
		out[i] = f.class[lit[i]]
	}
	return out
}

// line returns the rules that could match in b, a single line.
func (f *filter) line(b []byte) ruleSet {
	hit := f.always
	for i := range f.bytes {
		if bytes.IndexByte(b, f.bytes[i].value) >= 0 {
			hit.union(&f.bytes[i].rules)
		}
	}
	next := f.texts.next
	if next == nil {
		return hit
	}
	s := f.start
	for _, c := range b {
		if s = next[s+uint32(f.class[c])]; s == 0 && !f.anywhere {
			break
		}
		if s&hitBit != 0 {
			s &^= hitBit
			hit.union(&f.texts.sets[f.texts.found[int(s)/f.columns]])
		}
	}
	return hit
}
