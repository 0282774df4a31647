package lab

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// mikrotikRouterOS is a branch router of MikroTik with RouterOS 7.
type mikrotikRouterOS struct{}

const (
	rosVersion = "7.16"
	rosModel   = "L009UiGS-2HaxD"
)

var (
	rosWidth     = regexp.MustCompile(`\+[a-z0-9]*?(\d{2,4})w`)
	rosSensitive = regexp.MustCompile(` (?:password|passphrase|secret|pre-shared-key|private-key|authentication-password)=(?:"[^"]*"|\S+)`)
)

func (mikrotikRouterOS) version() string { return "SSH-2.0-ROSSSH" }

// account cuts what RouterOS lets users append to say how the terminal is:
// admin+cet200w.
func (mikrotikRouterOS) account(user string) string {
	account, _, _ := strings.Cut(user, "+")
	return account
}

// plainExec: RouterOS ends lines in CR LF on every channel.
func (mikrotikRouterOS) plainExec() bool { return false }

func (mikrotikRouterOS) pager() pager {
	return pager{text: "-- [Q quit|D dump|down]", wipe: "\r" + strings.Repeat(" ", 24) + "\r"}
}

func (mikrotikRouterOS) greeting(s *session) string {
	if m := rosWidth.FindStringSubmatch(s.login); m != nil {
		s.columns, _ = strconv.Atoi(m[1]) // two to four digits
	}
	return "\r\r\n\r\r\n\r\n\r  MMM      MMM       KKK                          TTTTTTTTTTT      KKK\r\n" +
		"\r  MMMM    MMMM       KKK                          TTTTTTTTTTT      KKK\r\n\r\r\n" +
		"\r  MikroTik RouterOS " + rosVersion + " (c) 1999-2024       https://www.mikrotik.com/\r\n\r\r\n" +
		"\rPress F1 for help\r\n\r\r\n"
}

func (mikrotikRouterOS) bare(s *session) string { return "[" + s.user + "@" + s.dev.spec.Name + "] > " }

// prompt is drawn twice: once padded to the width of the terminal, to wipe
// the line, and once to leave the cursor behind it.
func (k mikrotikRouterOS) prompt(s *session) string {
	p := k.bare(s)
	return "\r\r\r\r" + strings.TrimRight(p, " ") + strings.Repeat(" ", max(s.columns-len(p), 1)) + "\r" + p
}

// readLine draws prompt and line again for each letter, as RouterOS does.
func (k mikrotikRouterOS) readLine(s *session) (string, bool) {
	p := k.bare(s)
	var b []byte
	for {
		c, ok := s.key()
		switch {
		case !ok, c == 4 && len(b) == 0:
			return "", false
		case c == '\r' || c == '\n':
			s.write("\r" + p + string(b) + "\r\n")
			if len(b) > 0 {
				s.write("\r")
			}
			return strings.TrimSpace(string(b)), true
		case c == 3 || c == 21:
			b = b[:0]
		case (c == 8 || c == 127) && len(b) > 0:
			b = b[:len(b)-1]
		case c >= ' ' && c < 127 && len(b) < maxLine:
			b = append(b, c)
			s.write(string(rune(c)))
		default:
			continue
		}
		s.write("\r\r" + p + string(b) + strings.Repeat(" ", max(s.columns-len(p)-len(b)-1, 1)) + "\x1b[K\r" + p + string(b))
	}
}

// run runs a line of commands, up to one that fails.
func (k mikrotikRouterOS) run(s *session, line string) uint32 {
	if first, rest, more := strings.Cut(line, ";"); more {
		if status := k.one(s, strings.TrimSpace(first)); status != 0 {
			return status
		}
		return k.run(s, strings.TrimSpace(rest))
	}
	return k.one(s, line)
}

func (mikrotikRouterOS) one(s *session, line string) uint32 {
	if text, ok := strings.CutPrefix(line, ":put "); ok {
		s.write(strings.Trim(text, `"`) + "\r\n")
		return 0
	}
	path, export, ok := strings.Cut(line, "export")
	if menu := strings.TrimSpace(path); ok && (export == "" || export[0] == ' ') && (menu == "/" || menu == "" || strings.HasPrefix(menu, "/")) {
		return rosExport(s, menu, strings.Fields(export))
	}
	if runTree(s, rosTree, strings.TrimPrefix(line, "/"), true) {
		return 0
	}
	word, _, _ := strings.Cut(line, " ")
	s.write(fmt.Sprintf("bad command name %s (line 1 column 1)\r\n", strings.TrimPrefix(word, "/")))
	return 1
}

var rosTree = []command{
	{words: "quit", run: leave},
	{words: "exit", run: leave},
	{words: "system resource print", run: say(func(id *identity) string {
		return fmt.Sprintf("                   uptime: %s\n                  version: %s (stable)\n               build-time: 2024-09-20 13:00:27\n"+
			"              free-memory: %d.6MiB\n             total-memory: 512.0MiB\n                      cpu: ARM\n                cpu-count: 2\n"+
			"                 cpu-load: 2%%\n        architecture-name: arm\n               board-name: %s\n                 platform: MikroTik\n",
			"5w2d11h", rosVersion, 200+id.IntN(200), rosModel)
	})},
	{words: "system identity print", run: say(func(id *identity) string { return "  name: " + id.name + "\n" })},
	{words: "system routerboard print", run: say(func(id *identity) string {
		return fmt.Sprintf("       routerboard: yes\n             model: %s\n     serial-number: %s\n  current-firmware: %s\n", rosModel, id.serial, rosVersion)
	})},
	{words: "system package update print", run: say(func(*identity) string {
		return "            channel: stable\n  installed-version: " + rosVersion + "\n"
	})},
	{words: "system history print without-paging", run: say(func(*identity) string {
		return "Flags: U - UNDOABLE\nColumns: ACTION, BY, POLICY\n  ACTION       BY     POLICY\n"
	})},
}

// rosExport answers an export of the whole configuration or of one menu.
func rosExport(s *session, menu string, words []string) uint32 {
	c, shown := s.dev.rendered(), false
	for _, w := range words {
		switch w {
		case "show-sensitive":
			shown = true
		case "hide-sensitive", "terse", "compact", "verbose":
		default:
			s.write(fmt.Sprintf("expected end of command (line 1 column %d)\r\n", len(menu)+len("export ")+1))
			return 1
		}
	}
	if !shown {
		c.body = rosSensitive.ReplaceAllString(c.body, "")
	}
	if menu = strings.TrimSpace(menu); menu != "" && menu != "/" {
		c.body = rosMenu(c.body, menu)
	}
	s.showConfig(c)
	return 0
}

func rosMenu(text, menu string) string {
	var out strings.Builder
	in := false
	for _, l := range strings.SplitAfter(text, "\r\n") {
		if strings.HasPrefix(l, "/") {
			h := strings.TrimSpace(l)
			in = h == menu || strings.HasPrefix(h, menu+" ")
		}
		if in {
			out.WriteString(l)
		}
	}
	return out.String()
}
