package corpus

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/jobkind"
	"github.com/netraven/netraven/platforms"
)

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

// refusals is how devices, and the replay tool in their manner, say that they do not know a command.
var refusals = regexp.MustCompile(`(?m)^(?:% ?(?:Invalid input|Unknown command|Unrecognized command)|Unknown action \d|syntax error, expecting|bad command name)`)

// requireClean checks that nothing of the terminal is left in an artifact.
func requireClean(t *testing.T, r *recorded, page *platforms.Page, a jobkind.Artifact) {
	t.Helper()
	text := string(a.Original)
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\n' && c != '\t' || c == 0x7f {
			require.Failf(t, "a control byte is left", "%s: %q", a.Name, text[max(0, i-40):min(len(text), i+20)])
		}
	}
	require.NotRegexp(t, refusals, text[:min(len(text), 2000)], "%s holds a refusal", a.Name)
	all := lines(text)
	if len(all) == 0 {
		return
	}
	for _, send := range artifactOf(page, a.Name).Send {
		require.NotEqual(t, send, strings.TrimSpace(all[0]), "%s begins with its echo", a.Name)
		require.False(t, strings.HasSuffix(all[0], "#"+send) || strings.HasSuffix(all[0], ">"+send), "%s begins with its echo: %q", a.Name, all[0])
	}
	last := []byte(all[len(all)-1])
	for _, p := range r.Prompts {
		if p = strings.TrimSpace(p); len(p) > 2 {
			require.NotEqual(t, p, strings.TrimSpace(string(last)), "%s ends in a prompt", a.Name)
		}
	}
	for _, l := range all {
		for _, x := range page.Pager {
			at, ok := x.Expect.AtEnd([]byte(l))
			require.False(t, ok && len(l)-at > 3, "%s holds a pager: %q", a.Name, l)
		}
	}
}

func artifactOf(page *platforms.Page, name string) *platforms.Artifact {
	return page.Backup[slices.IndexFunc(page.Backup, func(x *platforms.Artifact) bool { return x.Name == name })]
}

var (
	stars     = regexp.MustCompile(`^\*+$`)
	pemMarker = regexp.MustCompile(`-----(?:BEGIN|END) [A-Z0-9 ]+-----`)
)

// requireMasked checks that the words which the reference takes out are gone from what people see. Stars are
// what a device shows instead of a secret; the words of PEM markers and the keys of JSON are none.
func requireMasked(t *testing.T, r *recorded, page *platforms.Page, a jobkind.Artifact) {
	t.Helper()
	masked := string(page.Mask(artifactOf(page, a.Name).Clean(a.Original), func([]byte) string { return "" }))
	requireSecretsGone(t, r, masked, a.Name)
	for _, re := range r.Expect.Assert.Absent {
		assert.NotRegexp(t, re, masked, a.Name)
	}
}

func requireSecretsGone(t *testing.T, r *recorded, masked, where string) {
	t.Helper()
	seen := pemMarker.ReplaceAllString(masked, "")
	for _, s := range r.Expect.Secrets {
		if stars.MatchString(s) {
			continue
		}
		assert.NotContains(t, strings.ReplaceAll(seen, `"`+s+`":`, ""), s, "a secret survives in %s", where)
	}
}
