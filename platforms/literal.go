package platforms

import (
	"regexp/syntax"
	"unicode"
)

// maxExact bounds the alternatives that are multiplied out of one expression.
const maxExact = 24

// literals returns texts, in ASCII lower case, of which every match of expr must contain at least
// one. Nil means that nothing is known and the expression has to be tried everywhere. The two
// non-ASCII letters that fold to ASCII (U+017F, U+212A) are left out of account on purpose.
func literals(expr string) []string {
	re, err := syntax.Parse("(?m)"+expr, syntax.Perl)
	if err != nil {
		return nil
	}
	return required(re.Simplify())
}

// required is literals for a parsed expression.
func required(re *syntax.Regexp) []string {
	if set, ok := exact(re); ok {
		return usable(set)
	}
	switch re.Op {
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpAlternate:
		var all []string
		for _, s := range re.Sub {
			set := required(s)
			if set == nil {
				return nil
			}
			all = append(all, set...)
		}
		return all
	case syntax.OpConcat:
		return requiredInRow(re.Sub)
	}
	return nil
}

// requiredInRow picks the most telling part of a concatenation: runs of exact parts are multiplied
// out, any other part stands for itself.
func requiredInRow(subs []*syntax.Regexp) []string {
	var best []string
	run := []string{""}
	flush := func() {
		best = better(best, usable(run))
		run = []string{""}
	}
	for _, s := range subs {
		set, ok := exact(s)
		if !ok {
			flush()
			best = better(best, required(s))
			continue
		}
		if len(run)*len(set) > maxExact {
			flush()
		}
		run = product(run, set)
	}
	flush()
	return best
}

// exact returns every text that re matches, where they are few.
func exact(re *syntax.Regexp) ([]string, bool) {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText,
		syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return []string{""}, true
	case syntax.OpLiteral:
		return exactLiteral(re)
	case syntax.OpCharClass:
		return exactClass(re.Rune)
	case syntax.OpCapture:
		return exact(re.Sub[0])
	case syntax.OpQuest:
		set, ok := exact(re.Sub[0])
		return append(set, ""), ok
	case syntax.OpAlternate:
		var all []string
		for _, s := range re.Sub {
			set, ok := exact(s)
			if !ok || len(all)+len(set) > maxExact {
				return nil, false
			}
			all = append(all, set...)
		}
		return all, true
	case syntax.OpConcat:
		all := []string{""}
		for _, s := range re.Sub {
			set, ok := exact(s)
			if !ok || len(all)*len(set) > maxExact {
				return nil, false
			}
			all = product(all, set)
		}
		return all, true
	}
	return nil, false
}

// exactLiteral refuses what the filter's ASCII folding could not find: folded letters beyond ASCII,
// and U+FFFD, which stands for any broken byte.
func exactLiteral(re *syntax.Regexp) ([]string, bool) {
	for _, c := range re.Rune {
		if c == unicode.ReplacementChar || c >= unicode.MaxASCII && re.Flags&syntax.FoldCase != 0 {
			return nil, false
		}
	}
	return []string{lower(string(re.Rune))}, true
}

// lower folds ASCII letters only.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c - 'A' + 'a'
		}
	}
	return string(b)
}

func exactClass(ranges []rune) ([]string, bool) {
	var out []string
	for i := 0; i+1 < len(ranges); i += 2 {
		if ranges[i+1]-ranges[i] > 8 {
			return nil, false
		}
		for c := ranges[i]; c <= ranges[i+1]; c++ {
			if c == unicode.ReplacementChar {
				return nil, false
			}
			if c != '\u017f' && c != '\u212a' {
				out = append(out, lower(string(c)))
			}
		}
	}
	return out, len(out) > 0 && len(out) <= 8
}

func product(a, b []string) []string {
	out := make([]string, 0, len(a)*len(b))
	for _, x := range a {
		for _, y := range b {
			out = append(out, x+y)
		}
	}
	return out
}

// usable is nil where a member is empty: an empty text is contained everywhere.
func usable(set []string) []string {
	if shortest(set) == 0 {
		return nil
	}
	return set
}

func better(a, b []string) []string {
	if b == nil || a != nil && (shortest(a) > shortest(b) || shortest(a) == shortest(b) && len(a) <= len(b)) {
		return a
	}
	return b
}

func shortest(set []string) int {
	n := 0
	for i, s := range set {
		if i == 0 || len(s) < n {
			n = len(s)
		}
	}
	return n
}
