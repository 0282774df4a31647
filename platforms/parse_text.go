package platforms

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// unreadable says why b is no text that a page may be, and in which line; "" where it is.
func unreadable(b []byte) (line int, why string) {
	at := len(b)
	if len(b) > MaxPage {
		at, why = MaxPage, fmt.Sprintf("is larger than %d bytes, which end in this line", MaxPage)
	}
	for i := 0; i < at; {
		c, n := utf8.DecodeRune(b[i:])
		switch {
		case c == utf8.RuneError && n == 1:
			at, why = i, fmt.Sprintf("is not UTF-8: byte %#02x", b[i])
		case c < ' ' && c != '\t' && c != '\n' && c != '\r' || 0x7f <= c && c < 0xa0 && c != 0x85:
			at, why = i, fmt.Sprintf("holds the control character %q: write it as an escape, in double quotes", c)
		}
		i += n
	}
	return 1 + bytes.Count(b[:at], []byte("\n")), why
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// notYAML reports what the YAML reader says, with its line.
func (r *reader) notYAML(err error) {
	said := err.Error()
	at := yamlLine.FindStringSubmatch(said)
	line, _ := strconv.Atoi(at[1])
	r.problem(&yaml.Node{Line: max(line, 1)}, "", "is not YAML: %s", strings.TrimPrefix(said, at[0]))
}
