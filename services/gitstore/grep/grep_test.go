package grep_test

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/services/gitstore/grep"
)

const config = "hostname R1\n!\ninterface Gi0/1\n description Uplink to core\n no shutdown\n\ninterface Gi0/2\n description printer\nip route 10.1.2.3 255.0.0.0\n r\u00fcck \u212aelvin\nend"

func lines(t *testing.T, p *grep.Pattern, text string) []int {
	t.Helper()
	found := []int{}
	require.NoError(t, p.Lines(context.Background(), []byte(text), func(l grep.Line) bool {
		found = append(found, l.Number)
		return true
	}))
	return found
}

func TestLinesThatMatch(t *testing.T) {
	for _, c := range []struct {
		pattern string
		regex   bool
		fold    bool
		want    []int
	}{
		{"interface Gi0/", false, false, []int{3, 7}},
		{"INTERFACE gi0/", false, true, []int{3, 7}},
		{"10.1.2.3", false, false, []int{9}},
		{"10.1.2.3", true, false, []int{9}},
		{"10a1", true, false, []int{}},
		{`^interface \S+/2$`, true, false, []int{7}},
		{`^$`, true, false, []int{6}},
		{`\Aend\z`, true, false, []int{11}},
		{`shutdown\s+interface`, true, false, []int{}}, // the end of a line is no space
		{`(?s)hostname.*end`, true, false, []int{}},
		{`[^x]end`, true, false, []int{}},
		{`descr(iption)? (uplink|PRINTER)`, true, true, []int{4, 8}},
		{`\buplink\b`, true, true, []int{4}},
		{"kelvin", false, true, []int{10}}, // the Kelvin sign is a K
		{"RÜCK", false, true, []int{10}},
		{`[[:space:]]no`, true, false, []int{5}},
		{`\d+(\.\d+){3} \d`, true, false, []int{9}},
	} {
		p, err := grep.Compile(c.pattern, c.regex, c.fold)
		require.NoError(t, err, c.pattern)
		require.Equal(t, c.want, lines(t, p, config), c.pattern)
	}
}

func TestPatternsThatAreRefused(t *testing.T) {
	for pattern, want := range map[string]error{"": grep.ErrEmpty, strings.Repeat("a", 1001): grep.ErrTooLarge, `a\nb`: grep.ErrManyLines, `((a{100}){100}b){9}`: nil, `(a{1000}){1000}`: nil, `a{1000}b{1000}c{1000}d{1000}e{1000}f{1000}`: grep.ErrTooLarge, `(`: nil, `(a*){999}{999}`: nil} {
		_, err := grep.Compile(pattern, true, false)
		require.Error(t, err, pattern)
		if want != nil {
			require.ErrorIs(t, err, want)
		}
	}
	_, err := grep.Compile(strings.Repeat(`\pL`, 60), true, true)
	require.NoError(t, err)
	_, err = grep.Compile("a\nb", false, false)
	require.ErrorIs(t, err, grep.ErrManyLines)
}

// Engines that go back try such an expression in 2^n ways; ours looks at each byte of the text once, so this test ends.
func TestAnExpressionThatWouldExplodeIsLinear(t *testing.T) {
	text := strings.Repeat(strings.Repeat("a", 50_000)+"\n", 4)
	for _, pattern := range []string{`(a*)*b`, `(a|a)*b`, `(a|aa)+$b`, `(.*a){20}b`, `^(([a-z])+.)+[A-Z]([a-z])+$`} {
		p, err := grep.Compile(pattern, true, false)
		require.NoError(t, err, pattern)
		require.Empty(t, lines(t, p, text), pattern)
	}
}

// What is found in pieces and behind literals is what the engine alone finds line by line.
func FuzzLines(f *testing.F) {
	for _, p := range []string{"inter", "^ ", "x*", "[a-f]+$", "(a|b|ip) r", "k", "(?i)UPLINK", "\\W"} {
		f.Add(p, config, true, true)
		f.Add(p, strings.Repeat(config+"\n", 30), true, false)
		f.Add(p, config, false, true)
	}
	f.Fuzz(func(t *testing.T, pattern, text string, regex, fold bool) {
		p, err := grep.Compile(pattern, regex, fold)
		if err != nil {
			return
		}
		expr := pattern
		if !regex {
			expr = regexp.QuoteMeta(pattern)
		}
		if fold {
			expr = "(?i:" + expr + ")"
		}
		bare, err := regexp.Compile(expr)
		if err != nil {
			return // flags that reach over the end of the expression
		}
		want := []int{}
		all := strings.Split(text, "\n")
		if all[len(all)-1] == "" {
			all = all[:len(all)-1]
		}
		for i, line := range all {
			if bare.MatchString(line) {
				want = append(want, i+1)
			}
		}
		require.Equal(t, want, lines(t, p, text), "%q in %q", pattern, text)
	})
}

func TestAround(t *testing.T) {
	text := []byte("a\nb\n\nd\ne")
	p, err := grep.Compile("d", false, false)
	require.NoError(t, err)
	require.NoError(t, p.Lines(context.Background(), text, func(l grep.Line) bool {
		before, after := grep.Around(text, l, 2)
		require.Equal(t, "b|", string(bytes.Join(before, []byte("|"))))
		require.Equal(t, "e", string(bytes.Join(after, []byte("|"))))
		before, after = grep.Around(text, l, 9)
		require.Len(t, before, 3)
		require.Len(t, after, 1)
		return true
	}))
}

func TestASearchThatIsNotWantedEnds(t *testing.T) {
	p, err := grep.Compile(`x[0-9]+y`, true, false)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, p.Lines(ctx, []byte(config), func(grep.Line) bool { return true }), context.Canceled)
}
