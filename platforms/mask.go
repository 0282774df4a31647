package platforms

import (
	"bytes"
	"slices"
)

// masker is the compiled secret list of a page, the general rules included.
type masker struct {
	rules  []secretRule
	filter *filter
	salted bool // some rule is salted
	nested bool // some rule asks for enclosing lines
	// section matches lines that enclose all that follows, up to the next such line. Nil: only
	// indentation tells.
	section *Pattern
}

func newMasker(rules []secretRule) (*masker, bool) {
	if len(rules) > maxRules {
		return nil, false
	}
	m := &masker{rules: rules}
	exprs := make([]string, len(rules))
	for i, r := range rules {
		exprs[i], m.rules[i].needs = r.match.String(), needs(r.match.String())
		m.salted = m.salted || r.salted
		m.nested = m.nested || r.within != nil
	}
	m.filter = newFilter(exprs)
	return m, true
}

// Mask returns text, as Clean made it, with every secret replaced by "<secret:TAG>", where TAG is what tag says of the
// value (keyed per installation, so that equal secrets are findable without being shown). A salted
// secret, and any where tag is nil or answers "", becomes "<secret>". Keys and certificates over
// several lines become one such line. It is linear in text, does not modify it, and may return it as
// it is; a mark is never masked again. A nil page has the general rules.
func (p *Page) Mask(text []byte, tag func(secret []byte) string) []byte {
	return p.masker().run(text, tag, false)
}

// Unsalt returns text with the secrets that a device encrypts anew at every read replaced by
// "<secret>", so that a change digest does not see them. All other secrets stay in the text.
func (p *Page) Unsalt(text []byte) []byte {
	m := p.masker()
	if !m.salted {
		return text
	}
	return m.run(text, nil, true)
}

func (p *Page) masker() *masker {
	if p == nil || p.secrets == nil { // a jump host has no page
		return generalMasker()
	}
	return p.secrets
}

func (m *masker) run(text []byte, tag func([]byte) string, saltedOnly bool) []byte {
	w := masking{masker: m, text: text, tag: tag, saltedOnly: saltedOnly}
	lines := m.filter.finder(text)
	for at := 0; at < len(text); {
		if w.block == nil {
			if at = lines.next(at); at == len(text) {
				break
			}
		}
		end, next := lineEnd(text, at)
		w.step(at, end, next)
		at = next
	}
	if w.block != nil {
		w.closeBlock(len(text))
	}
	if w.out == nil {
		return text
	}
	return append(w.out, text[w.done:]...)
}

// lineEnd returns where the line that begins at at ends, and where the next one begins.
func lineEnd(text []byte, at int) (end, next int) {
	end, next = len(text), len(text)
	if i := bytes.IndexByte(text[at:], '\n'); i >= 0 {
		end, next = at+i, at+i+1
	}
	for end > at && text[end-1] == '\r' {
		end--
	}
	return end, next
}

// masking is one run over one text.
type masking struct {
	*masker
	text       []byte
	tag        func([]byte) string
	saltedOnly bool
	out        []byte
	done       int // text[:done] is in out

	block *secretRule // the block being masked, or nil
	from  int         // where its secret begins
	outer nesting
	known int // outer has seen text[:known]
	spans []span
	low   []byte // the line in ASCII lower case
}

// step works on the line text[at:end]. Behind the end of a block it is a line like others; where the block was empty, all of it is. Lines of a block enclose nothing.
func (w *masking) step(at, end, next int) {
	if w.block != nil {
		loc := w.block.until.Find(w.text[at:end])
		if loc == nil {
			w.known = next
			return
		}
		if w.closeBlock(at + loc[0]) {
			at += loc[0]
			w.known = next
		}
	}
	line := w.text[at:end]
	hit := w.filter.line(line)
	if hit.empty() {
		return
	}
	w.spans, w.low = w.spans[:0], appendLower(w.low[:0], line)
	for i := range hit.all() {
		w.apply(i, line, at, next)
	}
	w.replace(at, line)
}

// apply collects the spans of rule i, or opens a block.
func (w *masking) apply(i int, line []byte, at, next int) {
	r := &w.rules[i]
	if w.saltedOnly && !r.salted || w.block != nil && r.until != nil {
		return
	}
	from := r.start(w.low)
	if from < 0 {
		return
	}
	all := r.find(line, from)
	if all == nil || r.except != nil && r.except.MatchLine(line) || r.within != nil && !w.nestingAt(next).has(i, r.within) {
		return
	}
	if r.until == nil {
		w.spans = r.spans(line, all, w.spans)
		return
	}
	end := all[0][1]
	if shut := r.until.Find(line[end:]); shut != nil {
		w.spans = r.put(line, end, end+shut[0], w.spans)
		return
	}
	w.nestingAt(next)
	w.block, w.from = r, at+end
	w.spans = r.spans(line, all, w.spans)
}

// nestingAt is that of the line before next: most lines need not be looked at for what encloses what until a rule asks.
func (w *masking) nestingAt(next int) *nesting {
	for w.nested && w.known < next {
		end, after := lineEnd(w.text, w.known)
		w.outer.enter(w.text[w.known:end], w.section)
		w.known = after
	}
	return &w.outer
}

// replace writes the line's spans, overlapping ones as one.
func (w *masking) replace(at int, line []byte) {
	if len(w.spans) > 1 {
		slices.SortFunc(w.spans, func(a, b span) int { return a.from - b.from })
	}
	for i := 0; i < len(w.spans); i++ {
		s := w.spans[i]
		for i+1 < len(w.spans) && w.spans[i+1].from < s.to {
			i++
			s.to, s.salted = max(s.to, w.spans[i].to), s.salted || w.spans[i].salted
		}
		if s.trim(line) && !isMasked(line[s.from:s.to]) {
			w.write(at+s.from, at+s.to, w.mark(line[s.from:s.to], s.salted))
		}
	}
}

// write replaces text[from:to] by mark.
func (w *masking) write(from, to int, mark string) {
	if w.out == nil {
		w.out = make([]byte, 0, len(w.text)+len(w.text)/16+256)
	}
	if from < w.done {
		from = w.done
	}
	w.out = append(append(w.out, w.text[w.done:from]...), mark...)
	w.done = max(to, w.done)
}

func (w *masking) mark(secret []byte, salted bool) string {
	if w.tag == nil || salted {
		return "<secret>"
	}
	if t := w.tag(secret); t != "" {
		return "<secret:" + t + ">"
	}
	return "<secret>"
}

// isMasked reports whether b is a mark already.
func isMasked(b []byte) bool {
	return bytes.HasPrefix(b, []byte("<secret")) && b[len(b)-1] == '>' &&
		(len(b) == len("<secret>") || b[len("<secret")] == ':' && !bytes.ContainsAny(b[1:len(b)-1], "<> \t"))
}

// closeBlock masks the block's lines up to the offset to, as one line with the first one's
// indentation. Text on the block's first line, behind what opened it, belongs to the secret.
// It reports whether there was any.
func (w *masking) closeBlock(to int) bool {
	r, from := w.block, w.from
	w.block = nil
	body := w.text[from:to]
	lead := bytes.TrimLeft(body, " \t\r\n")
	tail := bytes.TrimRight(lead, " \t\r\n\"'")
	if len(tail) == 0 {
		return false
	}
	if start := from + len(body) - len(lead); !isMasked(tail) {
		w.write(start, start+len(tail), w.mark(flatten(tail), r.salted))
	}
	return true
}

// flatten makes the value of a block independent of its indentation and line ends.
func flatten(b []byte) []byte {
	var out []byte
	for line := range bytes.Lines(b) {
		out = append(append(out, bytes.TrimSpace(line)...), '\n')
	}
	return out
}

// appendLower appends b with its ASCII letters folded.
func appendLower(to, b []byte) []byte {
	to = append(to, b...)
	for i, c := range to {
		if 'A' <= c && c <= 'Z' {
			to[i] = c - 'A' + 'a'
		}
	}
	return to
}
