package gitstore

import (
	"bytes"
	"context"

	"github.com/netraven/netraven/services/gitstore/grep"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// linesSince finds the lines of a text that are looked for. Revisions differ in a few lines: what the text has in common with the last one at both ends is not looked at again.
func (q *search) linesSince(ctx context.Context, last version, text []byte) ([]grep.Line, error) {
	head, tail := repo.Common(last.text, text)
	before, now := last.text[head:len(last.text)-tail], text[head:len(text)-tail]
	var out, behind []grep.Line
	for _, l := range last.all {
		switch {
		case l.End < head:
			out = append(out, l)
		case l.Start >= len(last.text)-tail:
			behind = append(behind, moved(l, len(now)-len(before), bytes.Count(now, newline)-bytes.Count(before, newline)))
		}
	}
	above := bytes.Count(text[:head], newline)
	err := q.lines(ctx, now, func(l grep.Line) bool {
		out = append(out, moved(l, head, above))
		return true
	})
	return append(out, behind...), err
}

func moved(l grep.Line, by, lines int) grep.Line {
	return grep.Line{Number: l.Number + lines, Start: l.Start + by, End: l.End + by, Match: l.Match + by}
}
