package platforms

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// session is a file of testdata/sessions: what a device says, and what is to become of it.
type session struct {
	Page      string
	Prompts   []string
	Refused   []string
	Pagers    []string
	Artifacts map[string]struct{ Said, Kept string }
	Facts     map[string]string
	Author    string
}

func sessions(t *testing.T) []session {
	files, err := filepath.Glob("testdata/sessions/*.yaml")
	require.NoError(t, err)
	var out []session
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		var s session
		require.NoError(t, yaml.Unmarshal(b, &s), file)
		out = append(out, s)
	}
	return out
}

func TestSessionsOfEveryPage(t *testing.T) {
	all := sessions(t)
	for _, e := range Builtin().List() {
		assert.True(t, slices.ContainsFunc(all, func(s session) bool { return s.Page == e.Name }), "%s has no session", e.Name)
	}
	zero := 0
	for _, s := range all {
		t.Run(s.Page, func(t *testing.T) {
			page, ok := Builtin().Lookup(s.Page)
			require.True(t, ok)
			said := map[string][]byte{}
			for name, a := range s.Artifacts {
				i := slices.IndexFunc(page.Backup, func(x *Artifact) bool { return x.Name == name })
				require.GreaterOrEqual(t, i, 0, name)
				said[name] = []byte(strings.ReplaceAll(a.Said, "\n", "\r\n"))
				assert.Nil(t, page.Backup[i].Verify(said[name], Ending{Exit: &zero, PromptTwice: true}), name)
				kept := planted.ReplaceAllStringFunc(a.Kept, func(s string) string {
					return "<secret:" + testTag([]byte(planted.FindStringSubmatch(s)[1])) + ">"
				})
				assert.Equal(t, kept, string(page.Mask(page.Backup[i].Clean(said[name]), testTag)), name)
				for _, r := range page.Reject {
					assert.False(t, r.Match([]byte(a.Said)), "%s in %s", r, name)
				}
			}
			assert.Equal(t, s.Facts, page.FactsOf(said))
			assert.Equal(t, s.Author, page.Main().Author(said[page.Main().Name]))
			for _, p := range s.Prompts {
				_, ok := page.Login.Prompt.AtEnd([]byte(p))
				assert.True(t, ok, "prompt %q", p)
			}
			for _, p := range s.Pagers {
				ok := slices.ContainsFunc(page.Pager, func(x Exchange) bool { _, ok := x.Expect.AtEnd([]byte(p)); return ok })
				assert.True(t, ok, "pager %q", p)
				_, prompt := page.Login.Prompt.AtEnd([]byte(p))
				assert.False(t, prompt, "pager %q is no prompt", p)
			}
			for _, r := range s.Refused {
				ok := slices.ContainsFunc(page.Reject, func(p *Pattern) bool { return p.Match([]byte(r)) })
				assert.True(t, ok, "refusal %q", r)
			}
		})
	}
}
