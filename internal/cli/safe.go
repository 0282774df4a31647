package cli

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/charmbracelet/x/ansi"
)

// safe makes text that somebody else wrote fit for one line of a terminal: no escape sequences, no control characters, no reordering of what is
// shown. Line ends and tabs become spaces.
func safe(s string) string {
	return strings.TrimRight(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case hidden(r):
			return -1
		}
		return r
	}, ansi.Strip(strings.ToValidUTF8(s, "\uFFFD"))), " ")
}

// safeLines is safe for text of several lines: line ends and tabs stay.
func safeLines(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && hidden(r) {
			return -1
		}
		return r
	}, ansi.Strip(strings.ToValidUTF8(s, "\uFFFD")))
}

// escapeHidden writes in JSON what would act on a terminal as the \u escapes that mean the same.
func escapeHidden(doc string) string {
	var b strings.Builder
	for _, r := range doc {
		if r == '\n' || !hidden(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, "\\u%04x", unit)
		}
	}
	return b.String()
}

// hidden tells the characters that act on a terminal instead of showing on it: control characters, line separators, and those that change the
// direction of writing or take no room.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || unicode.Is(unicode.Cf, r)
}
