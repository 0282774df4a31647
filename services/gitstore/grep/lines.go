package grep

import (
	"bytes"
	"context"
)

// piece is how much the engine sees at once.
const piece = 4 << 10

// Line is a line that matches.
type Line struct {
	// Number counts from 1.
	Number int
	// Start and End are the line's place in the text, without its end.
	Start, End int
	// Match is where the first match begins.
	Match int
}

// Lines calls see for each line that matches, in order, until it answers false. It ends early with ctx, whose error it answers.
func (p *Pattern) Lines(ctx context.Context, text []byte, see func(Line) bool) error {
	s := scan{p: p, text: text, plain: text}
	if p.literal != "" && p.folded {
		s.plain = lowered(text)
	}
	number, counted := 1, 0
	for at := 0; at < len(text); {
		match, err := s.next(ctx, at)
		if err != nil || match < 0 {
			return err
		}
		l := Line{Start: lineStart(text, match), End: lineEnd(text, match), Match: match}
		number += bytes.Count(text[counted:l.Start], newline)
		l.Number, counted = number, l.Start
		if !see(l) {
			return nil
		}
		at = l.End + 1
	}
	return nil
}

// Match tells whether one line matches.
func (p *Pattern) Match(line []byte) bool { return p.re.Match(line) }

var newline = []byte("\n")

// scan is a text on its way.
type scan struct {
	p    *Pattern
	text []byte
	// plain is the text as the literal is looked for in it; nil: it cannot be.
	plain []byte
}

// next answers where the first match at or after a line's start begins; -1: there is none.
func (s *scan) next(ctx context.Context, at int) (int, error) {
	if s.p.literal != "" && s.plain != nil {
		return s.nextLiteral(ctx, at)
	}
	for at < len(s.text) {
		if err := ctx.Err(); err != nil {
			return -1, err
		}
		end := lineEnd(s.text, min(at+piece, len(s.text)))
		if loc := s.p.re.FindIndex(s.text[at:end]); loc != nil {
			return at + loc[0], nil
		}
		at = end + 1
	}
	return -1, nil
}

// nextLiteral runs the engine over lines with the literal only.
func (s *scan) nextLiteral(ctx context.Context, at int) (int, error) {
	literal := []byte(s.p.literal)
	for at < len(s.text) {
		if err := ctx.Err(); err != nil {
			return -1, err
		}
		i := bytes.Index(s.plain[at:], literal)
		if i < 0 {
			return -1, nil
		}
		if s.p.alone {
			return at + i, nil
		}
		start, end := lineStart(s.text, at+i), lineEnd(s.text, at+i)
		if loc := s.p.re.FindIndex(s.text[start:end]); loc != nil {
			return start + loc[0], nil
		}
		at = end + 1
	}
	return -1, nil
}

// lineStart and lineEnd are the ends of the line that a place is in.
func lineStart(text []byte, at int) int { return bytes.LastIndexByte(text[:at], '\n') + 1 }

func lineEnd(text []byte, at int) int {
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		return at + i
	}
	return len(text)
}

// lowered is a copy in lower case, byte for byte; nil where letters outside ASCII may be the same as some inside it.
func lowered(text []byte) []byte {
	out := make([]byte, len(text))
	for i, c := range text {
		if c >= 0x80 {
			return nil
		}
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		out[i] = c
	}
	return out
}

// Around are up to n whole lines before and after a line.
func Around(text []byte, l Line, n int) (before, after [][]byte) {
	for start := l.Start; start > 0 && len(before) < n; {
		prev := lineStart(text, start-1)
		before = append([][]byte{text[prev : start-1]}, before...)
		start = prev
	}
	for end := l.End; end+1 < len(text) && len(after) < n; {
		next := lineEnd(text, end+1)
		after = append(after, text[end+1:next])
		end = next
	}
	return before, after
}
