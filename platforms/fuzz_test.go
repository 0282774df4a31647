package platforms

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func seed(f *testing.F) {
	files, err := filepath.Glob("testdata/mask/*.txt")
	require.NoError(f, err)
	for i, file := range files {
		if i%5 != 0 {
			continue // every page reads every seed: all of them would take as long as the square of their number
		}
		b, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(planted.ReplaceAll(b, []byte("$1")))
	}
	f.Add([]byte("\r\n\x00\xff\\\r\n  -----BEGIN PRIVATE KEY-----\n\n<secret>"))
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
	f.Fuzz(func(t *testing.T, b []byte) {
		was := bytes.Clone(b)
		for _, e := range Builtin().List() {
			page, _ := Builtin().Lookup(e.Name)
			for _, a := range page.Backup {
				once := a.Clean(b)
				require.True(t, bytes.Equal(was, b))
				require.LessOrEqual(t, len(once), len(b)+1)
				if len(once) > 0 && once[len(once)-1] != '\n' {
					t.Fatal("no line end")
				}
			}
		}
		ios, _ := Builtin().Lookup("cisco_ios")
		once := ios.Main().Clean(b)
		require.Equal(t, string(once), string(ios.Main().Clean(once)))
	})
}

func FuzzMask(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		was := bytes.Clone(b)
		for _, e := range Builtin().List() {
			page, _ := Builtin().Lookup(e.Name)
			once := page.Mask(b, testTag)
			require.True(t, bytes.Equal(was, b))
			// Each mark is shorter than 32 bytes and stands for at least one.
			require.LessOrEqual(t, len(once), len(b)*32)
			require.Equal(t, bytes.HasSuffix(b, []byte("\n")), bytes.HasSuffix(once, []byte("\n")))
			page.Mask(once, nil)
			page.MaskLines(string(b))
		}
	})
}

func FuzzVerify(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, e := range Builtin().List() {
			page, _ := Builtin().Lookup(e.Name)
			page.Main().Verify(b, Ending{})
			page.FactsOf(map[string][]byte{page.Main().Name: b})
			page.Main().Author(b)
		}
	})
}
