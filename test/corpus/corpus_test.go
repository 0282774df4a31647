package corpus

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/device"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/platforms"
)

// The ways in which every session is served.
var ways = []struct {
	name  string
	flags []string
}{
	{"plain", nil},
	{"chunks", []string{"-chunk", "7", "-chunk-delay", "0"}},
	{"crlf", []string{"-crlf"}},
	{"pauses", []string{"-think", "60ms", "-chunk", "1400", "-chunk-delay", "2ms"}},
}

// breaks are the ways in which a session ends too early, with the share of the configuration that comes before.
var breaks = []struct {
	name, flag string
	shares     []int
}{
	{"cut", "-drop-after", []int{10, 50, 90, 99}},
	{"stalled", "-stall-after", []int{10, 50, 90, 99}},
}

// explained are the recordings that no tool can pass, and why.
var explained = map[string]string{
	"mellanox_onyx--Onyx_3.9.2504":                                 "the host name appears in the prompt half-way, because it was renamed in a part of the recording",
	"huawei_vrp--dialog-question-after-echo-with-terminal-control": "the last prompt is another host's, and the recording ends at it: nothing can confirm it",
}

var patient = device.Limits{Silence: 5 * time.Second, Nudge: 300 * time.Millisecond}

// Every recorded session is backed up by the real engine, in every way.
func TestCorpus(t *testing.T) {
	dir := here(t)
	sessions := recordings(t, dir)
	tb := newTable("plain", "chunks", "crlf", "pauses", "cut", "stalled")
	ports := map[string]map[string]int{}
	for _, w := range ways {
		ports[w.name] = replay(t, dir, w.flags...)
	}
	t.Run("sessions", func(t *testing.T) {
		for _, r := range sessions {
			t.Run(r.Name, func(t *testing.T) {
				for _, w := range ways {
					t.Run(w.name, func(t *testing.T) {
						tb.track(t, r.Platform, w.name)
						t.Parallel()
						r.serve(t, ports[w.name][r.Name])
					})
				}
				page, ok := r.page()
				if !ok || r.command(page) == "" {
					return
				}
				for _, b := range breaks {
					t.Run(b.name, func(t *testing.T) {
						tb.track(t, r.Platform, b.name)
						t.Parallel()
						r.breakOff(t, dir, page, b.flag, b.shares)
					})
				}
			})
		}
	})
	t.Logf("recorded sessions that passed:\n%s", tb)
}

// serve runs what the session records: a backup where it has the page's command, else its single commands.
func (r *recorded) serve(t *testing.T, port int) {
	if why := explained[r.Name]; why != "" {
		t.Skip(why)
	}
	page, ok := r.page()
	require.True(t, ok, "no page or alias is named %s", r.Platform)
	switch {
	case r.retried(page):
		_, _, f := open(t, page, port, patient)
		require.Equal(t, jobv1.Failure_AUTH, f.GetClass(), "%v", f)
	case r.command(page) != "" || r.file(page):
		r.backUp(t, page, port)
	default:
		r.runCommands(t, page, port)
	}
}

func (r *recorded) backUp(t *testing.T, page *platforms.Page, port int) {
	out := backup(t, page, port, patient, nil)
	require.Nil(t, out.Failure, "%v", out.Failure)
	require.NotEmpty(t, out.Transcript.GetText())
	requireSecretsGone(t, r, out.Transcript.GetText(), "the transcript")
	want := r.want(r.command(page))
	if r.file(page) {
		want = lines(strings.Join(r.Files[0].Content, ""))
	}
	require.Equal(t, page.Main().Name, out.Artifacts[0].Name)
	requireHolds(t, page.Main(), out.Artifacts[0].Original, want)
	for _, a := range out.Artifacts {
		if page.Main().Fetch == "" || !a.Main { // a file is as it is
			requireClean(t, r, page, a)
		}
		requireMasked(t, r, page, a)
	}
	again := backup(t, page, port, patient, out.Artifacts)
	require.Nil(t, again.Failure, "%v", again.Failure)
	require.Len(t, again.Artifacts, len(out.Artifacts))
	for i, a := range again.Artifacts {
		require.Equal(t, out.Artifacts[i].Digest, a.Digest, "the second backup of %s differs", a.Name)
	}
}

// runCommands sends what was recorded, each question answered as the recorder did.
func (r *recorded) runCommands(t *testing.T, page *platforms.Page, port int) {
	s, _, f := open(t, page, port, patient)
	require.Nil(t, f, "%v", f)
	defer s.Close()
	for i, x := range r.Exchanges {
		if slices.Contains([]string{"exit", "quit", "logout"}, x.command()) {
			break
		}
		if !strings.ContainsAny(x.Send, "\r\n") || x.Secret || x.Username || x.command() == "" || x.command() == "enable" || i > 0 && r.asks(i-1) {
			continue
		}
		c := device.Command{Send: x.command()}
		for j := i; j+1 < len(r.Exchanges) && r.asks(j); j++ {
			c.Answers = append(c.Answers, platforms.Exchange{Expect: question(t, r.Exchanges[j].Receive), Send: r.Exchanges[j+1].Send})
		}
		got, f := s.Run(c)
		require.Nil(t, f, "%s: %v", c.Send, f)
		for _, p := range r.Expect.Results {
			switch {
			case p.Command != c.Send:
			case p.Error:
				require.NotEmpty(t, got.Refused, "%s is refused", c.Send)
			default:
				require.Empty(t, got.Refused)
				require.Equal(t, lines(strings.Join(p.Text, "")), lines(string(got.Text)), c.Send)
			}
		}
	}
}

// asks reports that the exchange ends in a question, and the next one is its answer.
func (r *recorded) asks(i int) bool {
	text := strings.Join(r.Exchanges[i].Receive, "")
	for _, p := range r.Prompts {
		if strings.HasSuffix(text, p) {
			return false
		}
	}
	return len(r.Prompts) > 0 && i+1 < len(r.Exchanges)
}

// question matches the last line of a text.
func question(t *testing.T, text []string) *platforms.Pattern {
	last := strings.TrimSpace(text[len(text)-1])
	p, err := platforms.NewPattern(regexp.QuoteMeta(last) + `\s*$`)
	require.NoError(t, err)
	return p
}

// breakOff ends the session at some bytes of the configuration: what is stored then is nothing, or all of it.
func (r *recorded) breakOff(t *testing.T, dir string, page *platforms.Page, flag string, shares []int) {
	limits := device.Limits{Silence: 400 * time.Millisecond, Nudge: 100 * time.Millisecond}
	size := r.answered(r.command(page))
	for _, share := range shares {
		ports := replay(t, dir, flag, strconv.Itoa(size*share/100), "-session", r.Name)
		out := backup(t, page, ports[r.Name], limits, nil)
		requireSecretsGone(t, r, out.Transcript.GetText(), "the transcript")
		if out.Failure != nil {
			require.Empty(t, out.Artifacts)
			continue
		}
		requireHolds(t, page.Main(), out.Artifacts[0].Original, r.want(r.command(page)))
	}
}
