package device

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// A device may answer a command that it does not take by putting it back behind the prompt: what is typed next joins it.
func TestARefusedCommandStaysOnTheLine(t *testing.T) {
	for name, prompt := range map[string]string{"a name": "fw1> ", "no name": "> "} {
		t.Run(name, func(t *testing.T) {
			left, typed := "", []string(nil)
			p := serveLines(t, prompt, func(c *console, line string) {
				if at := strings.LastIndexByte(line, '\x15'); at >= 0 {
					c.say(strings.Repeat("\b \b", len(left)))
					left, line = "", line[at+1:]
				}
				c.say(line + "\r\n")
				line, left = left+line, ""
				typed = append(typed, line)
				switch line {
				case "show run":
					c.say("hostname fw1\r\nend\r\n")
				case "":
				case "odd":
					left = line
					c.say("\x07")
				default:
					left = line
					c.say("\x07\r\nSyntax error: Illegal command line\r\n")
				}
				c.say(prompt + left)
			})
			cfg := p.attempt()
			page := strings.NewReplacer(`['^% (?:Invalid|Ambiguous|Incomplete)']`, `['^Syntax error']`, `setup: [terminal length 0]`, `setup: [no pager, odd]`,
				`'^[\w.\-@/:()]{1,63}[>#] ?$'`, `'^[\w.\-]{0,63}[>#] ?$'`, "  enable: {when: '> ?$', send: enable, expect: '(?i)password: ?$', failed: ['^% Access denied']}\n", "").Replace(routerPage)
			cfg.Page = pageOf(t, page+"clear_line: \"\\x15\"\n")
			s, _ := mustOpen(t, cfg)
			require.Equal(t, "Syntax error: Illegal command line", mustRun(t, s, "show all").Refused)
			require.NotEmpty(t, mustRun(t, s, "odd").Refused, "put back without a word")
			require.Equal(t, "hostname fw1\nend\n", string(mustRun(t, s, "show run").Text))
			require.Subset(t, typed, []string{"no pager", "odd", "show all", "show run"})
		})
	}
}
