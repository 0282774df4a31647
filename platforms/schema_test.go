package platforms

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Shapes of other platforms, to be sure that the keys are enough for them. They are no pages yet.

const vdomPage = `
name: vdoms
label: A firewall with virtual domains
login:
  prompt: '^[\w.\-]{1,64}(?: \([\w.\-]+\))? [#$] ?$'
  answers: [{expect: "\\(Press 'a' to accept\\):?\\s*$", send: a}]
  logout: exit
pager: [{expect: '--More-- ?$', send: ' '}]
reject: ['^Unknown action', '^Command fail', '^command parse error']
backup:
  - artifact: full.conf
    before: config global     # refused where there are no virtual domains, then "end" is not sent
    after: end
    send: ['show full-configuration | grep .', show full-configuration]
    complete: {last_line: '^end$'}
    drop: ['^#conf_file_ver=']
secrets:
  - {match: '\bENC (\S+)', salted: true}
  - {match: '^\s*set private-key "', until: '"$', salted: true}
  - {match: '^\s*set (?:passwd|psksecret|password) (?:ENC )?(\S+)', except: ' ENC '}
`

func TestSchemaHoldsSaltedSecrets(t *testing.T) {
	p := parse(t, vdomPage)
	text := func(salt string) []byte {
		return []byte("config user\n    set passwd ENC " + salt + "==\n    set private-key \"-----BEGIN ENCRYPTED PRIVATE KEY-----\n" +
			salt + "\n" + salt + "=\n-----END ENCRYPTED PRIVATE KEY-----\"\n    set comment \"x\"\nend\n")
	}
	main := p.Main()
	_, one := ChangeDigest(nil, p, main, main.Clean(text("SAlTone1SAlTone1")))
	_, two := ChangeDigest(nil, p, main, main.Clean(text("SAlTtwo2SAlTtwo2SAlTtwo2")))
	assert.Equal(t, one, two)
	assert.Equal(t, "config user\n    set passwd ENC <secret>\n    set private-key \"<secret>\"\n    set comment \"x\"\nend\n",
		string(p.Mask(text("SAlTone1SAlTone1"), testTag)))
}

const contextPage = `
name: contexts
label: A firewall with contexts
login:
  prompt: '^\r*[\w.\-/]{1,64}(?:\([\w\-]+\))?[>#] ?$'
  enable: {when: '> ?$', send: enable, expect: '^Password: ?$'}
  setup:
    - terminal pager 0
    - send: changeto system
      answers: [{expect: '\[y/n\]', send: "y\n"}]
clear_line: "\x15"
reject: '^ERROR: '
backup:
  - artifact: running.cfg
    each: {send: show context, match: '^[ *](\S+) +\S+ +\S+:'}
    before: 'changeto context {item}'
    after: changeto system
    send: 'more system:running-config'
    complete: {last_line: '^: end$'}
`

const xmlPage = `
name: xmlwall
label: A firewall with a menu and an XML file
transport: exec
login:
  prompt: '^\S+@\S+:\S* [#$] ?$'
  answers: [{expect: 'Enter an option: ?$', send: "8\n"}]
backup:
  - artifact: config.xml
    send: cat /conf/config.xml
    complete: {closes: opnsense}
    drop: [{from: '^\s*<revision', until: '</revision>'}]
  - {artifact: config.ini, fetch: /conf/extra.ini, optional: true}
secrets: ['<authorizedkeys>([^<]+)<']
`

func TestSchemaHoldsContextsAndFiles(t *testing.T) {
	p := parse(t, contextPage)
	list := []byte("Context Name      Class      Interfaces           Mode         URL\n*admin            default    Gi0/0                Routed disk0:/admin.cfg\n branch           default    Gi0/1                Routed disk0:/b.cfg\n")
	assert.Equal(t, []string{"admin", "branch"}, parse(t, `
name: a
label: A
login: {prompt: 'x'}
backup: [{artifact: a, send: "b {item}", complete: {closes: c}, each: {send: show context, match: '^[ *](\w+) +\w+ +\S+ +\w+ '}}]
`).Main().Each.Items(list))
	assert.Equal(t, "changeto context {item}", p.Main().Before[0].Send)

	p = parse(t, xmlPage)
	text := []byte("<?xml version=\"1.0\"?>\n<opnsense>\n <revision>\n  <time>1</time>\n </revision>\n <user><name>root</name><password>$2y$10$abc</password></user>\n</opnsense>\n")
	assert.Nil(t, p.Main().Verify(text, Ending{}))
	assert.Equal(t, "<?xml version=\"1.0\"?>\n<opnsense>\n <user><name>root</name><password><secret></password></user>\n</opnsense>\n",
		string(p.Mask(p.Main().Clean(text), nil)))
}

// The page that the plan of NetRaven shows must be one.
const plannedPage = `
name: cisco_ios
label: Cisco IOS and IOS XE
login:
  prompt: '^[\w.\-@/:()]{1,63}[>#]\s?$'
  enable: {when: '>\s?$', send: enable, expect: '(?i)password:'}
  setup:  [terminal length 0, terminal width 0]       # a refused setup command is noted, not fatal
  logout: exit
pager:  [{expect: ' --More-- ', send: ' '}]
reject: ['^% (Invalid|Ambiguous|Incomplete)', 'Command authorization failed']
backup:
  - artifact: running.cfg
    send: [show running-config view full, show running-config]   # tried in order while refused
    complete: {last_line: '^end$'}
    drop: ['^Building configuration', '^Current configuration :', '^! Last configuration change', '^! NVRAM config last updated', '^ntp clock-period ']
    changed_by: '^! Last configuration change at .* by (\S+)'
  - {artifact: facts.txt, send: show version, keep: ['^Cisco IOS', 'board ID'], optional: true}
facts:  {version: 'Version ([^,\s]+)', serial: 'board ID (\S+)', model: '^[Cc]isco (\S+) \(.*processor'}
secrets:
  - {match: '^(snmp-server community) (\S+)', keep: 1, mask: 2}
`

func TestPlannedPage(t *testing.T) {
	p := parse(t, plannedPage)
	require.Len(t, p.Backup, 2)
	assert.Equal(t, "snmp-server community <secret> RO\n", string(p.Mask([]byte("snmp-server community public RO\n"), nil)))
	at, ok := p.Login.Prompt.AtEnd([]byte("banner #\nsw1# \nsw1#"))
	assert.True(t, ok)
	assert.Equal(t, "sw1#", "banner #\nsw1# \nsw1#"[at:])
}

func TestGuideShowsAPage(t *testing.T) {
	guide, err := os.ReadFile("../docs/platforms.md")
	require.NoError(t, err)
	_, rest, ok := strings.Cut(string(guide), "```yaml\n")
	require.True(t, ok)
	example, _, _ := strings.Cut(rest, "```")
	p := parse(t, example)
	assert.Equal(t, "snmp community <secret> ro\n", string(p.Mask([]byte("snmp community x1 ro\n"), nil)))
}
