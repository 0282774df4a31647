package platforms

import (
	"bytes"
	"sync"
)

// deviceLog matches log lines that Cisco-like devices write into any output, whenever they please:
// "%SYS-5-CONFIG_I: ...", "*Mar  1 00:00:59.123: %LINK-3-UPDOWN: ...", "000042: Nov 22 ...: %...".
var deviceLog = sync.OnceValue(func() *Pattern {
	p, err := NewPattern(`^(?:<\d+>)?(?:\d+: )?(?:RP/\S+?:)?(?:[*.]?(?:[A-Z][a-z]{2} +\d{1,2}|\d{4}-\d\d-\d\d)[ T]\d\d:\d\d[^%\n]{0,120})?` +
		`%[A-Z][A-Z0-9_]*(?:-[A-Z0-9_]+)*-[0-7]-[A-Z0-9_]+:`)
	if err != nil {
		panic(err)
	}
	return p
})

// cleanKind says what a cleaning rule does with a line it matches.
type cleanKind uint8

const (
	dropLine cleanKind = iota
	dropRange
	keepLine
	blurGroups
)

type cleanRule struct {
	kind  cleanKind
	match *Pattern
	until *Pattern // dropRange: the last line to drop
}

// cleaner is the compiled noise list of one artifact.
type cleaner struct {
	rules   []cleanRule
	filter  *filter
	keeping bool   // some rule keeps: every line that none keeps is dropped
	join    []byte // a line that ends so goes on in the next one
	log     []*Pattern
}

// blurred stands for a value that changes without a change of configuration.
const blurred = "*"

// Clean returns the text that counts: line ends are "\n", blanks at line ends, leading and trailing
// empty lines and the lines that the page drops are gone, wrapped lines are joined, and blurred values
// are "*". Text that is not empty ends in one "\n". Secrets are untouched. It is linear in out and does
// not modify it.
func (a *Artifact) Clean(out []byte) []byte { return a.clean.run(out) }

func (c *cleaner) run(in []byte) []byte {
	if len(c.join) > 0 {
		in = joinLines(in, c.join)
	}
	w := cleaning{cleaner: c, out: make([]byte, 0, len(in)+1), open: -1}
	for {
		w.pass(in)
		if w.open < 0 {
			return edges(w.out)
		}
		// A range that never ended is no range: go on behind its first line, which alone is dropped.
		w.dead.add(w.open)
		in, w.open = w.resume, -1
	}
}

// cleaning is one run over one text.
type cleaning struct {
	*cleaner
	out    []byte
	open   int     // the range being dropped, or -1
	dead   ruleSet // ranges that have no end in this text
	resume []byte  // the input behind the line that opened the range
}

func (w *cleaning) pass(in []byte) {
	for len(in) > 0 {
		line, rest := cutLine(in)
		in = rest
		if w.open >= 0 {
			if w.rules[w.open].until.MatchLine(line) {
				w.open = -1
			}
			continue
		}
		if line, ok := w.line(line, rest); ok {
			w.out = append(append(w.out, line...), '\n')
		}
	}
}

// line returns what remains of one line, and whether it stays.
func (w *cleaning) line(line, rest []byte) ([]byte, bool) {
	hit := w.filter.line(line)
	if hit.empty() {
		return line, !w.keeping
	}
	keep := !w.keeping
	for i := range hit.all() {
		r := &w.rules[i]
		if r.kind == blurGroups {
			line = blur(line, r.match)
			continue
		}
		if !r.match.MatchLine(line) {
			continue
		}
		switch r.kind {
		case dropLine:
			return nil, false
		case dropRange:
			if !w.dead.has(i) {
				w.open, w.resume = i, rest
			}
			return nil, false
		case keepLine:
			keep = true
		}
	}
	return line, keep
}

// cutLine splits the first line off b, without its line end and the blanks and CRs around it.
func cutLine(b []byte) (line, rest []byte) {
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		line, rest = b[:i], b[i+1:]
	} else {
		line = b
	}
	for len(line) > 0 && line[0] == '\r' {
		line = line[1:]
	}
	for n := len(line); n > 0; n = len(line) {
		if c := line[n-1]; c != ' ' && c != '\t' && c != '\r' {
			break
		}
		line = line[:n-1]
	}
	return line, rest
}

// edges drops empty lines at both ends.
func edges(b []byte) []byte {
	b = bytes.TrimLeft(b, "\n")
	if n := len(bytes.TrimRight(b, "\n")); n > 0 {
		return b[:n+1]
	}
	return nil
}

// joinLines puts together what a device wrapped: a line that ends in mark goes on in the next one,
// behind that one's indentation.
func joinLines(in, mark []byte) []byte {
	out := make([]byte, 0, len(in))
	inside := false
	for len(in) > 0 {
		line, rest := cutLine(in)
		in = rest
		if inside {
			line = bytes.TrimLeft(line, " \t")
		}
		inside = bytes.HasSuffix(line, mark) && len(rest) > 0
		if inside {
			out = append(out, line[:len(line)-len(mark)]...)
			continue
		}
		out = append(append(out, line...), '\n')
	}
	return out
}

// maxPerLine bounds how often one rule is applied to one line. An expression may look at the whole
// rest of the line each time, and one line may be megabytes long.
const maxPerLine = 256

// blur replaces the groups of every occurrence, or the whole where there are none.
func blur(line []byte, p *Pattern) []byte {
	var out []byte
	at := 0
	for _, m := range p.any.FindAllSubmatchIndex(line, maxPerLine) {
		pairs := m
		if len(m) > 2 {
			pairs = m[2:]
		}
		for i := 0; i < len(pairs); i += 2 {
			if from, to := pairs[i], pairs[i+1]; from >= at && to > from {
				out = append(append(out, line[at:from]...), blurred...)
				at = to
			}
		}
	}
	if at == 0 {
		return line
	}
	return append(out, line[at:]...)
}
