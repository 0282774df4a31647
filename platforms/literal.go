package platforms

import (
	"cmp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxExact bounds the alternatives that are multiplied out of one expression.
const maxExact = 24

// need is what every match of an expression holds: one of the texts in set, in ASCII lower case, and at most lead bytes of the match
// before it (-1: any number).
type need struct {
	set  []string
	lead int
}

// needs returns what every match of expr holds, the most telling first. The two non-ASCII letters that fold to ASCII (U+017F, U+212A) are left
// out of account on purpose.
func needs(expr string) []need {
	re, err := syntax.Parse("(?m)"+expr, syntax.Perl)
	if err != nil {
		return nil
	}
	all := required(re.Simplify())
	slices.SortStableFunc(all, func(a, b need) int {
		return cmp.Or(shortest(b.set)-shortest(a.set), len(a.set)-len(b.set))
	})
	return all
}

// beginnings returns texts, in ASCII lower case, one of which every line that expr matches in begins with. Nil: nothing is known.
func beginnings(expr string) []string {
	re, err := syntax.Parse("(?m)"+expr, syntax.Perl)
	if err != nil {
		return nil
	}
	if re = re.Simplify(); re.Op != syntax.OpConcat || re.Sub[0].Op != syntax.OpBeginLine {
		return nil
	}
	run := []string{""}
	for _, s := range re.Sub[1:] {
		set, ok := exact(s)
		if !ok || len(run)*len(set) > maxExact {
			break
		}
		run = product(run, set)
	}
	if usable(run, 0) == nil {
		return nil
	}
	return run
}

// required is needs for a parsed expression, in the order of the text.
func required(re *syntax.Regexp) []need {
	if set, ok := exact(re); ok {
		return usable(set, 0)
	}
	switch re.Op {
	case syntax.OpCapture, syntax.OpPlus:
		return required(re.Sub[0])
	case syntax.OpAlternate:
		one := need{}
		for _, s := range re.Sub {
			all := required(s)
			if len(all) == 0 {
				return nil
			}
			best := slices.MaxFunc(all, func(a, b need) int { return shortest(a.set) - shortest(b.set) })
			one.set, one.lead = append(one.set, best.set...), widest(one.lead, best.lead)
		}
		return []need{one}
	case syntax.OpConcat:
		return requiredInRow(re.Sub)
	}
	return nil
}

// requiredInRow goes through a concatenation: runs of exact parts are multiplied out, any other part stands for itself.
func requiredInRow(subs []*syntax.Regexp) []need {
	var all []need
	run, begin, width := []string{""}, 0, 0
	flush := func() {
		all = append(all, usable(run, begin)...)
		run, begin = []string{""}, width
	}
	for _, s := range subs {
		set, ok := exact(s)
		if ok && len(run)*len(set) > maxExact || !ok {
			flush()
		}
		if ok {
			run = product(run, set)
		} else {
			for _, n := range required(s) {
				all = append(all, need{n.set, sum(width, n.lead)})
			}
		}
		width = sum(width, longest(s))
		if !ok {
			begin = width
		}
	}
	flush()
	return all
}

// sum adds widths; -1 is any.
func sum(a, b int) int {
	if a < 0 || b < 0 {
		return -1
	}
	return a + b
}

// widest is the larger of two widths.
func widest(a, b int) int {
	if a < 0 || b < 0 {
		return -1
	}
	return max(a, b)
}

// longest is how many bytes a match of re can have; -1: any number.
func longest(re *syntax.Regexp) int {
	switch re.Op {
	case syntax.OpEmptyMatch, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		return 0
	case syntax.OpLiteral:
		return utf8.UTFMax * len(re.Rune)
	case syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		return utf8.UTFMax
	case syntax.OpCapture, syntax.OpQuest:
		return longest(re.Sub[0])
	case syntax.OpConcat, syntax.OpAlternate:
		width := 0
		for _, s := range re.Sub {
			if re.Op == syntax.OpAlternate {
				width = widest(width, longest(s))
			} else {
				width = sum(width, longest(s))
			}
		}
		return width
	}
	return -1
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

// usable is nothing where a member is empty or blank: such a text is contained nearly everywhere.
func usable(set []string, lead int) []need {
	if slices.ContainsFunc(set, func(s string) bool { return strings.TrimSpace(s) == "" }) {
		return nil
	}
	return []need{{set, lead}}
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
