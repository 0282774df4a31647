package repo

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/unicode/norm"
)

func TestSafeName(t *testing.T) {
	for _, fine := range []string{"r1", "Core-SW1.oslo", "running.cfg", "New York", "sw_01(a)", "маршрутизатор", "ルーター1"} {
		require.Equal(t, fine, SafeName(fine))
	}
	for name, stem := range map[string]string{
		"": "_", ".": "_", "..": "_", ".git": "_git", ".GIT": "_GIT", "git~1": "git_1", "a/b": "a_b", "a\\b": "a_b",
		"-rf": "_rf", "con": "_con", "NUL.txt": "_NUL.txt", "lpt1": "_lpt1", "a\x00b\n": "a_b_", "x.": "x.", " x ": "_x", "a:b": "a_b",
		"\u1100\u1161": "\uac00", "u\u0308": "ü", "\uf900": "\u8c48", "\u200c.git": "__git", ".git\u200c": "_git_", "\xff": "_", "r\u202e1": "r_1", "a~b": "a_b",
	} {
		got := SafeName(name)
		require.True(t, strings.HasPrefix(got, stem+"~") || strings.HasPrefix(got, "_.git~") && stem == "__git", "%q gives %q", name, got)
	}
	require.NotEqual(t, SafeName("a/b"), SafeName("a\\b"))
	require.NotEqual(t, strings.ToLower(SafeName("A/b")), strings.ToLower(SafeName("a/b")), "apart without case too")
	require.NotEqual(t, strings.ToLower(FoldedName("R1")), strings.ToLower(FoldedName("r1")))
	require.Len(t, SafeName(strings.Repeat("x", 4096)), maxName+markLen)
	require.NotEqual(t, SafeName(strings.Repeat("x", 4096)), SafeName(strings.Repeat("x", 4095)))
}

func FuzzSafeName(f *testing.F) {
	for _, s := range []string{"r1", ".git", "a/b", "..", "a~0123456789ab", "COM1", "é", "\xff", strings.Repeat("ж", 100), "a ", " .x", "con .x", "0 .", "a . .", "con." + strings.Repeat("ж", 100)} {
		f.Add(s, s+"x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		x := SafeName(a)
		checkComponent(t, x)
		checkComponent(t, FoldedName(a))
		if a != b && x == SafeName(b) {
			t.Fatalf("%q and %q are both %q", a, b, x)
		}
	})
}

// checkComponent is what file systems and git ask of a component, said independently of how it is made.
func checkComponent(t *testing.T, c string) {
	t.Helper()
	switch {
	case c == "" || len(c) > 200 || !utf8.ValidString(c):
		t.Fatalf("%q: size or encoding", c)
	case strings.ContainsAny(c, "/\\:*?\"<>|\x00\n") || strings.ContainsFunc(c, unicode.IsControl):
		t.Fatalf("%q: a forbidden byte", c)
	case strings.HasPrefix(c, ".") || strings.HasPrefix(c, "-") || strings.HasSuffix(c, ".") || strings.HasSuffix(c, " "):
		t.Fatalf("%q: starts or ends badly", c)
	case !norm.NFC.IsNormalString(c):
		t.Fatalf("%q: another spelling of the same letters", c)
	case !isSafe(c):
		t.Fatalf("%q: Prepare would refuse it", c)
	}
}
