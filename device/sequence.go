package device

import "bytes"

const (
	// maxSequence bounds a control sequence; a longer one is none.
	maxSequence = 64
	// maxString bounds a control string such as a window title: what never ends must not swallow the rest.
	maxString = 1024
)

// sequence goes on with a control sequence that begins or continues at b, and returns what is behind it.
func (s *screen) sequence(b []byte) []byte {
	for i, c := range b {
		switch s.mode {
		case control:
			s.skip++
			switch {
			case c == 0x1b:
				s.mode = controlEnd
			case c == 0x07:
				s.mode = ground
				return b[i+1:]
			case c == '\n', s.skip > maxString:
				s.mode = ground
				return b[i:]
			}
		case controlEnd:
			s.mode = ground
			if c == '\\' {
				return b[i+1:]
			}
			s.mode, s.seq = escape, s.seq[:0]
			return b[i:]
		default:
			if c < ' ' || c == 0x7f || len(s.seq) >= maxSequence {
				// A control character ends what was no sequence after all.
				s.mode = ground
				return b[i:]
			}
			s.seq = append(s.seq, c)
			if s.step(c) {
				return b[i+1:]
			}
		}
	}
	return nil
}

// step takes one more character of an escape or CSI sequence and reports whether the screen is back to
// ordinary text or to a control string.
func (s *screen) step(c byte) bool {
	if s.mode == csi {
		if c < 0x40 || c > 0x7e {
			return false
		}
		s.mode = ground
		s.apply(c, s.seq[1:len(s.seq)-1])
		return true
	}
	if c < 0x30 { // intermediate: one more character follows
		return false
	}
	if len(s.seq) == 1 {
		switch c {
		case '[':
			s.mode = csi
			return false
		case ']', 'P', '^', '_', 'X':
			s.mode, s.skip = control, 0
			return true
		case 'E', 'D': // next line, line feed
			s.newline()
		}
	}
	s.mode = ground
	return true
}

// apply does what a CSI sequence says, as far as it concerns one line.
func (s *screen) apply(final byte, params []byte) {
	if len(params) > 0 && params[0] >= '<' { // private modes: bracketed paste, keypad, ...
		return
	}
	n, second := numbers(params)
	switch final {
	case 'C', 'a':
		s.col = max(s.col, min(s.col+max(n, 1), maxColumn))
	case 'D':
		s.col = max(s.col-max(n, 1), 0)
	case 'G', '`':
		s.col = min(max(n, 1), maxColumn) - 1
	case 'H', 'f':
		s.jump(n, second)
	case 'J':
		s.erase(min(n, 2))
	case 'K':
		s.erase(n)
	case 'P':
		s.remove(max(n, 1))
	case '@':
		s.insert(max(n, 1))
	case 'X':
		s.blank(max(n, 1))
	case 'L', 'M', 'S': // a line comes in, one goes, all move up: what is printed next stands on another row
		if len(s.line()) > 0 {
			s.newline()
		}
	}
}

// jump moves to a row and a column. Rows mean nothing here, but the home position begins a new screen:
// what stood in the line so far was read by nobody else.
func (s *screen) jump(row, column int) {
	if row <= 1 && column <= 1 {
		if len(s.line()) > 0 {
			s.newline()
		}
		return
	}
	s.col = min(max(column, 1), maxColumn) - 1
}

// erase wipes from the cursor on (0), up to it (1) or all of the line (2).
func (s *screen) erase(what int) {
	length := len(s.text) - s.bol
	switch what {
	case 0:
		s.text = s.text[:s.bol+min(s.col, length)]
	case 1:
		s.fill(0, min(s.col+1, length))
	case 2:
		s.text = s.text[:s.bol]
	}
	s.end = min(s.end, len(s.text)-s.bol)
}

func (s *screen) blank(n int) {
	length := len(s.text) - s.bol
	s.fill(min(s.col, length), min(s.col+n, length))
}

// fill writes blanks. They count as printed: nothing here says that they only wiped.
func (s *screen) fill(from, to int) {
	for i := from; i < to; i++ {
		s.text[s.bol+i] = ' '
		s.edited = true
	}
}

func (s *screen) remove(n int) {
	line := s.text[s.bol:]
	if s.col >= len(line) || len(line) > maxEdit {
		return
	}
	n = min(n, len(line)-s.col)
	s.text = append(s.text[:s.bol+s.col], line[s.col+n:]...)
	s.edited, s.end = true, s.col
}

func (s *screen) insert(n int) {
	length := len(s.text) - s.bol
	if s.col >= length || length > maxEdit || n > maxColumn {
		return
	}
	tail := bytes.Clone(s.text[s.bol+s.col:])
	s.text = append(s.text[:s.bol+s.col], bytes.Repeat([]byte{' '}, n)...)
	s.text = append(s.text, tail...)
}

// numbers reads the first two parameters; missing ones are 0.
func numbers(params []byte) (first, second int) {
	v := [2]int{}
	at := 0
	for _, c := range params {
		switch {
		case c == ';':
			if at++; at == len(v) {
				return v[0], v[1]
			}
		case c >= '0' && c <= '9':
			v[at] = min(v[at]*10+int(c-'0'), 1<<16)
		}
	}
	return v[0], v[1]
}
