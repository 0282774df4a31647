package grep

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"

	"github.com/netraven/netraven/services/gitstore/sift"
)

const (
	// MaxPattern bounds a pattern in bytes.
	MaxPattern = 1000
	// maxProgram bounds what a pattern becomes: its instructions are stepped through for each byte.
	maxProgram = 5000
)

// Errors of Compile. What is wrong with an expression is a *syntax.Error.
var (
	ErrEmpty     = errors.New("the pattern is empty")
	ErrTooLarge  = fmt.Errorf("the pattern is too large: it may have %d bytes, and an expression fewer repetitions of repetitions", MaxPattern)
	ErrManyLines = errors.New("a pattern matches within one line")
)

// Pattern is what is searched. Safe for concurrent use.
type Pattern struct {
	re   *regexp.Regexp
	need sift.Need
	// literal is in every line that matches; empty: there is none. A folded one is in lower case, and in the line without its case.
	literal string
	folded  bool
	// alone: the literal is all there is.
	alone bool
}

// Compile reads a pattern: an expression if regex is set, else a literal.
func Compile(text string, regex, ignoreCase bool) (*Pattern, error) {
	switch {
	case text == "":
		return nil, ErrEmpty
	case len(text) > MaxPattern:
		return nil, ErrTooLarge
	case !regex:
		if strings.ContainsAny(text, "\r\n") {
			return nil, ErrManyLines
		}
		text = regexp.QuoteMeta(text)
	}
	flags := syntax.Perl &^ syntax.OneLine
	if ignoreCase {
		flags |= syntax.FoldCase
	}
	tree, err := syntax.Parse(text, flags)
	if err != nil {
		return nil, err
	}
	if err := withinLine(tree); err != nil {
		return nil, err
	}
	program, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	if len(program.Inst) > maxProgram {
		return nil, ErrTooLarge
	}
	p := &Pattern{need: needOf(tree), alone: !regex && !ignoreCase}
	p.literal, p.folded = longest(tree)
	p.re, err = regexp.Compile(tree.String())
	return p, err
}

// Need is what a text must hold to have a match.
func (p *Pattern) Need() sift.Need { return p.need }

// withinLine takes the end of a line out of all that matches it.
func withinLine(re *syntax.Regexp) error {
	switch re.Op {
	case syntax.OpLiteral:
		if slices.Contains(re.Rune, '\n') {
			return ErrManyLines
		}
	case syntax.OpAnyChar:
		re.Op = syntax.OpAnyCharNotNL
	case syntax.OpBeginText:
		re.Op = syntax.OpBeginLine
	case syntax.OpEndText:
		re.Op, re.Flags = syntax.OpEndLine, re.Flags&^syntax.WasDollar
	case syntax.OpCharClass:
		re.Rune = without(re.Rune, '\n')
	}
	for _, sub := range re.Sub {
		if err := withinLine(sub); err != nil {
			return err
		}
	}
	return nil
}

// without takes a rune out of ranges, which are pairs.
func without(ranges []rune, r rune) []rune {
	var out []rune
	for i := 0; i < len(ranges); i += 2 {
		low, high := ranges[i], ranges[i+1]
		if r < low || r > high {
			out = append(out, low, high)
			continue
		}
		if low < r {
			out = append(out, low, r-1)
		}
		if r < high {
			out = append(out, r+1, high)
		}
	}
	return out
}
