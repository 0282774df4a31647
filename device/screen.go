package device

import (
	"bytes"
	"encoding/binary"
)

const (
	// maxColumn bounds where a cursor sequence may jump to; it is the width of the terminal we claim to be.
	maxColumn = 511
	// maxEdit is the longest line in which characters are inserted and deleted, and the most blanks that
	// are taken for wiping. Both look at the rest of the line, and a hostile device could ask for very many.
	maxEdit = 4096
)

// screen turns the bytes of a terminal session into lines: what a person would read, without what was
// overwritten. It keeps all lines; it has no width and no height. The zero value is an empty screen.
type screen struct {
	text []byte // whole lines, each with its "\n", then the current line
	bol  int    // where the current line begins
	col  int    // the cursor, from bol; it may stand behind the end of the line
	end  int    // where the last print of more than blanks ended on this line, from bol
	most int    // how large text is made before it has to be; 0: twice what it was

	edited bool   // a character of the current line was overwritten
	cut    bool   // a pager was cut off at the end of the line, nothing printed since
	seq    []byte // a control sequence that is not complete, without its ESC
	mode   uint8  // what seq is
	skip   int    // bytes of a control string passed over
}

const (
	ground     uint8 = iota
	escape           // ESC, and perhaps intermediates
	csi              // ESC [
	control          // a control string (title, ...), to be passed over
	controlEnd       // the ESC of its terminator
)

// write applies what the device sent.
func (s *screen) write(b []byte) {
	if free := cap(s.text) - len(s.text); free < len(b) {
		// Doubling copies a long answer once on average; append would copy it several times. There is no
		// need to double beyond what will be accepted.
		double := 2 * cap(s.text)
		if s.most > 0 {
			double = min(double, s.most)
		}
		s.text = append(make([]byte, 0, max(double, len(s.text)+len(b))), s.text...)
	}
	for len(b) > 0 {
		if s.mode != ground {
			b = s.sequence(b)
			continue
		}
		if n := plain(b); n > 0 {
			s.print(b[:n])
			b = b[n:]
			continue
		}
		c := b[0]
		b = b[1:]
		switch c {
		case '\r':
			// CR LF is the common case: leave the cursor, so that the line is printed in one piece.
			if len(b) == 0 || b[0] != '\n' {
				s.col = 0
			}
		case '\b':
			s.col = max(s.col-1, 0)
		case 0x1b:
			s.mode, s.seq = escape, s.seq[:0]
		}
	}
}

// plain returns how many bytes at the start of b are text, tabs or line ends.
func plain(b []byte) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	i := 0
	for ; i+8 <= len(b); i += 8 {
		v := binary.LittleEndian.Uint64(b[i:])
		del := v ^ 0x7f*ones
		if (v-0x20*ones)&^v&highs|(del-ones)&^del&highs == 0 {
			continue
		}
		for j := i; j < i+8; j++ {
			if special(b[j]) {
				return j
			}
		}
	}
	for ; i < len(b); i++ {
		if special(b[i]) {
			return i
		}
	}
	return i
}

func special(c byte) bool { return c < ' ' && c != '\n' && c != '\t' || c == 0x7f }

// print writes text and line ends at the cursor.
func (s *screen) print(b []byte) {
	if s.cut {
		s.resume(b)
	}
	for len(b) > 0 {
		if s.col == len(s.text)-s.bol && !s.edited {
			s.text = append(s.text, b...)
			if i := lastLineEnd(b); i >= 0 {
				s.bol = len(s.text) - (len(b) - i - 1)
			}
			s.col = len(s.text) - s.bol
			s.end = s.col
			return
		}
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			s.overwrite(b)
			return
		}
		s.overwrite(b[:i])
		s.newline()
		b = b[i+1:]
	}
}

// lastLineEnd returns where the last line end of b is, or -1. Between CR LFs, where b is one line behind
// the end of the one before, searching from the front is several times faster.
func lastLineEnd(b []byte) int {
	if b[0] == '\n' && bytes.IndexByte(b[1:], '\n') < 0 {
		return 0
	}
	return bytes.LastIndexByte(b, '\n')
}

// overwrite puts b, which has no line end, at the cursor.
func (s *screen) overwrite(b []byte) {
	if len(b) == 0 {
		return
	}
	for n := s.col - (len(s.text) - s.bol); n > 0; n-- {
		s.text = append(s.text, ' ')
	}
	at := s.bol + s.col
	n := copy(s.text[at:], b)
	s.edited = s.edited || n > 0
	s.text = append(s.text, b[n:]...)
	// Blanks mostly wipe; one behind the last word may be the end of a prompt.
	if s.col == s.end && len(b) == 1 || len(bytes.Trim(b, " ")) > 0 {
		s.end = s.col + len(b)
	}
	s.col += len(b)
}

func (s *screen) newline() {
	s.text = append(s.text[:s.bol+len(s.line())], '\n')
	s.bol = len(s.text)
	s.col, s.end, s.edited, s.cut = 0, 0, false, false
}

// line returns the current line. Blanks that only wiped something are no part of it.
func (s *screen) line() []byte {
	b := s.text[s.bol:]
	if !s.edited {
		return b
	}
	n := len(b)
	for least := max(s.end, n-maxEdit); n > least && b[n-1] == ' '; {
		n--
	}
	return b[:n]
}

// shown returns all lines, the current one as line has it.
func (s *screen) shown() []byte { return s.text[:s.bol+len(s.line())] }

// cutPager takes the pager's question, which begins at offset from in the current line, off the screen.
// The cursor stays: the device is about to wipe the question itself, if it does at all.
func (s *screen) cutPager(from int) {
	s.text = s.text[:s.bol+from]
	s.end = from
	s.cut, s.edited = true, true
}

// resume is called at the first print after a pager. A device that goes on without moving the cursor
// does so as if the question had never been there; a lone line end belongs to the question.
func (s *screen) resume(b []byte) {
	s.cut = false
	length := len(s.text) - s.bol
	if s.col >= length && b[0] != '\n' {
		s.col = length
	}
	if b[0] == '\n' && length == 0 {
		s.bol = len(s.text)
		// Print the line end onto nothing: the line before gives its own back.
		if s.bol > 0 && s.text[s.bol-1] == '\n' {
			s.text = s.text[:s.bol-1]
			s.bol = bytes.LastIndexByte(s.text, '\n') + 1
		}
		s.col = len(s.text) - s.bol
		s.end, s.edited = s.col, false
	}
}

// reset forgets everything but the current line and gives up what stood above it. With keep, the caller
// keeps the buffer and the screen gets a new one; it does so too after a large answer.
func (s *screen) reset(keep bool) {
	line := s.line()
	if keep || cap(s.text) > largeAnswer+largeBuffer {
		s.text = append(make([]byte, 0, 512), line...)
	} else {
		s.text = s.text[:copy(s.text[:cap(s.text)], line)]
	}
	s.bol = 0
	s.col = min(s.col, len(s.text))
	s.end, s.edited, s.cut = min(s.end, len(s.text)), false, false
}
