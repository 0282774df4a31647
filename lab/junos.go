package lab

import (
	"fmt"
	"strings"
)

// juniperJunos is an SRX gateway of Juniper with Junos.
type juniperJunos struct{}

const (
	junosVersion = "22.4R3-S2.11"
	junosModel   = "srx300"
)

func (juniperJunos) version() string            { return "SSH-2.0-OpenSSH_8.9" }
func (juniperJunos) account(user string) string { return user }
func (juniperJunos) plainExec() bool            { return true }
func (juniperJunos) pager() pager {
	return pager{text: "---(more %d%)---", wipe: "\r" + strings.Repeat(" ", 40) + "\r"}
}

func (juniperJunos) greeting(*session) string {
	return "Last login: " + clock("Mon Jan _2 15:04:05 2006") + " from 127.0.0.1\r\n" +
		"--- JUNOS " + junosVersion + " Kernel 64-bit  JNPR-12.1-20240101.0_build\r\n"
}

func (juniperJunos) prompt(s *session) string { return s.user + "@" + s.dev.spec.Name + "> " }

// readLine echoes a blank after the command, as completion on space does.
func (juniperJunos) readLine(s *session) (string, bool) {
	line, ok := s.lineUntil(true, " \r\n")
	return line, ok
}

func (k juniperJunos) run(s *session, line string) uint32 {
	status := uint32(0)
	if !runTree(s, junosTree, line, true) {
		status = 1
		word, _, _ := strings.Cut(line, " ")
		answer := "syntax error, expecting <command>."
		if !unfinished(junosTree, word, true) {
			answer = "unknown command."
		}
		s.write(strings.Repeat(" ", len(k.prompt(s))+len(word)) + "^\r\n" + answer + "\r\n")
	}
	if !s.exec && !s.over {
		s.write("\r\n")
	}
	return status
}

var junosTree = []command{
	{words: "set cli screen-length *", run: func(s *session, args []string) {
		s.paging = args[0] != "0"
		s.write("Screen length set to " + args[0] + "\r\n")
	}},
	{words: "set cli screen-width *", run: func(s *session, args []string) { s.write("Screen width set to " + args[0] + "\r\n") }},
	{words: "set cli complete-on-space off", run: func(s *session, _ []string) { s.write("Disabling complete-on-space\r\n") }},
	{words: "set cli terminal *", run: quiet},
	{words: "exit", run: leave},
	{words: "quit", run: leave},
	{words: "show version", run: say(func(id *identity) string {
		return fmt.Sprintf("Hostname: %s\nModel: %s\nJunos: %s\nJUNOS Software Release [%s]\n", id.name, junosModel, junosVersion, junosVersion)
	})},
	{words: "show chassis hardware", run: say(func(id *identity) string {
		return fmt.Sprintf(`Hardware inventory:
Item             Version  Part number  Serial number     Description
Chassis                                %-17s %s
Routing Engine   REV 0x08 650-077890   %-17s RE-SRX300
FPC 0                     BUILTIN      BUILTIN           FPC
  PIC 0                                                  6xGE,2xGE SFP Base PIC
Power Supply 0
`, id.serial, strings.ToUpper(junosModel), id.serial)
	})},
	{words: "show system license", run: say(func(*identity) string { return "License usage: none\n\nLicenses installed: none\n" })},
	{words: "show system uptime", run: say(func(id *identity) string {
		return "Current time: " + clock("2006-01-02 15:04:05 UTC") + "\nSystem booted: " + id.born.UTC().Format("2006-01-02 15:04:05 UTC") + "\n"
	})},
	{words: "show configuration", run: junosConfiguration},
}

// junosConfiguration answers "show configuration" with its display filters.
func junosConfiguration(s *session, _ []string) {
	c := s.dev.rendered()
	var rest []string
	for _, f := range s.filters {
		switch f {
		case "display omit":
		case "display set":
			c = configText{body: junosSet(c.body)}
		default:
			rest = append(rest, f)
		}
	}
	s.filters = rest
	s.showConfig(c)
}

// junosSet turns a configuration with braces into set commands.
func junosSet(text string) string {
	var out strings.Builder
	var path []string
	for _, l := range strings.Split(text, "\r\n") {
		l = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(l), "## SECRET-DATA"))
		switch {
		case strings.HasSuffix(l, "{"):
			path = append(path, strings.TrimSpace(strings.TrimSuffix(l, "{")))
		case l == "}" && len(path) > 0:
			path = path[:len(path)-1]
		case strings.HasSuffix(l, ";"):
			out.WriteString(strings.Join(append(append([]string{"set"}, path...), strings.TrimSuffix(l, ";")), " ") + "\r\n")
		}
	}
	return out.String()
}

// render puts the last commit before the configuration.
func (juniperJunos) render(_ *identity, c *configuration) configText {
	return configText{
		head: fmt.Sprintf("## Last commit: %s by %s\r\n", c.changedAt.Format("2006-01-02 15:04:05 UTC"), c.changedBy),
		body: c.body(),
	}
}

func (juniperJunos) describe(text string) Change {
	return Change{Section: "interfaces > ge-0/0/0", Line: fmt.Sprintf("description %q;", text)}
}

func (juniperJunos) edit(lines []string, c Change) ([]string, error) {
	if l := strings.TrimSpace(c.Line); !strings.HasSuffix(l, ";") && !strings.HasSuffix(l, "SECRET-DATA") {
		c.Line = l + ";"
	}
	return editIndented(lines, c, "    ")
}

func (juniperJunos) generate(id *identity) string {
	p := &page{}
	p.add("version %s;\nsystem {\n    host-name %s;", junosVersion, id.name)
	p.add("    root-authentication {\n        encrypted-password %q; ## SECRET-DATA\n    }", id.hash("$6$", 8, 86))
	p.add("    login {\n        user %s {\n            uid 2002;\n            class super-user;", id.user)
	p.add("            authentication {\n                encrypted-password %q; ## SECRET-DATA\n            }\n        }\n    }", id.hash("$6$", 8, 86))
	p.add("    services {\n        ssh;\n        netconf {\n            ssh;\n        }\n    }")
	p.add("    tacplus-server {\n        192.0.2.70 secret %q; ## SECRET-DATA\n    }", id.hash("$9$", 12, 20))
	p.add("    ntp {\n        server 192.0.2.123;\n    }\n}\ninterfaces {")
	for n := 0; n < 48 && p.Len() < id.size/2; n++ {
		p.add("    ge-0/0/%d {\n        description %q;\n        unit 0 {\n            family inet {\n                address 10.%d.%d.%d/30;\n            }\n        }\n    }",
			n, pick(id, "uplink", "customer", "peer", "spare")+fmt.Sprint(" ", n), 50+id.index%100, n, 1+4*id.IntN(60))
	}
	p.add("    lo0 {\n        unit 0 {\n            family inet {\n                address %s/32;\n            }\n        }\n    }\n}", id.loopback())
	p.add("snmp {\n    community %s {\n        authorization read-only;\n    }\n}\npolicy-options {\n    prefix-list customers {", id.word())
	p.fill(id.size-420, func(i int) string { return fmt.Sprintf("        10.%d.%d.0/24;", id.IntN(250), i%250) })
	p.add("    }\n}\nprotocols {\n    bgp {\n        group upstream {\n            type external;\n            authentication-key %q; ## SECRET-DATA", id.hash("$9$", 12, 24))
	p.add("            neighbor 192.0.2.1 {\n                peer-as 65000;\n            }\n        }\n    }\n    lldp {\n        interface all;\n    }\n}")
	return p.String()
}
