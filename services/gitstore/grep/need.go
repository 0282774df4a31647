package grep

import (
	"regexp/syntax"
	"strings"
	"unicode"

	"github.com/netraven/netraven/services/gitstore/sift"
)

// needOf answers what a text must hold for the expression to match, as far as its literals tell.
func needOf(re *syntax.Regexp) sift.Need {
	switch re.Op {
	case syntax.OpLiteral:
		var n sift.Need
		for _, run := range runs(re) {
			n.All = append(n.All, sift.Need{Literal: run})
		}
		return n
	case syntax.OpConcat:
		var n sift.Need
		for _, sub := range re.Sub {
			if one := needOf(sub); !one.Useless() {
				n.All = append(n.All, one)
			}
		}
		return n
	case syntax.OpAlternate:
		var n sift.Need
		for _, sub := range re.Sub {
			n.Any = append(n.Any, needOf(sub))
		}
		if n.Useless() {
			return sift.Need{}
		}
		return n
	}
	if sub := always(re); sub != nil {
		return needOf(sub)
	}
	return sift.Need{}
}

// always is the part that is in every match of what only wraps it; nil: there is none.
func always(re *syntax.Regexp) *syntax.Regexp {
	if re.Op == syntax.OpCapture || re.Op == syntax.OpPlus || re.Op == syntax.OpRepeat && re.Min > 0 {
		return re.Sub[0]
	}
	return nil
}

// longest is the longest literal that every matching line has.
func longest(re *syntax.Regexp) (text string, folded bool) {
	switch re.Op {
	case syntax.OpLiteral:
		for _, run := range runs(re) {
			if len(run) > len(text) {
				text = run
			}
		}
		return text, re.Flags&syntax.FoldCase != 0
	case syntax.OpConcat:
		for _, sub := range re.Sub {
			if one, f := longest(sub); len(one) > len(text) {
				text, folded = one, f
			}
		}
		return text, folded
	}
	if sub := always(re); sub != nil {
		return longest(sub)
	}
	return "", false
}

// runs are the parts of a literal that are in a text as they stand, or in lower case where case does not count. Of letters outside ASCII that have a case nothing
// is said then.
func runs(re *syntax.Regexp) []string {
	if re.Flags&syntax.FoldCase == 0 {
		return []string{string(re.Rune)}
	}
	var all []string
	var b strings.Builder
	for _, r := range re.Rune {
		if r < unicode.MaxASCII {
			b.WriteRune(unicode.ToLower(r))
			continue
		}
		all = append(all, b.String())
		b.Reset()
	}
	return append(all, b.String())
}
