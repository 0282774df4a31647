package repo

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestMessageAndTrailers(t *testing.T) {
	m := Message(Subject("r1", "running.cfg", 12, 3), Trailers{{TrailerRun, "a"}, {TrailerTask, ""}, {TrailerFence, "7"}, {"bad key", "x"}})
	require.Equal(t, "r1: running.cfg +12 -3\n\nNetRaven-Run: a\nNetRaven-Fence: 7\n", m)
	got := ParseTrailers(m)
	require.Equal(t, "7", got.Get("netraven-fence"))
	require.Empty(t, got.Get(TrailerTask))
	require.Nil(t, ParseTrailers("subject: looks like one\n"))
	require.Nil(t, ParseTrailers("subject\n\nprose, not\nKey: value\n"))
}

// Whatever a device puts into names and values, what is read back is what was written, and git agrees.
func TestTrailersSurviveAnyText(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		subject := rapid.String().Draw(rt, "subject")
		var in Trailers
		for i, v := range rapid.SliceOfN(rapid.String(), 0, 4).Draw(rt, "values") {
			if v = oneLine(v); v != "" {
				in = append(in, Trailer{[]string{TrailerRun, TrailerDevice, TrailerArtifact, TrailerDigest}[i], v})
			}
		}
		m := Message(subject, in)
		require.Equal(rt, in, ParseTrailers(cleanMessage(m)))
		require.Less(rt, strings.Count(m, "\n\n"), 2)
	})
	cmd := exec.Command("git", "interpret-trailers", "--parse")
	cmd.Env, cmd.Stdin = gitEnv(), strings.NewReader(Message("x", Trailers{{TrailerRun, "a: b"}, {TrailerFence, "7"}}))
	out, err := cmd.Output()
	require.NoError(t, err)
	require.Equal(t, "NetRaven-Run: a: b\nNetRaven-Fence: 7\n", string(out))
}
