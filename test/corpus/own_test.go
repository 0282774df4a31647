package corpus

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/netraven/netraven/device"
	"github.com/netraven/netraven/jobkind"
	"github.com/netraven/netraven/platforms"
	"github.com/netraven/netraven/recording"
)

// own is a session of our own writing: platforms/testdata/sessions.
type own struct {
	Page      string
	Prompts   []string
	Artifacts map[string]struct{ Said, Kept string }
	Facts     map[string]string
}

func ownSessions(t *testing.T) []own {
	files, err := filepath.Glob("../../platforms/testdata/sessions/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	var out []own
	for _, file := range files {
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		var s own
		require.NoError(t, yaml.Unmarshal(b, &s), file)
		out = append(out, s)
	}
	return out
}

// Every page reads its own session over SSH, in every way, with the corpus or without it.
func TestOwnSessions(t *testing.T) {
	served := []struct {
		name string
		way  recording.Way
	}{{"plain", recording.Way{}}, {"chunks", recording.Way{Chunk: 7}}, {"crlf", recording.Way{CRLF: true}}, {"pauses", recording.Way{Pause: 30 * time.Millisecond, Chunk: 400}}}
	tb := newTable("plain", "chunks", "crlf", "pauses", "cut", "stalled")
	t.Run("sessions", func(t *testing.T) {
		for _, s := range ownSessions(t) {
			page, ok := platforms.Builtin().Lookup(s.Page)
			require.True(t, ok, s.Page)
			session := s.compose(page)
			for _, w := range served {
				t.Run(s.Page+"/"+w.name, func(t *testing.T) {
					tb.track(t, s.Page, w.name)
					t.Parallel()
					s.backUp(t, page, session, w.way)
				})
			}
			for name, flag := range map[string]func(int) recording.Way{
				"cut":     func(n int) recording.Way { return recording.Way{Cut: n} },
				"stalled": func(n int) recording.Way { return recording.Way{Stall: n} },
			} {
				t.Run(s.Page+"/"+name, func(t *testing.T) {
					tb.track(t, s.Page, name)
					t.Parallel()
					s.breakOff(t, page, session, flag)
				})
			}
		}
	})
	t.Logf("sessions of our own that passed:\n%s", tb)
}

func (s own) backUp(t *testing.T, page *platforms.Page, session *recording.Session, way recording.Way) {
	told := device.NewTranscript(page)
	out, err := recording.Replay(t.Context(), session, way, recording.Target{Page: page, Limits: patient, Traffic: told.Take})
	require.NoError(t, err)
	require.Nil(t, out.Failure, "%v", out.Failure)
	s.requireUntold(t, told)
	require.Equal(t, s.Facts, out.Facts)
	s.requireKept(t, page, out)
	again, err := recording.Replay(t.Context(), session, way, recording.Target{Page: page, Limits: patient, Known: out.Artifacts})
	require.NoError(t, err)
	require.Nil(t, again.Failure, "%v", again.Failure)
	for i, a := range again.Artifacts {
		require.Equal(t, out.Artifacts[i].Digest, a.Digest, "the second backup of %s differs", a.Name)
	}
}

var secretMark = regexp.MustCompile(`<secret(?::[^>]*)?>`)

// requireKept compares what people see with what the session says they should.
func (s own) requireKept(t *testing.T, page *platforms.Page, out jobkind.Outcome) {
	t.Helper()
	for name, a := range s.Artifacts {
		i := slices.IndexFunc(out.Artifacts, func(x jobkind.Artifact) bool { return x.Name == name })
		if artifactOf(page, name).Each != nil {
			continue // its list is not part of these sessions
		}
		require.GreaterOrEqual(t, i, 0, "%s is missing", name)
		seen := string(page.Mask(artifactOf(page, name).Clean(out.Artifacts[i].Original), nil))
		want := regexp.MustCompile(`«[^»]*»`).ReplaceAllString(a.Kept, "<secret>")
		require.Equal(t, secretMark.ReplaceAllString(want, "<secret>"), seen, name)
	}
}

var planted = regexp.MustCompile(`«([^»]*)»`)

// requireUntold checks that none of the planted secrets is in the transcript.
func (s own) requireUntold(t *testing.T, told *device.Transcript) {
	t.Helper()
	text, _ := told.Text(nil)
	for _, a := range s.Artifacts {
		for _, m := range planted.FindAllStringSubmatch(a.Kept, -1) {
			for secret := range strings.Lines(m[1]) {
				secret = strings.TrimSpace(secret)
				if len(secret) >= 6 && !strings.Contains(planted.ReplaceAllString(a.Kept, ""), secret) {
					require.NotContains(t, text, secret)
				}
			}
		}
	}
}

// breakOff ends the session within the main artifact: nothing is kept, or all of it.
func (s own) breakOff(t *testing.T, page *platforms.Page, session *recording.Session, way func(int) recording.Way) {
	limits := device.Limits{Silence: 400 * time.Millisecond, Nudge: 100 * time.Millisecond}
	before, size := 0, 0
	for _, e := range session.Exchanges {
		if slices.Contains(page.Main().Send, strings.TrimRight(e.Send, "\n")) {
			size = len(e.Receive)
			break
		}
		before += len(e.Receive)
	}
	if session.Transport == "exec" {
		before = 0
	} else {
		before += len(session.Greeting)
	}
	if size == 0 { // a file: SCP says how long it is
		return
	}
	for _, share := range []int{10, 50, 90} {
		told := device.NewTranscript(page)
		out, err := recording.Replay(t.Context(), session, way(before+size*share/100), recording.Target{Page: page, Limits: limits, Traffic: told.Take})
		require.NoError(t, err)
		s.requireUntold(t, told)
		require.NotNil(t, out.Failure, "at %d %%", share)
		require.Empty(t, out.Artifacts)
	}
}

// compose makes a dialog of the session: the way to the prompt as the page knows it, then one answer for each artifact.
func (s own) compose(page *platforms.Page) *recording.Session {
	out := &recording.Session{Schema: recording.Schema, Name: s.Page, Platform: s.Page, Transport: string(page.Transport)}
	prompt := s.Prompts[0]
	add := func(send, said string) {
		if page.Transport == platforms.Exec {
			out.Exchanges = append(out.Exchanges, recording.Exchange{Send: send + "\n", Receive: recording.Text(said)})
			return
		}
		out.Exchanges = append(out.Exchanges, recording.Exchange{Send: send + "\n", Receive: recording.Text(send + "\r\n" + strings.ReplaceAll(said, "\n", "\r\n") + prompt)})
	}
	if page.Transport == platforms.Shell {
		out.Greeting = recording.Text("\r\n" + prompt)
		if next := s.privileged(page.Login.Enable); next != "" {
			out.Exchanges = append(out.Exchanges, enable(page.Login.Enable, next)...)
			prompt = next
		}
		for _, step := range page.Login.Setup {
			add(step.Send, "")
		}
	}
	for _, a := range page.Backup {
		said, ok := s.Artifacts[a.Name]
		switch {
		case !ok || a.Each != nil:
			continue
		case a.Fetch != "":
			out.Files = append(out.Files, recording.File{Name: a.Fetch, Content: recording.Text(said.Said)})
			continue
		}
		for _, step := range a.Before {
			add(step.Send, "")
		}
		add(a.Send[0], said.Said)
		for _, step := range a.After {
			add(step.Send, "")
		}
	}
	return out
}

// privileged is the session's first privileged prompt, if the first one of all is not.
func (s own) privileged(e *platforms.Enable) string {
	if e == nil {
		return ""
	}
	if _, needed := e.When.AtEnd([]byte(s.Prompts[0])); !needed {
		return ""
	}
	for _, p := range s.Prompts {
		if _, user := e.When.AtEnd([]byte(p)); !user {
			return p
		}
	}
	return ""
}

// enable is the dialog that leads to the prompt next.
func enable(e *platforms.Enable, next string) []recording.Exchange {
	if e.Expect == nil {
		return []recording.Exchange{{Send: e.Send + "\n", Receive: recording.Text(e.Send + "\r\n" + next)}}
	}
	question := ""
	for _, q := range []string{"Password: ", "Password:", "password: ", "Enable password: ", "[sudo] password for netraven: "} {
		if _, ok := e.Expect.AtEnd([]byte(q)); ok {
			question = q
			break
		}
	}
	return []recording.Exchange{
		{Send: e.Send + "\n", Receive: recording.Text(e.Send + "\r\n" + question)},
		{Send: "\n", Secret: true, Receive: recording.Text("\r\n" + next)},
	}
}
