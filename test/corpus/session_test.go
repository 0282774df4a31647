package corpus

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/platforms"
)

// The platforms whose recordings hold what our pages ask for.
var covered = []string{"arista_eos", "cisco_ios", "juniper_junos", "mikrotik_routeros"}

// recording is what this suite needs of a session of the corpus.
type recording struct {
	Name      string
	Platform  string
	Exchanges []struct {
		Send    string
		Receive []string
	}
	Expect struct {
		Config  []part
		Results []part
	}
}

type part struct {
	Command string
	Text    []string
}

// folder returns where the corpus is, or "".
func folder() string {
	dir := os.Getenv("NETRAVEN_CORPUS")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpus")
	}
	if _, err := os.Stat(filepath.Join(dir, "sessions")); err != nil {
		return ""
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return ""
	}
	return abs
}

// recordings returns the sessions that record a command of their platform's page.
func recordings(t *testing.T, dir string) []recording {
	t.Helper()
	var out []recording
	for _, platform := range covered {
		page, ok := platforms.Builtin().Lookup(platform)
		require.True(t, ok)
		files, err := filepath.Glob(filepath.Join(dir, "sessions", platform+"--*.json"))
		require.NoError(t, err)
		for _, file := range files {
			b, err := os.ReadFile(file)
			require.NoError(t, err)
			var r recording
			require.NoError(t, json.Unmarshal(b, &r))
			if r.command(page) != "" {
				out = append(out, r)
			}
		}
	}
	return out
}

// command returns the first of the page's commands that is recorded.
func (r *recording) command(page *platforms.Page) string {
	for _, send := range page.Main().Send {
		for _, e := range r.Exchanges {
			if strings.TrimRight(e.Send, "\r\n") == send {
				return send
			}
		}
	}
	return ""
}

// answered is how many bytes the device sends for the command.
func (r *recording) answered(command string) int {
	for _, e := range r.Exchanges {
		if strings.TrimRight(e.Send, "\r\n") == command {
			return len(strings.Join(e.Receive, ""))
		}
	}
	return 0
}

// want returns the configuration lines that another tool's or the recorder's word expects.
func (r *recording) want(command string) []string {
	for _, p := range slices.Concat(r.Expect.Config, r.Expect.Results) {
		if p.Command == command {
			return lines(strings.Join(p.Text, ""))
		}
	}
	return nil
}

// lines are the lines that are not blank, without the blanks at their ends.
func lines(text string) []string {
	var out []string
	for _, l := range strings.Split(text, "\n") {
		if l = strings.TrimRight(l, " \t\r"); l != "" {
			out = append(out, l)
		}
	}
	return out
}

// requireHolds checks that want's lines stand in the artifact, in order: as the device sent them, or as
// the page cleans them, because some references join wrapped lines.
func requireHolds(t *testing.T, a *platforms.Artifact, original []byte, want []string) {
	t.Helper()
	missing := firstMissing(lines(string(original)), want)
	if missing >= 0 && firstMissing(lines(string(a.Clean(original))), want) >= 0 {
		require.Failf(t, "the configuration is not whole", "line %d is missing: %q", missing+1, want[missing])
	}
}

func firstMissing(have, want []string) int {
	for i, w := range want {
		at := slices.Index(have, w)
		if at < 0 {
			return i
		}
		have = have[at+1:]
	}
	return -1
}
