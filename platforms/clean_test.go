package platforms

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// cleaning compiles the smallest page with the given keys on its main artifact.
func cleaningPage(t testing.TB, keys string) *Artifact {
	t.Helper()
	return parse(t, strings.Replace(small, "send: show,", "send: show, "+keys+",", 1)).Main()
}

func TestClean(t *testing.T) {
	for _, c := range []struct{ name, keys, in, want string }{
		{"nothing", "optional: false", "", ""},
		{"only blanks", "optional: false", " \r\n\r\n\t\n", ""},
		{"line ends", "optional: false", "a\r\nb\r\r\nc \t\nd", "a\nb\nc\nd\n"},
		{"edges", "optional: false", "\n\n a\n\nb\n\n\n", " a\n\nb\n"},
		{"drop", "drop: ['^!time', 'bytes$']", "!time 1\na\nb bytes\nc bytes d\n", "a\nc bytes d\n"},
		{"drop folds case", "drop: '(?i)^TIME'", "tImE 1\nTIME\na\n", "a\n"},
		{"drop without a literal", `drop: '^\d+\s\d+$'`, "1 2\na 1\n", "a 1\n"},
		{"range", "drop: {from: '^<<', until: '^>>'}", "a\n<<\nb\n>>\nc\n<<x\n>>\n", "a\nc\n"},
		{"range without an end", "drop: {from: '^<<', until: '^>>'}", "a\n<<\nb\nc\n", "a\nb\nc\n"},
		{"second range without an end", "drop: {from: '^<<', until: '^>>'}", "a\n<<\n>>\nb\n<<\nc\n", "a\nb\nc\n"},
		{"keep", "keep: ['^V', 'SN']", "Version 1\nuptime 3 days\nthe SN 7\n", "Version 1\nthe SN 7\n"},
		{"drop beats keep", "keep: '^V', drop: 'uptime'", "Version 1\nV uptime\n", "Version 1\n"},
		{"blur group", `blur: 'temp (\d+)C'`, "temp 41C, temp 7C\ntemp high\n", "temp *C, temp *C\ntemp high\n"},
		{"blur whole", `blur: '\d+ rpm'`, "fan 4100 rpm ok\n", "fan * ok\n"},
		{"join", `join: '\'`, "add a=\\\n    b c\\\n   d\nset \\", "add a=b cd\nset \\\n"},
		{"device log", "optional: false",
			"a\n*Mar  1 00:01:02.123: %LINK-3-UPDOWN: Interface x\n%SYS-5-CONFIG_I: Configured from console\n000042: Nov 22 10:00:00.001 UTC: %SEC_LOGIN-5-LOGIN_SUCCESS: ok\nRP/0/RP0/CPU0:Nov 22 10:00:00 UTC: %MGBL-SYS-5-CONFIG_I : x\nb\n",
			"a\nRP/0/RP0/CPU0:Nov 22 10:00:00 UTC: %MGBL-SYS-5-CONFIG_I : x\nb\n"},
		{"no device log", "optional: false", " description seen %SYS-5-CONFIG_I: once\n% a\n", " description seen %SYS-5-CONFIG_I: once\n% a\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := cleaningPage(t, c.keys)
			in := []byte(c.in)
			assert.Equal(t, c.want, string(a.Clean(in)))
			assert.Equal(t, c.in, string(in), "the input is not touched")
		})
	}
}

func TestPagesDropTheirNoise(t *testing.T) {
	for _, c := range []struct{ page, one, two string }{
		{"cisco_ios", "Building configuration...\r\n\r\nCurrent configuration : 1 bytes\r\n!\r\n! Last configuration change at 10:00:00 UTC Mon Nov 2 2026 by ops\r\n! NVRAM config last updated at 1\r\nhostname a\r\nntp clock-period 17179\r\nend\r\n",
			"Building configuration...\n\nCurrent configuration : 999 bytes\n!\n! No configuration change since last restart\nhostname a\n*Mar  1 00:00:10: %SYS-5-CONFIG_I: x\nntp clock-period 17180\nend"},
		{"arista_eos", "! Command: show running-config\n! device: a (X, EOS-4.29)\n! Time: 1\nend\n", "! Command: show running-config | no-more\n! device: a (X, EOS-4.29)\nend\n"},
		{"juniper_junos", "## Last commit: 2026-11-02 10:00:00 UTC by ops\nversion 22;\nsystem {\n}\n\n{master:0}\n", "## Last changed: 2026-11-03 10:00:00 UTC\nversion 22;\nsystem {\n}\n"},
		{"mikrotik_routeros", "# 2026-11-02 10:00:00 by RouterOS 7.16\n# inactive time\n/ip\nadd a=\\\n    b\n", "# nov/03/2026 11:00:00 by RouterOS 7.16\n/ip\nadd a=b\n"},
	} {
		page, _ := Builtin().Lookup(c.page)
		main := page.Main()
		one, two := main.Clean([]byte(c.one)), main.Clean([]byte(c.two))
		require.NotEmpty(t, one)
		_, a := ChangeDigest([]byte("k"), page, main, one)
		_, b := ChangeDigest([]byte("k"), page, main, two)
		assert.Equal(t, a, b, "%s:\n%s\n%s", c.page, one, two)
	}
}

func TestVerify(t *testing.T) {
	zero, one := 0, 1
	for _, c := range []struct {
		name, rule, text string
		end              Ending
		want             string
	}{
		{"last line", "last_line: '^end$'", "a\r\nend\r\n\r\n", Ending{}, ""},
		{"cut", "last_line: '^end$'", "a\nen", Ending{}, "last_line"},
		{"nothing", "last_line: '^end$'", "", Ending{}, "last_line"},
		{"log after the end", "last_line: '^end$'", "a\nend\n*Mar  1 00:01:02.123: %LINK-3-UPDOWN: x\n\n", Ending{}, ""},
		{"end before more", "last_line: '^end$'", "end\nb\n", Ending{}, "last_line"},
		{"balanced", "balanced: '{}'", "a { b { } }\n", Ending{}, ""},
		{"not closed", "balanced: '{}'", "a { b { }\n", Ending{}, "balanced"},
		{"closes nothing", "balanced: '{}'", "a { } }\n{", Ending{}, "balanced"},
		{"no pair", "balanced: '{}'", "a\n", Ending{}, "balanced"},
		{"strings", "balanced: '{}'", "a { b \"}}\\\"{\"; c '\n}\n", Ending{}, ""},
		{"a lone quote", "balanced: '{}'", "a { b \"\n}\n", Ending{}, ""},
		{"comments", "balanced: '{}'", "## } by x\na { /* } */ # {\n}\n", Ending{}, ""},
		{"open comment", "balanced: '{}'", "a { } /* ", Ending{}, "balanced"},
		{"closes", "closes: config", "<config>\n</config>\n\n", Ending{}, ""},
		{"closes not", "closes: config", "<config>\n</conf", Ending{}, "closes"},
		{"status", "exit_status: 0", "x", Ending{Exit: &zero}, ""},
		{"wrong status", "exit_status: 0", "x", Ending{Exit: &one}, "exit_status"},
		{"no status", "exit_status: 0", "x", Ending{}, "exit_status"},
		{"status or prompt", "exit_status: 0, prompt_twice: true", "x", Ending{PromptTwice: true}, ""},
		{"wrong status beats the prompt", "exit_status: 0, prompt_twice: true", "x", Ending{Exit: &one, PromptTwice: true}, "exit_status"},
		{"neither", "exit_status: 0, prompt_twice: true", "x", Ending{}, "prompt_twice"},
		{"content is enough in a shell", "last_line: '^x$', exit_status: 0", "x", Ending{}, ""},
		{"content and a wrong status", "last_line: '^x$', exit_status: 0", "x", Ending{Exit: &one}, "exit_status"},
		{"prompt", "prompt_twice: true", "x", Ending{PromptTwice: true}, ""},
		{"a gap", "last_line: '^end$', gap: '^#error'", "a\n#error b\nend\n", Ending{}, "gap"},
		{"a gap of nothing", "last_line: '^end$', gap: {match: '^#error', except: 'c$'}", "a\r\n#error c\r\nend\r\n", Ending{}, ""},
		{"a gap beside such a one", "last_line: '^end$', gap: {match: '^#error', except: 'c$'}", "#error c\n#error b\nend\n", Ending{}, "gap"},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := parse(t, strings.Replace(small, "last_line: '^end$'", c.rule, 1)+"transport: exec\n").Main()
			assert.Equal(t, c.rule == "prompt_twice: true", a.Weak())
			got := a.Verify([]byte(c.text), c.end)
			if c.want == "" {
				assert.Nil(t, got)
				return
			}
			require.NotNil(t, got)
			assert.Equal(t, c.want, got.Rule)
			assert.Contains(t, got.Error(), "incomplete ("+c.want+"): ")
		})
	}
}

func TestFactsAndAuthor(t *testing.T) {
	ios, _ := Builtin().Lookup("cisco_ios")
	running := []byte("! Last configuration change at 10:00:00 UTC Mon Nov 2 2026 by ops\r\nhostname core-1\r\nend\r\n")
	version := []byte("Cisco IOS Software, C2960X Software (C2960X-UNIVERSALK9-M), Version 15.2(7)E3, RELEASE SOFTWARE (fc3)\r\n" +
		"core-1 uptime is 3 weeks\r\ncisco WS-C2960X-48TS-L (APM86XXX) processor (revision B0) with 524288K bytes of memory.\r\nProcessor board ID FOC0000A0AA\r\n" +
		"System serial number            : FOC1111B1BB\r\nModel number                    : WS-C2960X-48TS-L\r\n")
	assert.Equal(t, map[string]string{"version": "15.2(7)E3", "serial": "FOC1111B1BB", "model": "WS-C2960X-48TS-L", "hostname": "core-1"},
		ios.FactsOf(map[string][]byte{"running.cfg": running, "facts.txt": version}))
	assert.Equal(t, map[string]string{"hostname": "core-1"}, ios.FactsOf(map[string][]byte{"running.cfg": running}))
	assert.Equal(t, "ops", ios.Main().Author(running))
	assert.Empty(t, ios.Main().Author([]byte("! Last configuration change at 10:00:00 UTC Mon Nov 2 2026\nend\n")))
	assert.Empty(t, ios.Backup[1].Author(version))
	assert.Equal(t, map[string]string{"hostname": "bad" + strings.Repeat("x", maxFact-6)},
		ios.FactsOf(map[string][]byte{"running.cfg": []byte("hostname \x1b\xff\x00bad" + strings.Repeat("x", 500))}))

	eos, _ := Builtin().Lookup("eos")
	assert.Equal(t, map[string]string{"version": "4.29.2F", "serial": "JPE00000000", "model": "DCS-7050SX3-48YC8-R", "hostname": "leaf1"},
		eos.FactsOf(map[string][]byte{"running.cfg": []byte("! device: leaf1 (DCS-7050SX3-48YC8, EOS-4.29.2F)\nhostname leaf1\nend\n"),
			"facts.txt": []byte("Arista DCS-7050SX3-48YC8-R\nHardware version:      11.00\nSerial number:         JPE00000000\n\nSoftware image version: 4.29.2F\n")}))

	junos, _ := Builtin().Lookup("junos")
	conf := []byte("## Last commit: 2026-11-02 10:00:00 UTC by ops via netconf\nversion 22.4R1.10;\n")
	assert.Equal(t, map[string]string{"version": "22.4R1.10", "serial": "CV0000AA0000", "model": "srx300", "hostname": "lab-srx"},
		junos.FactsOf(map[string][]byte{"juniper.conf": conf, "facts.txt": []byte("Hostname: lab-srx\nModel: srx300\nJunos: 22.4R1.10\nJUNOS Software Release [22.4R1.10]\n"),
			"hardware.txt": []byte("Hardware inventory:\nItem             Version  Part number  Serial number     Description\nChassis                                CV0000AA0000      SRX300\n")}))
	assert.Equal(t, "ops", junos.Main().Author(conf))

	ros, _ := Builtin().Lookup("routeros")
	assert.Equal(t, map[string]string{"version": "7.16", "serial": "HF00000000A", "model": "L009UiGS-2HaxD", "hostname": "lab-mt"},
		ros.FactsOf(map[string][]byte{"export.rsc": []byte("# 2026-11-02 10:00:00 by RouterOS 7.16\n# model = L009UiGS-2HaxD\n# serial number = HF00000000A\n/system identity\nset name=lab-mt\n")}))

	linux, _ := Builtin().Lookup("linux")
	assert.Equal(t, map[string]string{"version": "Debian GNU/Linux 13 (trixie)", "model": "x86_64"},
		linux.FactsOf(map[string][]byte{"facts.txt": []byte("web1\nLinux 6.12.1 x86_64\nPRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n")}))
}

func TestChangeDigest(t *testing.T) {
	page := parse(t, small+"  - {artifact: b.cfg, send: show b}\nsecrets:\n  - {match: '^set key ENC (\\S+)', salted: true}\n  - {match: '^BEGIN', until: '^END', salted: true}\n  - 'pass (\\S+)'\n")
	digest := func(a *Artifact, text string) string {
		label, d := ChangeDigest([]byte("key"), page, a, a.Clean([]byte(text)))
		assert.Equal(t, page.Digest()+".1", label)
		assert.Len(t, d, 64)
		return d
	}
	a := page.Main()
	base := digest(a, "set key ENC abc\nBEGIN\n1\n2\nEND\npass x\nend\n")
	assert.Equal(t, base, digest(a, "set key ENC xyz\r\nBEGIN\n3\n4\n5\nEND\npass x\nend"), "salted secrets are no change")
	assert.NotEqual(t, base, digest(a, "set key ENC abc\nBEGIN\n1\n2\nEND\npass y\nend\n"), "any other secret is")
	assert.NotEqual(t, base, digest(a, "BEGIN\n1\n2\nEND\npass x\nend\n"))
	assert.NotEqual(t, base, digest(page.Backup[1], "set key ENC abc\nBEGIN\n1\n2\nEND\npass x\nend\n"), "the artifact counts")
	_, other := ChangeDigest([]byte("other"), page, a, a.Clean([]byte("set key ENC abc\nBEGIN\n1\n2\nEND\npass x\nend\n")))
	assert.NotEqual(t, base, other, "the key counts")
	assert.Equal(t, "set key ENC <secret>\nBEGIN\n<secret>\nEND\npass <secret:"+testTag([]byte("x"))+">\n",
		string(page.Mask([]byte("set key ENC abc\nBEGIN\n1\n2\nEND\npass x\n"), testTag)), "salted secrets carry no tag")
}
