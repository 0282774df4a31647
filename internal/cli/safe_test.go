package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestSafeTakesWhatActsOnATerminal(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain":        {"core1 — Zürich", "core1 — Zürich"},
		"colour":       {"\x1b[31mred\x1b[0m", "red"},
		"title":        {"a\x1b]0;owned\x07b", "ab"},
		"c1 csi":       {"a\u009b31mb", "a31mb"},
		"bell and nul": {"a\x07\x00b", "ab"},
		"lines":        {"one\r\ntwo\tthree\n", "one two three"},
		"bidi":         {"ab\u202Etxt.exe", "abtxt.exe"},
		"not utf-8":    {"caf\xe9", "caf\uFFFD"},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, c.want, safe(c.in)) })
	}
	require.Equal(t, "one\n\ttwo\n", safeLines("one\r\n\t\x1b[Ktwo\n"))
}

func FuzzSafe(f *testing.F) {
	for _, s := range []string{"", "\x1b", "\x1b[", "\x1b]8;;http://x\x1b\\y", "\xff\xfe", "\u009d0;t\u009c", "\x90q\x1b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, out := range []string{safe(s), strings.NewReplacer("\n", "", "\t", "").Replace(safeLines(s))} {
			require.True(t, utf8.ValidString(out))
			require.Equal(t, -1, strings.IndexFunc(out, hidden))
		}
	})
}

func TestEscapedJSONMeansTheSame(t *testing.T) {
	for _, s := range []string{"a\u009b31m", "\u202Ex", "\U000E0001tag", "plain"} {
		doc, err := json.Marshal(map[string]string{"s": s})
		require.NoError(t, err)
		escaped := escapeHidden(string(doc) + "\n")
		require.Equal(t, len(escaped)-1, strings.IndexFunc(escaped, hidden), "only the line end is left")
		var back map[string]string
		require.NoError(t, json.Unmarshal([]byte(escaped), &back))
		require.Equal(t, s, back["s"])
	}
}
