package repo

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestDiffReadsAsGitWritesIt(t *testing.T) {
	for name, c := range map[string]struct {
		a, b string
		want string
	}{
		"equal":    {"x\n", "x\n", ""},
		"from new": {"", "a\nb\n", "--- a\n+++ b\n@@ -0,0 +1,2 @@\n+a\n+b\n"},
		"to none":  {"a\n", "", "--- a\n+++ b\n@@ -1 +0,0 @@\n-a\n"},
		"middle":   {"1\n2\n3\n4\n5\n", "1\n2\nx\n4\n5\n", "--- a\n+++ b\n@@ -2,3 +2,3 @@\n 2\n-3\n+x\n 4\n"},
		"no end":   {"a", "a\n", "--- a\n+++ b\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n"},
		"bytes":    {"\xff\n", "\xfe\n", "--- a\n+++ b\n@@ -1 +1 @@\n-\xff\n+\xfe\n"},
		"binary":   {"a\x00", "b", "Binary files a and b differ\n"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, c.want, Diff("a", "b", []byte(c.a), []byte(c.b), 1))
		})
	}
	require.NotContains(t, strings.SplitN(Diff("a\n+++ x", "b", []byte("1"), []byte("2"), 3), "\n", 3)[1], "x")
}

// Whatever the two sides are, git can apply the diff, and no shorter one exists.
func TestDiffAppliesAndIsShort(t *testing.T) {
	line := rapid.SampledFrom([]string{"a\n", "b\n", "c\n", "\n", " exit\n", "interface\n", "\xff\n", "no end"})
	text := rapid.Custom(func(rt *rapid.T) []byte {
		return []byte(strings.Join(rapid.SliceOfN(line, 0, 40).Draw(rt, "lines"), ""))
	})
	dir := t.TempDir()
	git(t, dir, "init", "-q")
	rapid.Check(t, func(rt *rapid.T) {
		a, b := text.Draw(rt, "a"), text.Draw(rt, "b")
		context := rapid.IntRange(0, 4).Draw(rt, "context")
		patch := Diff("a/f", "b/f", a, b, context)
		if bytes.Equal(a, b) {
			require.Empty(rt, patch)
			return
		}
		require.NoError(rt, os.WriteFile(filepath.Join(dir, "f"), a, 0o600))
		require.NoError(rt, os.WriteFile(filepath.Join(dir, "p"), []byte(patch), 0o600))
		out, err := tryGit(dir, "apply", "--unidiff-zero", "--whitespace=nowarn", "p")
		require.NoError(rt, err, "%s\n%s", out, patch)
		got, err := os.ReadFile(filepath.Join(dir, "f"))
		require.NoError(rt, err)
		require.Equal(rt, string(b), string(got))

		added, removed := Stat(a, b)
		olds, news := splitLines(a), splitLines(b)
		common := longestCommon(olds, news)
		require.Equal(rt, [2]int{len(news) - common, len(olds) - common}, [2]int{added, removed})
	})
}

// longestCommon is the textbook's quadratic table.
func longestCommon(a, b [][]byte) int {
	row := make([]int, len(b)+1)
	for _, x := range a {
		diagonal := 0
		for j, y := range b {
			up := row[j+1]
			if bytes.Equal(x, y) {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(up, row[j])
			}
			diagonal = up
		}
	}
	return row[len(b)]
}

func TestDiffStaysNearLinear(t *testing.T) {
	var a, b, c bytes.Buffer
	for i := range 40_000 { // about 1 MB
		fmt.Fprintf(&a, "interface Ethernet%d/%d\n", i/48, i%48)
		fmt.Fprintf(&b, "set interfaces ge-%d/0/%d\n", i/48, i%48)
		if i%7 > 0 {
			fmt.Fprintf(&c, "interface Ethernet%d/%d\n", i/48, i%48)
		}
	}
	rebuilds(t, a.Bytes(), b.Bytes())
	rebuilds(t, b.Bytes(), shuffled(a.Bytes()))
	rebuilds(t, a.Bytes(), shuffled(a.Bytes()))
	added, removed := Stat(a.Bytes(), b.Bytes())
	require.Equal(t, [2]int{40_000, 40_000}, [2]int{added, removed})
	added, removed = Stat(a.Bytes(), c.Bytes())
	require.Equal(t, 0, added)
	require.Equal(t, 5715, removed)
	blank := bytes.Repeat([]byte("\n"), 3_000_000)
	added, removed = Stat(blank, append([]byte("x\n"), blank[2:]...))
	require.Equal(t, [2]int{1, 2}, [2]int{added, removed})
}

func TestOriginsAgreeWithBlame(t *testing.T) {
	r := open(t, Options{})
	versions := [][]byte{
		[]byte("a\nb\nc\n"), []byte("a\nx\nc\nd\n"), []byte("0\na\nx\nd\n"), []byte("0\na\nx\nd\nb\nlast"),
	}
	commits := map[Hash]int{}
	var head Hash
	for i, v := range versions {
		head = store(t, r, put("f", string(v))).Head
		commits[head] = i
	}
	blame, err := r.Blame(t.Context(), head, "f")
	require.NoError(t, err)
	var want []int
	for _, l := range blame {
		want = append(want, commits[l.Commit])
	}
	asked := 0
	older := func() ([]byte, bool, error) {
		if asked++; asked == len(versions) {
			return nil, false, nil
		}
		return versions[len(versions)-1-asked], true, nil
	}
	got, complete, err := Origins(versions[len(versions)-1], older)
	require.NoError(t, err)
	require.False(t, complete, "lines of the first version may be older still")
	for i := range got {
		got[i] = len(versions) - 1 - got[i]
	}
	require.Equal(t, want, got)

	got, complete, err = Origins(nil, nil)
	require.NoError(t, err)
	require.True(t, complete)
	require.Empty(t, got)
	got, complete, err = Origins([]byte("new\n"), func() ([]byte, bool, error) { return []byte("old\n"), true, nil })
	require.NoError(t, err)
	require.True(t, complete)
	require.Equal(t, []int{0}, got)
}

// rebuilds checks that the edits turn a into b, also where they were found piece by piece.
func rebuilds(t *testing.T, a, b []byte) {
	t.Helper()
	olds, news := splitLines(a), splitLines(b)
	var got []byte
	at := 0
	for _, e := range diffLines(olds, news) {
		got = append(got, bytes.Join(olds[at:e.oldFrom], nil)...)
		got = append(got, bytes.Join(news[e.newFrom:e.newTo], nil)...)
		at = e.oldTo
	}
	got = append(got, bytes.Join(olds[at:], nil)...)
	require.True(t, bytes.Equal(b, got))
}

func shuffled(text []byte) []byte {
	lines := splitLines(text)
	rand.New(rand.NewPCG(5, 6)).Shuffle(len(lines), func(i, j int) { lines[i], lines[j] = lines[j], lines[i] })
	return bytes.Join(lines, nil)
}

// What both texts begin and end with is left out by whole lines, and texts of too many lines to compare count as changed.
func TestStatOfEndsThatAreTheSame(t *testing.T) {
	blank := strings.Repeat("\n", statLines)
	for _, c := range []struct {
		a, b           string
		added, removed int
	}{
		{"x", "yx", 1, 1},
		{"yx", "x", 1, 1},
		{"a\nx", "b\nx", 1, 1},
		{"ab\ncd\n", "xb\ncd\n", 1, 1},
		{"a\nb\n", "a\nb", 1, 1},
		{"", "a", 1, 0},
		{"a\na\n", "a\n", 0, 1},
		{"a\n" + blank + "b\n", "x\n" + blank + "b\n", 1, 1},
		{"a\n" + blank, "a\n", 0, statLines},
		{"a\n" + blank + "c\n", "b\n" + blank + "d\n", statLines + 2, statLines + 2},
	} {
		added, removed := Stat([]byte(c.a), []byte(c.b))
		require.Equal(t, []int{c.added, c.removed}, []int{added, removed}, "%.20q %.20q", c.a, c.b)
	}
}
