package platforms

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func seed(f *testing.F) {
	files, err := filepath.Glob("testdata/mask/*.txt")
	require.NoError(f, err)
	names := Builtin().List()
	for i, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(f, err)
		b = planted.ReplaceAll(b, []byte("$1"))
		f.Add(b, uint16(i)) // one page, mostly another's text
		own := slices.IndexFunc(names, func(e Entry) bool { return e.Name == strings.TrimSuffix(filepath.Base(file), ".txt") })
		f.Add(b, uint16(max(own, 0)))
	}
	f.Add([]byte("\r\n\x00\xff\\\r\n  -----BEGIN PRIVATE KEY-----\n\n<secret>"), uint16(0))
}

// nth is a page: trying all on each input would leave time for few inputs.
func nth(i uint16) *Page {
	all := Builtin().List()
	page, _ := Builtin().Lookup(all[int(i)%len(all)].Name)
	return page
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	for _, name := range []string{"cisco_ios", "juniper_junos", "mikrotik_routeros"} {
		page, _ := Builtin().Lookup(name)
		f.Add(page.Source())
	}
	everything, err := os.ReadFile("testdata/everything.yaml")
	require.NoError(f, err)
	f.Add(everything)
	f.Fuzz(func(t *testing.T, b []byte) {
		page, problems := Parse("fuzz", b)
		if (page == nil) == (len(problems) == 0) {
			t.Fatal("either a page or problems")
		}
		if page == nil {
			return
		}
		text := []byte("a\n b pass x\nend\n")
		page.Mask(text, testTag)
		for _, a := range page.Backup {
			a.Verify(a.Clean(text), Ending{})
		}
	})
}

func FuzzClean(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte, i uint16) {
		was := bytes.Clone(b)
		for _, a := range nth(i).Backup {
			once := a.Clean(b)
			require.True(t, bytes.Equal(was, b))
			require.LessOrEqual(t, len(once), len(b)+1)
			if len(once) > 0 && once[len(once)-1] != '\n' {
				t.Fatal("no line end")
			}
		}
		ios, _ := Builtin().Lookup("cisco_ios")
		once := ios.Main().Clean(b)
		require.Equal(t, string(once), string(ios.Main().Clean(once)))
	})
}

func FuzzMask(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte, i uint16) {
		was, page := bytes.Clone(b), nth(i)
		once := page.Mask(b, testTag)
		require.True(t, bytes.Equal(was, b))
		// Each mark is shorter than 32 bytes and stands for at least one.
		require.LessOrEqual(t, len(once), len(b)*32)
		require.Equal(t, bytes.HasSuffix(b, []byte("\n")), bytes.HasSuffix(once, []byte("\n")))
		page.Mask(once, nil)
		page.MaskLines(string(b))
	})
}

func FuzzVerify(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte, i uint16) {
		page := nth(i)
		page.Main().Verify(b, Ending{})
		page.FactsOf(map[string][]byte{page.Main().Name: b})
		page.Main().Author(b)
	})
}
