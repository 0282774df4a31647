package platforms

import (
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// small is the smallest page there is.
const small = `name: small
label: Small
login: {prompt: '^\w+> ?$'}
backup:
  - {artifact: a.cfg, send: show, complete: {last_line: '^end$'}}
`

// parse compiles a page that must be right.
func parse(t testing.TB, text string) *Page {
	t.Helper()
	page, problems := Parse("test.yaml", []byte(text))
	require.Empty(t, problems)
	return page
}

func TestParseDefaults(t *testing.T) {
	p := parse(t, small)
	assert.Equal(t, "small", p.Name)
	assert.Equal(t, Shell, p.Transport)
	assert.Equal(t, "\n", p.Login.Newline)
	assert.Nil(t, p.Login.Enable)
	assert.Equal(t, []string{"show"}, p.Main().Send)
	assert.Equal(t, small, string(p.Source()))
	assert.Len(t, p.Digest(), 64)
	assert.False(t, p.Main().Weak())
	other := parse(t, small+"# a comment changes the digest: agents get these very bytes\n")
	assert.NotEqual(t, p.Digest(), other.Digest())
}

func TestParseReadsEveryKey(t *testing.T) {
	text, err := os.ReadFile("testdata/everything.yaml")
	require.NoError(t, err)
	p := parse(t, string(text))
	assert.Equal(t, []string{"everything_os", "Every-2.0"}, p.Aliases)
	assert.Equal(t, Exec, p.Transport)
	assert.True(t, p.SSH.Legacy)
	assert.Equal(t, "\x15", p.ClearLine)
	assert.Equal(t, "\r\n", p.Login.Newline)
	require.Len(t, p.Login.Answers, 1)
	assert.Equal(t, "a", p.Login.Answers[0].Send)
	require.NotNil(t, p.Login.Enable)
	assert.Equal(t, "enable", p.Login.Enable.Send)
	require.Len(t, p.Login.Setup, 2)
	require.Len(t, p.Login.Setup[1].Answers, 2)
	assert.Equal(t, "y\n", p.Login.Setup[1].Answers[0].Send)
	require.Len(t, p.Login.Logout, 2)
	main := p.Main()
	assert.Equal(t, "{item}.cfg", strings.Split(main.Send[0], " ")[1])
	require.NotNil(t, main.Each)
	assert.Equal(t, []string{"admin", "ctx1"}, main.Each.Items([]byte("*admin default\n system x\n ctx1 other\n")))
	assert.Equal(t, "^#error", main.Complete.Gap.Match.String())
	assert.Equal(t, "no such part", main.Complete.Gap.Except.String())
	assert.Equal(t, "config global", main.Before[0].Send)
	assert.Equal(t, "end", main.After[0].Send)
	assert.Equal(t, "5m0s", main.Timeout.String())
	assert.Equal(t, 0, *main.Complete.ExitStatus)
	assert.True(t, main.Complete.PromptTwice)
	assert.Equal(t, "config.ini", p.Backup[1].Fetch)
	assert.True(t, p.Backup[1].Optional)
}

func TestParseReportsEveryProblem(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "t:1: is empty"},
		{"no YAML", "a: [", "t:1: is not YAML: did not find expected node content"},
		{"a list", "- a", "t:1: must be a mapping"},
		{"two documents", small + "---\nname: b\n", "t:6: begins a second YAML document"},
		{"unknown key", small + "colour: red\n", "t:6: colour: unknown key; known here: name, label"},
		{"unknown inner key", strings.Replace(small, "send: show", "send: show, sent: x", 1), "t:5: backup[0].sent: unknown key"},
		{"twice", small + "label: Again\n", "t:6: label: given twice"},
		{"alias", strings.Replace(small, "label: Small", "label: &a Small\nvendor: *a", 1), "t:3: vendor: YAML aliases are not allowed"},
		{"null", small + "vendor:\n", "t:6: vendor: has no value"},
		{"bad name", strings.Replace(small, "name: small", "name: Small One", 1), `t:1: name: "Small One" is not a name here`},
		{"no name", strings.Replace(small, "name: small\n", "", 1), "t:1: name: is missing"},
		{"no login", "name: a\nlabel: A\nbackup: [{artifact: a, send: b, complete: {closes: c}}]\n", "t:1: login: is missing"},
		{"no prompt", strings.Replace(small, `prompt: '^\w+> ?$'`, "setup: a", 1), "t:3: login.prompt: is missing"},
		{"bad expression", strings.Replace(small, `'^\w+> ?$'`, "'(a'", 1), "t:3: login.prompt: not a regular expression Go understands: missing closing ): `(a`"},
		{"look-ahead", small + "reject: ['ok', '(?!x)y']\n", "t:6: reject[1]: not a regular expression Go understands"},
		{"matches nothing", small + "reject: 'x*'\n", "t:6: reject: matches the empty text"},
		{"no backup", "name: a\nlabel: A\nlogin: {prompt: 'x'}\n", "t:1: backup: is missing"},
		{"no complete", strings.Replace(small, ", complete: {last_line: '^end$'}", "", 1), "t:5: backup[0].complete: is missing: without it"},
		{"empty complete", strings.Replace(small, "{last_line: '^end$'}", "{}", 1), "t:5: backup[0].complete: says nothing"},
		{"optional main", strings.Replace(small, "send: show,", "send: show, optional: true,", 1), "t:5: backup[0].optional: the first artifact is the main one"},
		{"same artifact", small + "  - {artifact: A.CFG, send: b}\n", `t:6: backup[1].artifact: "A.CFG" is used twice`},
		{"a path", strings.Replace(small, "a.cfg", "../a", 1), "t:5: backup[0].artifact: \"../a\" is not a name here"},
		{"neither", strings.Replace(small, "send: show, ", "", 1), "t:5: backup[0].send: give either send"},
		{"both", strings.Replace(small, "send: show,", "send: show, fetch: x,", 1), "t:5: backup[0].send: give either send"},
		{"after", strings.Replace(small, "send: show,", "send: show, after: end,", 1), "t:5: backup[0].after: has more steps than before"},
		{"pair", strings.Replace(small, "last_line: '^end$'", "balanced: '{'", 1), "t:5: backup[0].complete.balanced: must be two different"},
		{"tag", strings.Replace(small, "last_line: '^end$'", "closes: '</a>'", 1), "t:5: backup[0].complete.closes: must be the bare name"},
		{"status", strings.Replace(small, "last_line: '^end$'", "exit_status: ok", 1), "t:5: backup[0].complete.exit_status: must be a whole number from 0 to 255"},
		{"flag", strings.Replace(small, "last_line: '^end$'", "prompt_twice: maybe", 1), "t:5: backup[0].complete.prompt_twice: must be true or false"},
		{"time", strings.Replace(small, "send: show,", "send: show, timeout: 5,", 1), "t:5: backup[0].timeout: must be a time such as 90s"},
		{"newline", strings.Replace(small, "{prompt:", "{newline: x, prompt:", 1), "t:3: login.newline: must be"},
		{"transport", small + "transport: telnet\n", "t:6: transport: must be shell or exec"},
		{"aliases", small + "aliases: [ios, IOS]\n", `t:6: aliases[1]: "IOS" is listed twice`},
		{"group", small + "secrets: [{match: 'a (b)', mask: 2}]\n", "t:6: secrets[0].mask: must be a whole number from 0 to 1"},
		{"both groups", small + "secrets: [{match: 'a (b)', mask: 1, keep: 1}]\n", "t:6: secrets[0].keep: group 1 is masked too"},
		{"no match", small + "secrets: [{mask: 0}]\n", "t:6: secrets[0].match: is missing"},
		{"fact", small + "facts: {colour: '(red)'}\n", "t:6: facts.colour: unknown key; known here: version, serial, model, hostname"},
		{"fact group", small + "facts: {model: red}\n", "t:6: facts.model: needs a group"},
		{"enable", strings.Replace(small, "{prompt:", "{enable: {send: en}, prompt:", 1), "t:3: login.enable.when: is missing"},
		{"pager", small + "pager: [{expect: more}]\n", "t:6: pager[0].send: is missing"},
		{"range", strings.Replace(small, "send: show,", "send: show, drop: [{from: a}],", 1), "t:5: backup[0].drop[0].until: is missing"},
		{"each without an item", strings.Replace(small, "send: show,", "send: show, each: {send: list, match: '(a)'},", 1), "t:5: backup[0].each: needs {item}"},
		{"each without a group", strings.Replace(small, "send: show,", "send: 'show {item}', each: {send: list, match: 'a'},", 1), "t:5: backup[0].each.match: needs a group"},
		{"each without a match", strings.Replace(small, "send: show,", "send: 'show {item}', each: {send: list},", 1), "t:5: backup[0].each.match: is missing"},
		{"fact of no artifact", small + "facts:\n  serial: {artifact: not_there, match: '(a)'}\n", `t:7: facts.serial.artifact: the page collects no artifact named "not_there"`},
		{"two lines", strings.Replace(small, "send: show,", `send: [show, "a\nb"],`, 1), `t:5: backup[0].send[1]: holds the control character '\n'`},
		{"a key in a step", strings.Replace(small, "{prompt:", `{setup: "a\x03", prompt:`, 1), `t:3: login.setup: holds the control character '\x03'`},
		{"two lines to enable", strings.Replace(small, "{prompt:", `{enable: {when: '>', send: "en\n"}, prompt:`, 1), "t:3: login.enable.send: holds the control character"},
		{"two lines to fetch", strings.Replace(small, "send: show,", `fetch: "a\tb",`, 1), "t:5: backup[0].fetch: holds the control character"},
		{"status in a shell", strings.Replace(small, "last_line: '^end$'", "exit_status: 0", 1), "t:5: backup[0].complete.exit_status: never comes in a shell"},
		{"any last line", strings.Replace(small, "'^end$'", "'.'", 1), "t:5: backup[0].complete.last_line: matches any line"},
		{"any word", strings.Replace(small, "'^end$'", "'^\\s*\\w+'", 1), "t:5: backup[0].complete.last_line: matches any line"},
		{"only a gap", strings.Replace(small, "last_line: '^end$'", "gap: '^#error'", 1), "t:5: backup[0].complete: says nothing of the end"},
		{"gap", strings.Replace(small, "last_line: '^end$'", "last_line: '^end$', gap: {except: a}", 1), "t:5: backup[0].complete.gap.match: is missing"},
		{"too deep", small + "reject: '" + strings.Repeat("(", 999) + "a" + strings.Repeat(")", 999) + "'\n", "t:6: reject: not a regular expression Go understands: expression nests too deeply: `((("},
		{"no YAML further down", small + "pager: [a\nlabel: b\n", "is not YAML: "},
		{"no UTF-8", small + "vendor: \"\xff\"\n", "t:6: is not UTF-8: byte 0xff"},
		{"a control byte", small + "\nvendor: \"\x01\"\n", "t:7: holds the control character '\\x01'"},
		{"too long", small + "reject: '" + strings.Repeat("a", 2001) + "'\n", "longer than 2000 bytes"},
		{"too large", small + "#" + strings.Repeat("a", MaxPage), "t:6: is larger than 32768 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			page, problems := Parse("t", []byte(c.text))
			assert.Nil(t, page)
			require.Len(t, problems, 1, "%v", problems)
			assert.Contains(t, problems[0].Error(), c.want)
			assert.Positive(t, problems[0].Line)
			assert.NotContains(t, problems[0].Message, "(?m)")
		})
	}
}

func TestPatternAtEnd(t *testing.T) {
	for _, c := range []struct {
		expr, text string
		at         int
	}{
		{`^\w+> ?$`, "motd>\nsw1> ", 6},
		{`^\w+> ?$`, "sw1> show", -1},
		{`^\w+> ?$`, "sw1>\nmore", -1},
		{`a|ab`, "ab", 0},
		{`(?i)more`, "-- MORE", 3},
	} {
		p, err := NewPattern(c.expr)
		require.NoError(t, err)
		at, ok := p.AtEnd([]byte(c.text))
		assert.Equal(t, c.at >= 0, ok, "%s in %q", c.expr, c.text)
		assert.Equal(t, max(c.at, 0), at)
		assert.Equal(t, c.expr, p.String())
	}
	for _, expr := range []string{"(", "a{1001}", strings.Repeat("(", 1000) + strings.Repeat(")", 1000)} {
		_, err := NewPattern(expr)
		assert.Error(t, err, expr)
	}
	p, err := NewPattern(`(\d+)/(\d+)`)
	require.NoError(t, err)
	assert.Equal(t, []string{"1", "3"}, p.All([]byte("1/2 3/4")))
	assert.Equal(t, []int{2, 5}, p.Find([]byte("x 1/2")))
	assert.True(t, p.Match([]byte("1/2")))
}

func TestParseReportsInTheOrderOfTheFile(t *testing.T) {
	_, problems := Parse("t", []byte("name: A B\nlogin: {prompt: '('}\ncolour: red\nbackup: [{artifact: x, send: y}]\nreject: '['\n"))
	var got []string
	for _, p := range problems {
		got = append(got, p.Key)
	}
	assert.Equal(t, []string{"name", "label", "login.prompt", "colour", "backup[0].complete", "reject"}, got)
}

func TestBuiltinPages(t *testing.T) {
	list := Builtin().List()
	require.GreaterOrEqual(t, len(list), 5)
	names := map[string]string{}
	for _, e := range list {
		page, ok := Builtin().Lookup(strings.ToUpper(e.Name))
		require.True(t, ok, e.Name)
		assert.Equal(t, e.Label, page.Label)
		for _, n := range append([]string{e.Name}, e.Aliases...) {
			n = strings.ToLower(n)
			assert.Empty(t, names[n], "%s and %s share %s", names[n], e.Name, n)
			names[n] = e.Name
			same, _ := Builtin().Lookup(n)
			assert.Same(t, page, same)
		}
	}
	_, ok := Builtin().Lookup("no_such_platform")
	assert.False(t, ok)
	ios, _ := Builtin().Lookup("iosxe")
	assert.Equal(t, "running.cfg", ios.Main().Name)
}

func TestCacheCompilesOnce(t *testing.T) {
	var c Cache
	var wg sync.WaitGroup
	first, _ := c.Parse("a", []byte(small))
	for range 8 {
		wg.Go(func() {
			page, problems := c.Parse("b", []byte(small))
			assert.Empty(t, problems)
			assert.Same(t, first, page)
		})
	}
	wg.Wait()
	page, problems := c.Parse("b", []byte("name: x"))
	assert.Nil(t, page)
	assert.NotEmpty(t, problems)
	for i := range 2 * maxCached {
		_, problems := c.Parse("a", []byte(small+strings.Repeat("#\n", i)))
		assert.Empty(t, problems)
		assert.LessOrEqual(t, len(c.pages), maxCached)
	}
}
