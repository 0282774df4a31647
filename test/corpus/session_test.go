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

// recorded is what this suite needs of a session of the corpus.
type recorded struct {
	Name      string
	Note      string
	Platform  string
	Transport string
	Prompts   []string
	Exchanges []step
	Files     []struct{ Content []string }
	Expect    struct {
		Config  []part
		Results []part
		Secrets []string
		Assert  struct{ Absent []string } `json:"redacted_assert"`
	}
}

// step is a recorded exchange.
type step struct {
	Send             string
	Receive          []string
	Secret, Username bool
}

type part struct {
	Command string
	Text    []string
	Error   bool
}

func (s step) command() string { return strings.TrimRight(s.Send, "\r\n") }

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

// here returns where the corpus is, or skips.
func here(t *testing.T) string {
	t.Helper()
	dir := folder()
	if dir == "" {
		t.Skip("the corpus of recorded sessions is not here; sessions of our own stand in")
	}
	return dir
}

// recordings returns all sessions.
func recordings(t *testing.T, dir string) []*recorded {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "sessions", "*.json"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var out []*recorded
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		r := &recorded{}
		require.NoError(t, json.Unmarshal(b, r), file)
		out = append(out, r)
	}
	return out
}

// page is the platform's page, by name or alias.
func (r *recorded) page() (*platforms.Page, bool) { return platforms.Builtin().Lookup(r.Platform) }

// records reports that a command, or a file of that name, is recorded.
func (r *recorded) records(command string) bool {
	return slices.ContainsFunc(r.Exchanges, func(s step) bool { return s.command() == command })
}

// command returns the first command of the page's main artifact that is recorded and not refused there, or "".
func (r *recorded) command(page *platforms.Page) string {
	for _, send := range page.Main().Send {
		if r.records(send) && len(r.want(send)) > 0 {
			return send
		}
	}
	return ""
}

// file reports that the page's main artifact is a file, which the recording hands out.
func (r *recorded) file(page *platforms.Page) bool {
	return page.Main().Fetch != "" && len(r.Files) > 0
}

// answered is how many bytes the device sends for the command, all pages of it.
func (r *recorded) answered(command string) int {
	for i, s := range r.Exchanges {
		if s.command() != command {
			continue
		}
		n := len(strings.Join(s.Receive, ""))
		for _, key := range r.Exchanges[i+1:] {
			if strings.ContainsAny(key.Send, "\r\n") {
				break
			}
			n += len(strings.Join(key.Receive, ""))
		}
		return n
	}
	return 0
}

// want returns the configuration lines that another tool's or the recorder's word expects.
func (r *recorded) want(command string) []string {
	for _, p := range slices.Concat(r.Expect.Config, r.Expect.Results) {
		if p.Command == command {
			return slices.DeleteFunc(lines(strings.Join(p.Text, "")), func(l string) bool { return r.dialog(l, command) })
		}
	}
	return nil
}

// dialog reports that a line of the reference is none of the configuration: it keeps the echo, a comment with the
// command, or the prompt of some platforms, and says what it took out.
func (r *recorded) dialog(line, command string) bool {
	line = strings.TrimSpace(line)
	return line == command || strings.Contains(line, "<removed>") || strings.HasSuffix(line, "COMMAND: "+command) ||
		slices.ContainsFunc(r.Prompts, func(p string) bool { return strings.TrimSpace(p) == line })
}

// retried reports that the recorded person gave a password that was refused, and gave another one. NetRaven never
// does: what it is to do there is to fail.
func (r *recorded) retried(page *platforms.Page) bool {
	return slices.ContainsFunc(r.Exchanges, func(s step) bool {
		said := strings.NewReplacer("\r", "", "\x00", "").Replace(strings.Join(s.Receive, ""))
		return s.Secret && slices.ContainsFunc(page.Login.Failed, func(p *platforms.Pattern) bool { return p.Match([]byte(said)) })
	})
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
