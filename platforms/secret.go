package platforms

import (
	"bytes"
	"slices"

	"go.yaml.in/yaml/v3"
)

// secretRule finds secrets on single lines, or, with until, from one line to another.
type secretRule struct {
	match  *Pattern
	except *Pattern // a line it matches holds no secret of this rule
	within *Pattern // one of the enclosing lines (less indented) must match
	until  *Pattern // the block ends here
	mask   []int    // groups that are secret
	keep   []int    // else: groups of the match that are not
	salted bool     // encrypted anew at every read
	needs  []need   // of match
}

// start is where in a line, given in ASCII lower case, a search for match has to begin, or -1 if there is none. One byte more is left before what
// a match can begin with, so that the beginning of the rest is not taken for that of the line.
func (r *secretRule) start(low []byte) int {
	from := 0
	for i, n := range r.needs {
		if i == 0 && n.lead < 0 {
			continue // most likely the filter has found it
		}
		at := -1
		for _, lit := range n.set {
			if j := bytes.Index(low, []byte(lit)); j >= 0 && (at < 0 || j < at) {
				at = j
			}
		}
		if at < 0 {
			return -1
		}
		if n.lead >= 0 {
			from = max(from, at-n.lead-1)
		}
	}
	return from
}

// find returns every occurrence of match in the line, with its groups, as pairs of offsets; from is where to begin.
func (r *secretRule) find(line []byte, from int) [][]int {
	all := r.match.line().FindAllSubmatchIndex(line[from:], maxPerLine)
	for _, m := range all {
		for i := range m {
			if m[i] >= 0 {
				m[i] += from
			}
		}
	}
	return all
}

// secrets compiles the page's rules and puts the general ones behind them.
func (f fields) secrets() *masker {
	rules := f.secretRules("secrets")
	m, ok := newMasker(append(rules, generalSecrets()...))
	if ok {
		m.section = f.pattern("section")
	} else {
		f.problem(f.values["secrets"], f.key("secrets"), "has too many rules: %d are left beside the general ones", maxRules-len(generalSecrets()))
	}
	return m
}

func (f fields) secretRules(name string) []secretRule {
	nodes, at := f.items(name)
	var out []secretRule
	for i, n := range nodes {
		if n.Kind == yaml.ScalarNode {
			if p := f.expr(n, at(i)); p != nil {
				out = append(out, secretRule{match: p, mask: lastGroup(p)})
			}
			continue
		}
		if r := f.secretRule(n, at(i)); r.match != nil {
			out = append(out, r)
		}
	}
	return out
}

func (f fields) secretRule(n *yaml.Node, path string) secretRule {
	s := f.mapping(n, path, "match", "except", "within", "until", "mask", "keep", "salted")
	r := secretRule{
		match: s.pattern("match"), except: s.pattern("except"), within: s.pattern("within"),
		until: s.pattern("until"), salted: s.flag("salted"),
	}
	if !s.has("match") && n.Kind == yaml.MappingNode {
		s.problem(n, s.key("match"), "is missing")
	}
	if r.match == nil {
		return r
	}
	r.mask, r.keep = s.groups("mask", r.match), s.groups("keep", r.match)
	for _, g := range r.keep {
		if slices.Contains(r.mask, g) {
			s.problem(n, s.key("keep"), "group %d is masked too", g)
		}
	}
	if !s.has("mask") && !s.has("keep") && r.until == nil {
		r.mask = lastGroup(r.match)
	}
	return r
}

// groups reads group numbers: one, or a list.
func (f fields) groups(name string, p *Pattern) []int {
	nodes, at := f.items(name)
	var out []int
	for i, n := range nodes {
		one := fields{reader: f.reader, values: map[string]*yaml.Node{at(i): n}}
		if v := one.number(at(i), 0, p.any.NumSubexp()); v != nil {
			out = append(out, *v)
		}
	}
	return out
}

// lastGroup is what a rule masks unless it says otherwise: its last group, else the whole match.
func lastGroup(p *Pattern) []int { return []int{p.any.NumSubexp()} }

// spans returns the secret stretches of line as pairs of offsets, without blanks and quotes at their
// ends; they may overlap. When a rule matches more often than it may, the rest of the line counts.
func (r *secretRule) spans(line []byte, all [][]int, to []span) []span {
	for _, m := range all {
		if len(r.keep) > 0 && len(r.mask) == 0 {
			to = r.between(line, m, to)
		}
		for _, g := range r.mask {
			to = r.put(line, m[2*g], m[2*g+1], to)
		}
	}
	if len(all) == maxPerLine {
		to = r.put(line, all[maxPerLine-1][1], len(line), to)
	}
	return to
}

// between masks what of the match is in no kept group.
func (r *secretRule) between(line []byte, m []int, to []span) []span {
	at := m[0]
	for _, g := range slices.Sorted(slices.Values(r.keep)) {
		if m[2*g] < at {
			continue
		}
		to = r.put(line, at, m[2*g], to)
		at = m[2*g+1]
	}
	return r.put(line, at, m[1], to)
}

func (r *secretRule) put(line []byte, from, end int, to []span) []span {
	if from < 0 {
		return to
	}
	if s := (span{from, end, r.salted}); s.trim(line) {
		return append(to, s)
	}
	return to
}

// span is a secret stretch of a text.
type span struct {
	from, to int
	salted   bool
}

// trim takes blanks and one pair of quotes off both ends; it reports whether anything is left.
func (s *span) trim(b []byte) bool {
	s.blanks(b)
	if s.to-s.from >= 2 && (b[s.from] == '"' || b[s.from] == '\'') && b[s.to-1] == b[s.from] {
		s.from, s.to = s.from+1, s.to-1
		s.blanks(b)
	}
	return s.from < s.to
}

func (s *span) blanks(b []byte) {
	for s.from < s.to && blank(b[s.from]) {
		s.from++
	}
	for s.from < s.to && blank(b[s.to-1]) {
		s.to--
	}
}

func blank(c byte) bool { return c == ' ' || c == '\t' || c == '\r' }
