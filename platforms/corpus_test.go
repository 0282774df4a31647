package platforms

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// corpus returns the folder of device recordings, or skips: it is not part of the repository.
func corpus(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("NETRAVEN_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "shared", "corpus")
	}
	if _, err := os.Stat(filepath.Join(dir, "configs")); err != nil {
		t.Skip("no corpus here; set NETRAVEN_CORPUS")
	}
	return dir
}

func readJSON(t *testing.T, file string, to any) {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, to))
}

type label struct {
	File, Platform string
	Secrets        []struct {
		Line     int
		Value    string
		Anywhere bool
	}
	Keep []string
}

// Platforms without a page of their own are masked by the general rules, which must do as well here.
func TestMaskHoldsAgainstLabelledConfigs(t *testing.T) {
	dir := filepath.Join(corpus(t), "configs")
	var labels struct{ Configs []label }
	readJSON(t, filepath.Join(dir, "labels.json"), &labels)
	require.NotEmpty(t, labels.Configs)
	for _, l := range labels.Configs {
		t.Run(l.File, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(dir, l.File))
			require.NoError(t, err)
			page, _ := Builtin().Lookup(l.Platform)
			masked := string(page.Mask(text, testTag))
			was, now := lines(string(text)), lines(masked)
			require.Len(t, now, len(was), "masking single lines changes no line numbers")
			for _, s := range l.Secrets {
				assert.NotEqual(t, was[s.Line-1], now[s.Line-1], "line %d", s.Line)
				assert.Less(t, strings.Count(now[s.Line-1], s.Value), strings.Count(was[s.Line-1], s.Value), "line %d", s.Line)
				if s.Anywhere {
					assert.NotContains(t, masked, s.Value)
				}
			}
			for _, k := range l.Keep {
				i := slices.IndexFunc(was, func(w string) bool { return strings.TrimSpace(w) == strings.TrimSpace(k) })
				require.GreaterOrEqual(t, i, 0, k)
				assert.Equal(t, was[i], now[i])
			}
			for i := range was {
				if was[i] != now[i] && testing.Verbose() {
					t.Logf("%d: %s", i+1, now[i])
				}
			}
			assert.Equal(t, masked, string(page.Mask([]byte(masked), testTag)), "masking is idempotent")
		})
	}
}

func lines(s string) []string { return strings.Split(s, "\n") }

type recording struct {
	Name, Platform, Transport string
	Greeting                  []string
	Prompts, Pagers           []string
	Exchanges                 []struct {
		Send    string
		Receive []string
	}
	Expect struct {
		Secrets []string
		Assert  struct{ Absent, Present []string } `json:"redacted_assert"`
	}
}

func recordings(t *testing.T) []recording {
	files, err := filepath.Glob(filepath.Join(corpus(t), "sessions", "*.json"))
	require.NoError(t, err)
	var out []recording
	for _, f := range files {
		var r recording
		readJSON(t, f, &r)
		if _, ok := Builtin().Lookup(r.Platform); ok {
			out = append(out, r)
		}
	}
	require.NotEmpty(t, out)
	return out
}

// output is what a command answered in a recording, without echo and prompt as far as they are known.
func (r recording) output(i int) string {
	text := strings.ReplaceAll(strings.Join(r.Exchanges[i].Receive, ""), "\r", "")
	text = strings.TrimPrefix(text, strings.TrimRight(r.Exchanges[i].Send, "\r\n"))
	for _, p := range r.Prompts {
		text = strings.TrimSuffix(text, strings.TrimLeft(p, "\r\n"))
	}
	return text
}

func TestRecordedSessions(t *testing.T) {
	for _, r := range recordings(t) {
		t.Run(r.Name, func(t *testing.T) {
			page, _ := Builtin().Lookup(r.Platform)
			for i, x := range r.Exchanges {
				text := r.output(i)
				masked := string(page.Mask([]byte(text), testTag))
				for _, re := range r.Expect.Assert.Absent {
					assert.NotRegexp(t, re, masked, x.Send)
				}
				for _, s := range r.Expect.Secrets {
					assert.NotContains(t, masked, s, x.Send)
				}
				if i := slices.Index(page.Main().Send, strings.TrimSpace(x.Send)); i >= 0 {
					zero, main := 0, page.Main()
					assert.Nil(t, main.VerifyBy(main.Rule(i), []byte(text), Ending{Exit: &zero, PromptTwice: true}), x.Send)
					assert.NotNil(t, main.VerifyBy(main.Rule(i), []byte(text[:len(text)/2]), Ending{}), "half of %s", x.Send)
					was, now := lines(text), lines(masked)
					for i := range was {
						if len(was) == len(now) && was[i] != now[i] && testing.Verbose() {
							t.Logf("%d: %s", i+1, now[i])
						}
					}
				}
			}
			for _, p := range r.Prompts {
				p = plain(p)
				_, ok := page.Login.Prompt.AtEnd([]byte(p))
				assert.True(t, ok, "prompt %q", p)
			}
		})
	}
}

var control = regexp.MustCompile(`^[\x08 ]*\x08|\x1b\[[0-9;?]*[a-zA-Z]|\x1b[=>]|\r|\x00`)

// plain does what a terminal does with the control sequences of prompts and pagers.
func plain(s string) string { return control.ReplaceAllString(s, "") }

var shellPrompt = regexp.MustCompile(`^(?:\w*\[[\w.\-@: ]*[:~ ][\w/~]*\]|bash-[\d.]+|\w*@?[\w/.\-]*:~|Linux|/ ?)[$#] ?$`)

func TestPatternsOfTheCorpus(t *testing.T) {
	type kind struct {
		Match   []string
		NoMatch []string `json:"no_match"`
	}
	files, err := filepath.Glob(filepath.Join(corpus(t), "patterns", "*.json"))
	require.NoError(t, err)
	for _, file := range files {
		var kinds map[string]json.RawMessage
		readJSON(t, file, &kinds)
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		page, ok := Builtin().Lookup(name)
		if !ok {
			t.Logf("no page is named %s", name)
			continue
		}
		check := func(what string, ps ...*Pattern) {
			var k kind
			if kinds[what] == nil {
				return
			}
			require.NoError(t, json.Unmarshal(kinds[what], &k))
			hit, of := 0, 0
			for _, s := range k.Match {
				if name != "linux" && name != "cumulus_linux" && shellPrompt.MatchString(s) {
					continue // a shell below the command line: nothing we enter
				}
				of++
				if slices.ContainsFunc(ps, func(p *Pattern) bool {
					_, ok := p.AtEnd([]byte(plain(s)))
					return ok || what == "error" && p.Match([]byte(plain(s)))
				}) {
					hit++
				} else {
					t.Logf("%s %s: not matched: %q", name, what, s)
				}
			}
			assert.GreaterOrEqual(t, hit*3, of*2, "%s %s: %d of %d", name, what, hit, of)
			for _, s := range k.NoMatch {
				for _, p := range ps {
					_, ok := p.AtEnd([]byte(plain(s)))
					assert.False(t, ok, "%s %s: %q", name, what, s)
				}
			}
		}
		check("prompt", page.Login.Prompt)
		check("error", page.Reject...)
		var pagers []*Pattern
		for _, x := range page.Pager {
			pagers = append(pagers, x.Expect)
		}
		check("pager", pagers...)
	}
}
