package platforms

import (
	"iter"
	"math/bits"
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

// filter tells, in one pass over a line, which rules could match there at all: those one of whose
// literals occurs, whatever its case, and those that have no literal. Go's regular expressions run
// at some tens of MB/s each; this automaton (Aho-Corasick, made deterministic) runs at hundreds for
// all rules together, and nearly every line of a config ends here.
type filter struct {
	class   [256]uint8 // byte -> column; 0 for bytes in no literal
	columns int
	next    []uint32  // state*columns+column -> state*columns, with hitBit where that state has found something
	found   []uint16  // state -> index into sets, 0 for nothing
	sets    []ruleSet // what a state has found
	always  ruleSet   // rules without a literal
}

// hitBit marks a transition into a state that has found something: most have not, and one look-up a byte is what a filter costs.
const hitBit = 1 << 31

// newFilter builds the automaton; sets[i] holds the literals of rule i. At most maxRules rules.
func newFilter(sets [][]string) *filter {
	f := &filter{columns: 1, sets: make([]ruleSet, 1)}
	for i, set := range sets {
		if set == nil {
			f.always.add(i)
		}
		for _, lit := range set {
			f.learn(lit)
		}
	}
	t := newTrie(f.columns)
	for i, set := range sets {
		for _, lit := range set {
			if !t.add(f.columnsOf(lit), i) {
				f.always.add(i)
			}
		}
	}
	t.link()
	f.take(t)
	return f
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

func (f *filter) take(t *trie) {
	f.next = make([]uint32, len(t.nodes)*f.columns)
	f.found = make([]uint16, len(t.nodes))
	for s, n := range t.nodes {
		for c, to := range n.next {
			v := uint32(int(to) * f.columns) //nolint:gosec // below maxStates * 256
			if !t.nodes[to].rules.empty() {
				v |= hitBit
			}
			f.next[s*f.columns+c] = v
		}
		if n.rules.empty() {
			continue
		}
		f.found[s] = uint16(len(f.sets))
		f.sets = append(f.sets, n.rules)
	}
}

// line returns the rules that could match in b, a single line.
func (f *filter) line(b []byte) ruleSet {
	hit := f.always
	if len(f.next) <= f.columns {
		return hit
	}
	next, s := f.next, uint32(0)
	for _, c := range b {
		s = next[s+uint32(f.class[c])]
		if s&hitBit != 0 {
			s &^= hitBit
			hit.union(&f.sets[f.found[int(s)/f.columns]])
		}
	}
	return hit
}
