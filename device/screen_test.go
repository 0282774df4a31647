package device

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func render(in string, chunk int) string {
	var s screen
	for len(in) > 0 {
		n := min(chunk, len(in))
		s.write([]byte(in[:n]))
		in = in[n:]
	}
	return string(s.text[:s.bol]) + string(s.line())
}

func TestScreen(t *testing.T) {
	cases := []struct{ name, in, want string }{
		{"plain", "a\nb", "a\nb"},
		{"CR LF", "a\r\nb\r\n", "a\nb\n"},
		{"CR CR LF", "a\r\r\nb", "a\nb"},
		{"LF CR", "a\n\rb\n\r", "a\nb\n"},
		{"blanks at the end stay", "a  \r\nb \n", "a  \nb \n"},
		{"overwritten after CR", "--More--\r        \rnext\r\n", "next\n"},
		{"backspaces", "abc\b\b\b   \b\b\bxyz12\n", "xyz12\n"},
		{"backspace at the start", "\b\ba", "a"},
		{"NUL BEL DEL", "a\x00b\x07c\x7fd", "abcd"},
		{"invalid UTF-8 is kept", "a\xff\xfeb\n", "a\xff\xfeb\n"},
		{"colours", "\x1b[4m\rHOST#\x1b[m ", "HOST# "},
		{"home and erase", "old\x1b[H\x1b[Jnew", "old\nnew"},
		{"erase to the end", "abcdef\x1b[3D\x1b[K\n", "abc\n"},
		{"erase all", "abcdef\x1b[2K\rx\n", "x\n"},
		{"delete characters", "abcdef\r\x1b[2Pgh\n", "ghef\n"},
		{"insert characters", "abcdef\r\x1b[2@gh\n", "ghabcdef\n"},
		{"title", "\x1b]0;router\x07prompt", "prompt"},
		{"title with ST", "\x1b]0;router\x1b\\prompt", "prompt"},
		{"a title that never ends", "\x1b]0;router\nline\n", "\nline\n"},
		{"keypad and paste modes", "\r\x1b[K\x1b[?1l\x1b>\r [standalone: master] > ", " [standalone: master] > "},
		{"status request", "\x1b[5nhost#", "host#"},
		{"a broken sequence", "\x1b[12\nx", "\nx"},
		{"cursor sequences are bounded", "\x1b[99999999999Cx", strings.Repeat(" ", maxColumn) + "x"},
		{"lines that only scroll", "one\x1b[1;1H\x1b[1M\x1b[24;1Htwo\x1b[24;1H\x1b[1Lthree\x1b[S\x1b[24;1Hfour", "one\ntwo\nthree\nfour"},
		{"a redrawn line", "[a@b] > /\r\r[a@b] > /          \r[a@b] > /ip\r\n", "[a@b] > /ip\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, render(c.in, len(c.in)))
			for _, chunk := range []int{1, 2, 3, 7} {
				require.Equal(t, c.want, render(c.in, chunk), "in pieces of %d", chunk)
			}
		})
	}
}

func TestScreenCutsPagers(t *testing.T) {
	const pager = "--More--"
	cases := []struct{ name, before, after, want string }{
		{"wiped by CR", "one\r\n--More--", "\r        \rtwo\r\n", "one\ntwo\n"},
		{"wiped by backspaces", "one\r\n--More--", "\b\b\b\b\b\b\b\b        \b\b\b\b\b\b\b\btwo\r\n", "one\ntwo\n"},
		{"glued to a line", "sys--More--", "\b\b\b\b\b\b\b\b        \b\b\b\b\b\b\b\btem\r\n", "system\n"},
		{"glued to a line's end", "system--More--", "\b\b\b\b\b\b\b\b        \b\b\b\b\b\b\b\b\r\n", "system\n"},
		{"wiped by cursor moves", "one\r\n--More--", "\x1b[8D        \x1b[8Dtwo\r\n", "one\ntwo\n"},
		{"wiped by erase", "one\r\n--More--", "\r\x1b[Ktwo\r\n", "one\ntwo\n"},
		{"not wiped, line end", "one\r\n--More--", "\r\ntwo\r\n", "one\ntwo\n"},
		{"not wiped at all", "one\r\n--More--", "two\r\n", "one\ntwo\n"},
		{"an empty line follows", "one\r\n--More--", "\r        \r\r\ntwo\r\n", "one\n\ntwo\n"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var s screen
			s.write([]byte(c.before))
			require.True(t, bytes.HasSuffix(s.line(), []byte(pager)))
			s.cutPager(len(s.line()) - len(pager))
			s.write([]byte(c.after))
			require.Equal(t, c.want, string(s.text))
		})
	}
}

// The corpus has cases of another project's terminal. Its erasing is right wherever blanks follow; where
// they do not, a real terminal keeps the text, and so do we.
func TestScreenAgainstCorpus(t *testing.T) {
	b, err := os.ReadFile(filepath.Join(corpusFolder(), "terminal.json"))
	if err != nil {
		t.Skip("the corpus is not here")
	}
	var file struct {
		Cases []struct{ Name, Input, Output string }
	}
	require.NoError(t, json.Unmarshal(b, &file))
	differs := map[string]string{
		"cursor back over all": "foo",
		"clear screen":         "test\n\n***",
		"backspaces":           "test123",
	}
	tidy := func(s string) string {
		lines := strings.Split(strings.ReplaceAll(s, "\r", ""), "\n")
		for i := range lines {
			lines[i] = strings.TrimRight(lines[i], " ")
		}
		return strings.Join(lines, "\n")
	}
	for _, c := range file.Cases {
		want, ok := differs[c.Name]
		if !ok {
			want = c.Output
		}
		require.Equal(t, tidy(want), tidy(render(c.Input, len(c.Input))), c.Name)
	}
}

func corpusFolder() string {
	if dir := os.Getenv("NETRAVEN_CORPUS"); dir != "" {
		return dir
	}
	return filepath.Join("..", "..", "shared", "corpus")
}

func FuzzScreen(f *testing.F) {
	f.Add([]byte("a\r\nb\x1b[3Dc\b\b\n"), 3)
	f.Add([]byte("\x1b]0;x\x07\x1b[2K\x1b[5@\x1b[3P--More--\r   \r"), 1)
	f.Add([]byte("a\x1b[H\x1b[2J\x1b[99Gx\x1b[1K\x1b[9X"), 2)
	f.Fuzz(func(t *testing.T, in []byte, chunk int) {
		var s screen
		chunk = max(chunk, 1)
		for i := 0; i < len(in); i += min(chunk, len(in)-i) {
			s.write(in[i:min(i+chunk, len(in))])
			if n := len(s.line()); n > 0 && i%3 == 0 {
				s.cutPager(n / 2)
			}
			if s.bol > len(s.text) || s.col < 0 || s.bol > 0 && s.text[s.bol-1] != '\n' {
				t.Fatalf("bol %d col %d of %q", s.bol, s.col, s.text)
			}
			if bytes.IndexByte(s.text[s.bol:], '\n') >= 0 {
				t.Fatalf("a line end in the current line of %q", s.text)
			}
		}
		// Cursor moves are paid for by the bytes that ask for them.
		if len(s.text) > (len(in)+1)*(maxColumn+1) {
			t.Fatalf("%d bytes became %d", len(in), len(s.text))
		}
		for _, c := range s.text {
			if special(c) {
				t.Fatalf("control byte %#x on the screen", c)
			}
		}
	})
}

func BenchmarkScreen(b *testing.B) {
	text := bytes.Repeat([]byte(" ip address 192.0.2.1 255.255.255.0 secondary\r\n"), 20000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		var s screen
		for i := 0; i < len(text); i += 32 << 10 {
			s.write(text[i:min(i+32<<10, len(text))])
		}
	}
}
