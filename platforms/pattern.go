package platforms

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
	"sync"
)

// Pattern is a compiled multi-line Go regular expression: "^" and "$" stand at every line. It is
// linear in its input and safe for concurrent use.
type Pattern struct {
	text string
	any  *regexp.Regexp // anywhere
	// line is for texts of one line: there "^" is the beginning, which is much cheaper. It is compiled when first needed.
	line func() *regexp.Regexp
	// tail matches only where it reaches the end of the input. Few patterns are prompts: it is
	// compiled when first needed.
	tail func() *regexp.Regexp
}

// maxPattern bounds one regular expression of a page; pages are written by users.
const maxPattern = 2000

// NewPattern compiles expr. Errors are the compiler's words for people, or say that expr is too long.
func NewPattern(expr string) (*Pattern, error) {
	if len(expr) > maxPattern {
		return nil, fmt.Errorf("longer than %d bytes", maxPattern)
	}
	re, err := regexp.Compile("(?m)" + expr)
	if err != nil {
		return nil, asWritten(err, expr)
	}
	atEnd := "(?m)(?:" + expr + `)\z`
	if _, err := syntax.Parse(atEnd, syntax.Perl); err != nil {
		return nil, asWritten(err, expr)
	}
	return &Pattern{text: expr, any: re, line: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expr) }),
		tail: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(atEnd) })}, nil
}

// asWritten makes a compiler's words speak of the expression that the page has, without what we put around it.
func asWritten(err error, expr string) error {
	var e *syntax.Error
	if errors.As(err, &e) && strings.Contains(e.Expr, "(?m)") {
		return &syntax.Error{Code: e.Code, Expr: expr}
	}
	return err
}

// Match reports whether the pattern occurs anywhere in b.
func (p *Pattern) Match(b []byte) bool { return p.any.Match(b) }

// MatchLine is Match for a text without line ends.
func (p *Pattern) MatchLine(b []byte) bool { return p.line().Match(b) }

// AtEnd reports whether the pattern occurs in b so that it reaches b's very end, and where the
// leftmost such occurrence starts. It is what prompts and pagers are matched with; give it a bounded
// tail of the output.
func (p *Pattern) AtEnd(b []byte) (start int, ok bool) {
	loc := p.tail().FindIndex(b)
	if loc == nil {
		return 0, false
	}
	return loc[0], true
}

// Find returns the first occurrence as a pair of offsets into b, or nil.
func (p *Pattern) Find(b []byte) []int { return p.any.FindIndex(b) }

// Groups returns the first occurrence and its groups (index 0 is the whole), or nil. A group that
// took no part is nil.
func (p *Pattern) Groups(b []byte) [][]byte { return p.any.FindSubmatch(b) }

// All returns, for every occurrence, its first group if the pattern has one, else the whole.
func (p *Pattern) All(b []byte) []string {
	g := min(p.any.NumSubexp(), 1)
	var out []string
	for _, m := range p.any.FindAllSubmatch(b, -1) {
		out = append(out, string(m[g]))
	}
	return out
}

// String returns the expression as the page has it.
func (p *Pattern) String() string { return p.text }
