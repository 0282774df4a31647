package gitstore_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/services/gitstore"
	"github.com/netraven/netraven/services/gitstore/grep"
)

// What is found of a revision beside the one before is what is found of it alone.
func FuzzLinesOfRevisions(f *testing.F) {
	for _, texts := range [][3]string{
		{"a\nb\nc\n", "a\nx\nc\n", "a\nc\n"}, {"a\n", "a\na\n", "a\na\na"}, {"", "a", "ba"}, {"a\n\na", "a\n\n\na", "\na"}, {"xa\na\n", "a\na\n", "xa\na\n"},
		{"b\na", "ba", "a\nba"}, {"a\nb\na\nb\n", "a\nb\n", "a\nb\na\nb\na\nb\n"}, {"a\r\nb\r\n", "a\nb\r\n", "\r\nb"},
	} {
		for _, pattern := range []string{"a", "^a$", "^", "b?", "[^x]a"} {
			f.Add(pattern, texts[0], texts[1], texts[2])
		}
	}
	f.Fuzz(func(t *testing.T, pattern, first, second, third string) {
		p, err := grep.Compile(pattern, true, false)
		if err != nil {
			return
		}
		got, err := gitstore.LinesOfEach(p, []byte(first), []byte(second), []byte(third))
		require.NoError(t, err)
		for i, text := range []string{first, second, third} {
			var want []grep.Line
			require.NoError(t, p.Lines(context.Background(), []byte(text), func(l grep.Line) bool { want = append(want, l); return true }))
			require.Equal(t, want, got[i], "%q in %q of %q", pattern, text, []string{first, second, third})
		}
	})
}
