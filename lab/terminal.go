package lab

import (
	"strconv"
	"strings"
)

// maxLine bounds a command line; more is dropped, as devices do.
const maxLine = 4096

// key reads one byte of input, after flushing what the client waits for.
func (s *session) key() (byte, bool) {
	if len(s.in) == 0 {
		s.flush()
		if s.err != nil {
			return 0, false
		}
		if s.spare == nil {
			s.spare = make([]byte, 512)
		}
		n, err := s.ch.Read(s.spare)
		if n == 0 || err != nil && n == 0 {
			return 0, false
		}
		s.in = s.spare[:n]
	}
	b := s.in[0]
	s.in = s.in[1:]
	if b == '\n' && s.skipLF { // the second half of a CR LF enter key
		s.skipLF = false
		return s.key()
	}
	s.skipLF = b == '\r'
	return b, true
}

// line reads a line as a terminal does: echo (unless hidden), erase keys,
// CR, LF or CR LF as the enter key. ok is false when the client has gone.
func (s *session) line(echo bool) (text string, ok bool) { return s.lineUntil(echo, "\r\n") }

// lineUntil is line with what to write for the enter key.
func (s *session) lineUntil(echo bool, enter string) (text string, ok bool) {
	var b []byte
	for {
		c, ok := s.key()
		if !ok {
			return "", false
		}
		switch {
		case c == '\r' || c == '\n':
			s.write(enter)
			return strings.TrimSpace(string(b)), true
		case c == 4 && len(b) == 0: // Ctrl-D
			return "", false
		case c == 3, c == 21: // Ctrl-C, Ctrl-U
			s.rub(len(b), echo)
			b = b[:0]
		case c == 8 || c == 127:
			if len(b) > 0 {
				b = b[:len(b)-1]
				s.rub(1, echo)
			}
		case c >= ' ' && len(b) < maxLine:
			b = append(b, c)
			if echo {
				s.write(string(rune(c)))
			}
		}
	}
}

func (s *session) rub(n int, echo bool) {
	if echo {
		s.write(strings.Repeat("\b \b", n))
	}
}

// pager says how a personality asks for the next page.
type pager struct {
	// text is the question; it is asked with a percentage where it holds %d.
	text string
	// wipe removes the question from the screen.
	wipe string
}

// show writes an answer (CR LF line ends) through the command's filters, page
// by page where the session pages.
func (s *session) show(text string) { s.page(s.filtered(text)) }

func (s *session) filtered(text string) string {
	for _, f := range s.filters {
		out, err := filter(text, f)
		if err != nil {
			return "% " + err.Error() + "\r\n"
		}
		text = out
	}
	return text
}

func (s *session) page(text string) {
	p := s.dev.kind.pager()
	if !s.paging || s.exec {
		s.write(text)
		return
	}
	lines := strings.SplitAfter(text, "\r\n")
	room := s.rows - 1
	for i, line := range lines {
		if room == 0 && line != "" {
			if room = s.more(p, 100*i/len(lines)); room == 0 {
				return
			}
		}
		s.write(line)
		room--
	}
}

// more asks and says how many lines to go on with; 0 is the end.
func (s *session) more(p pager, percent int) int {
	question := strings.ReplaceAll(p.text, "%d", strconv.Itoa(percent))
	s.write(question)
	for {
		c, ok := s.key()
		switch {
		case !ok, c == 'q', c == 'Q', c == 3:
			s.write(p.wipe)
			return 0
		case c == ' ', c == 'd', c == 'D':
			s.write(p.wipe)
			return s.rows - 1
		case c == '\r', c == '\n':
			s.write(p.wipe)
			return 1
		}
	}
}

// endless pages the same text for ever.
func (s *session) endless(text string) {
	p := s.dev.kind.pager()
	lines := strings.SplitAfter(text, "\r\n")
	for i := 0; s.err == nil; i = (i + 1) % max(len(lines)-1, 1) {
		s.write(lines[i])
		if i%20 == 19 && s.more(p, 50) == 0 {
			return
		}
	}
}

// showConfig writes a configuration of head, body and foot, with the faults
// that are about configurations.
func (s *session) showConfig(c configText) {
	f := s.dev.Fault()
	if len(s.filters) > 0 {
		c = configText{body: s.filtered(c.all())}
	}
	switch {
	case f.EndlessPager:
		s.endless(c.all())
	case f.Flood > 0:
		s.write(c.head)
		for n := int64(len(c.head)); n < f.Flood && s.err == nil; n += int64(max(len(c.body), 1)) {
			s.write(c.body)
		}
		s.write(c.foot)
	case f.Truncate > 0:
		s.page(firstLines(c.all(), f.Truncate))
	case f.Shrink > 0:
		all := strings.TrimRight(c.all(), "\r\n")
		last := all[strings.LastIndexByte(all, '\n')+1:]
		s.page(firstLines(all, f.Shrink) + last + "\r\n")
	case !s.paging:
		s.write(c.head)
		s.write(c.body)
		s.write(c.foot)
	default:
		s.page(c.all())
	}
}

// firstLines are the whole lines in the first n bytes.
func firstLines(text string, n int) string {
	if n >= len(text) {
		return text
	}
	return text[:strings.LastIndexByte(text[:n], '\n')+1]
}
