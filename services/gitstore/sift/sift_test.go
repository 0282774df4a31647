package sift_test

import (
	"context"
	"crypto/sha1" //nolint:gosec // names as git gives them
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/services/gitstore/grep"
	"github.com/netraven/netraven/services/gitstore/sift"
)

func text(content string) sift.Text {
	return sift.Text{Hash: sift.Hash(sha1.Sum([]byte(content))), Content: []byte(content)} //nolint:gosec // as above
}

func open(t *testing.T, dir string) *sift.Index {
	t.Helper()
	x, err := sift.Open(dir)
	require.NoError(t, err)
	return x
}

// may tells which of some texts may hold a literal.
func may(t *testing.T, x *sift.Index, n sift.Need, among ...sift.Text) (found []int) {
	t.Helper()
	hashes, err := x.Search(context.Background(), n)
	require.NoError(t, err)
	all := map[sift.Hash]bool{}
	for _, h := range hashes {
		all[h] = true
	}
	for i, a := range among {
		if all[a.Hash] {
			found = append(found, i)
		}
	}
	return found
}

func fleet(n int) []sift.Text {
	var all []sift.Text
	for i := range n {
		all = append(all, text(fmt.Sprintf("hostname sw-%04d\ninterface Gi0/1\n ip address 10.%d.%d.1\n", i, i/7, i%251)))
	}
	return all
}

func TestAnIndexNarrowsDownAndOutlivesItsProcess(t *testing.T) {
	dir, all := t.TempDir(), fleet(300)
	x := open(t, dir)
	require.NoError(t, x.Put(all[:100]))
	require.NoError(t, x.Put(all)) // the first ones again
	require.Equal(t, 300, x.Len())
	for range 2 {
		for _, i := range []int{0, 99, 127, 128, 255, 256, 299} {
			require.Equal(t, []int{i}, may(t, x, sift.Need{Literal: fmt.Sprintf("HOSTNAME sw-%04d", i)}, all...))
		}
		require.Len(t, may(t, x, sift.Need{Literal: "interface"}, all...), 300)
		require.Len(t, may(t, x, sift.Need{}, all...), 300)
		require.Empty(t, may(t, x, sift.Need{Literal: "hostname rt-"}, all...))
		require.Empty(t, may(t, x, sift.Need{Literal: "0001\ninterface"}, all...), "a literal lies within a line")
		require.Equal(t, []int{3, 5}, may(t, x, sift.Need{Any: []sift.Need{{Literal: "sw-0003"}, {All: []sift.Need{{Literal: "sw-0005"}, {Literal: "hostname"}}}}}, all...))
		x = open(t, dir)
	}
}

func TestPlacesAreUsedAgain(t *testing.T) {
	dir, all := t.TempDir(), fleet(128)
	x := open(t, dir)
	require.NoError(t, x.Put(all))
	x.Retain(func(h sift.Hash) bool { return h != all[5].Hash && h != all[70].Hash })
	require.False(t, x.Has(all[5].Hash))
	require.NotContains(t, may(t, x, sift.Need{}, all...), 5)
	fresh := text("nothing like it at all\n")
	require.NoError(t, x.Put([]sift.Text{fresh}))
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Len(t, files, 1, "in the same block")
	for range 2 {
		require.NotEmpty(t, may(t, x, sift.Need{Literal: "nothing like"}, fresh))
		require.Empty(t, may(t, x, sift.Need{Literal: "hostname sw-0005"}, fresh, all[5]), "no bit of the one before is left")
		require.False(t, x.Has(all[5].Hash))
		x = open(t, dir)
	}
	x.Retain(func(sift.Hash) bool { return false })
	require.Zero(t, x.Len())
}

func TestWhatIsNoBlockGoes(t *testing.T) {
	dir, all := t.TempDir(), fleet(200)
	require.NoError(t, open(t, dir).Put(all))
	require.NoError(t, os.Truncate(filepath.Join(dir, "000001.sift"), 100))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "000007.sift.tmp"), []byte("half"), 0o600))
	x := open(t, dir)
	require.Equal(t, 128, x.Len())
	files, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.NoError(t, x.Put(all))
	require.Equal(t, 200, x.Len())
}

// No text that has a line that matches is ruled out, whatever pattern and text are.
func FuzzNoHitIsLost(f *testing.F) {
	for i, p := range []string{"hostname", `^ip address (10|11)\.[0-9]+`, "(?i)KELVIN", "stra(ss|ß)e|longs", "(abc)+d{2,3}", "[Ii]nterface x?Gi", "a|", "É"} {
		f.Add(p, "hostname a\nip address 10.1\nabcabcdd \u212aelvin stra\u00dfe long\u017f\n\u00e9\n interface Gi", i%2 == 0, true)
		f.Add(p, "HOSTNAME\xff\nK", true, i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, pattern, content string, regex, ignoreCase bool) {
		p, err := grep.Compile(pattern, regex, ignoreCase)
		if err != nil {
			return
		}
		hit := false
		require.NoError(t, p.Lines(context.Background(), []byte(content), func(l grep.Line) bool {
			hit = true
			line, some := string(sift.Fold([]byte(content)[l.Start:l.End])), p.Need().OneOf()
			require.True(t, len(some) == 0 || slices.ContainsFunc(some, func(one string) bool { return strings.Contains(line, one) }), "%q has none of %q", line, some)
			return false
		}))
		if !hit || p.Need().Useless() {
			return
		}
		require.True(t, sift.MayHold([]byte(content), p.Need()), "%q in %q", pattern, content)
	})
}

func TestOneOfTheRarestLiterals(t *testing.T) {
	for pattern, want := range map[string][]string{
		`10\.9\.9\.9`: {"10.9.9.9"}, `^ip address (10\.1\.|192\.)\d+`: {"ip address "}, `a(Long|Longer) b`: {"long"}, `(abcdef|xyzuvw)\d`: {"abcdef", "xyzuvw"}, `x?y`: nil, `(abc|d)`: nil, `(abc|d)efg`: {"efg"},
	} {
		p, err := grep.Compile(pattern, true, false)
		require.NoError(t, err)
		require.Equal(t, want, p.Need().OneOf(), pattern)
	}
}
