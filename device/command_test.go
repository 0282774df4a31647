package device

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/platforms"
)

// serveLines starts a peer whose shell answers each line as the test says, echo and prompt included.
func serveLines(t *testing.T, greeting string, answer func(c *console, line string)) *peer {
	t.Helper()
	p := newPeer(t)
	p.shell = func(c *console) {
		c.say(greeting)
		for {
			line, ok := c.line()
			if !ok {
				return
			}
			answer(c, line)
		}
	}
	p.start()
	return p
}

func TestEchoes(t *testing.T) {
	cases := map[string]string{
		"CR LF":            "show run\r\n",
		"LF":               "show run\n",
		"CR CR LF":         "show run\r\r\n",
		"a blank behind":   "show run \r\n",
		"wrapped":          "show \r\nrun\r\n",
		"redrawn":          "\rr1#\x1b[K show run\b\b\b\b\b\b\b\b\bshow run\x1b[K\r\n",
		"redrawn by line":  "s\rr1#sh\rr1#sho\rr1#show run\r\n",
		"a log line first": "\r\n*Nov 22 12:00:00: %SYS-5-CONFIG_I: Configured\r\nr1#show run\r\n",
		"none":             "\r\n",
	}
	for name, echo := range cases {
		t.Run(name, func(t *testing.T) {
			p := serveLines(t, "r1#", func(c *console, line string) {
				if line == "show run" {
					c.say(echo + "hostname r1\r\nend\r\nr1#")
					return
				}
				c.say(line + "\r\nr1#")
			})
			s, _ := mustOpen(t, p.attempt())
			for range 2 {
				require.Equal(t, "hostname r1\nend\n", strings.TrimLeft(string(mustRun(t, s, "show run").Text), "\n"))
			}
		})
	}
}

func TestADeviceThatNeverEchoes(t *testing.T) {
	p := serveLines(t, "r1#", func(c *console, line string) {
		if line == "show run" {
			c.say("\r\nhostname r1\r\nend")
		}
		c.say("\r\nr1#")
	})
	s, _ := mustOpen(t, p.attempt())
	for range 3 {
		require.Equal(t, "hostname r1\nend\n", string(mustRun(t, s, "show run").Text))
	}
}

func TestAPromptWithLogLinesBehindIt(t *testing.T) {
	p := serveLines(t, "r1#", func(c *console, line string) {
		c.say(line + "\r\n")
		if line == "show run" {
			c.say("hostname r1\r\nend\r\n\r\nr1#\r\n*Nov 22: %LINK-3-UPDOWN: Interface x, changed state to up\r\n")
			return
		}
		c.say("r1#")
	})
	s, _ := mustOpen(t, p.attempt())
	for range 2 {
		require.Equal(t, "hostname r1\nend\n\n", string(mustRun(t, s, "show run").Text))
	}
}

func TestAPromptGluedToTheLastLine(t *testing.T) {
	p := serveLines(t, "r1#", func(c *console, line string) {
		c.say(line + "\r\n")
		if line == "show run" {
			c.say("hostname r1\r\nend")
		}
		c.say("r1#")
	})
	s, _ := mustOpen(t, p.attempt())
	for range 2 {
		require.Equal(t, "hostname r1\nend", string(mustRun(t, s, "show run").Text))
	}
}

func TestPromptsThatChange(t *testing.T) {
	prompt := "r1#"
	p := serveLines(t, prompt, func(c *console, line string) {
		switch line {
		case "configure":
			prompt = "r1(config)#"
		case "rename":
			prompt = "other#"
		}
		c.say(line + "\r\n" + prompt)
	})
	s, _ := mustOpen(t, p.attempt())
	for _, line := range []string{"configure", "show", "rename", "show", "show"} {
		require.Empty(t, string(mustRun(t, s, line).Text))
	}
	same, f := s.Confirm()
	require.Nil(t, f)
	require.True(t, same)
}

// A prompt without a name is believed only when it comes again after an empty line.
func TestAPromptWithoutAName(t *testing.T) {
	const config = "#\n#\nend\n"
	p := serveLines(t, "# ", func(c *console, line string) {
		c.say(line + "\r\n")
		if line == "show run" {
			c.say("#")
			pause(10 * time.Millisecond)
			c.say("\r\n#")
			pause(10 * time.Millisecond)
			c.say("\r\nend\r\n")
		}
		c.say("# ")
	})
	cfg := p.attempt()
	cfg.Page = pageOf(t, strings.Replace(routerPage, `^[\w.\-@/:()]{1,63}[>#] ?$`, `^[\w.\-@/:()]{0,63}[>#] ?$`, 1))
	s, _ := mustOpen(t, cfg)
	require.Equal(t, config, string(mustRun(t, s, "show run").Text))
	require.Equal(t, config, string(mustRun(t, s, "show run").Text))
}

func TestPagers(t *testing.T) {
	pages := []string{"one\r\ntwo\r\n", "three\r\nfo", "ur\r\nend\r\n"}
	wipes := map[string]string{
		"CR and blanks": "\r          \r", "backspaces": strings.Repeat("\b", 9) + strings.Repeat(" ", 9) + strings.Repeat("\b", 9),
		"erase": "\x1b[9D\x1b[K", "nothing": "",
	}
	for name, wipe := range wipes {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(wipe, "\r") {
				pages[1], pages[2] = "three\r\n", "four\r\nend\r\n" // CR cannot wipe half a line
			} else {
				pages[1], pages[2] = "three\r\nfo", "ur\r\nend\r\n"
			}
			p := serveLines(t, "r1#", func(c *console, line string) {
				c.say(line + "\r\n")
				if line == "show run" {
					for i, text := range pages {
						if i > 0 {
							c.say("--More-- ")
							if key, _ := c.key(); key != ' ' {
								return
							}
							c.say(wipe)
						}
						c.say(text)
					}
				}
				c.say("r1#")
			})
			s, _ := mustOpen(t, p.attempt())
			require.Equal(t, "one\ntwo\nthree\nfour\nend\n", string(mustRun(t, s, "show run").Text))
		})
	}
}

func TestRefusals(t *testing.T) {
	var log []string
	p := newPeer(t)
	p.shell = router("", "r1#", map[string]string{
		"show run": "hostname r1\r\n% Invalid is only a word here\r\n" + strings.Repeat("line\r\n", 20) + "% Invalid input\r\nend\r\n",
		"show bad": "\r\n% Incomplete command.\r\n",
	})
	p.start()
	cfg := p.attempt()
	cfg.Page = pageOf(t, strings.Replace(routerPage, `['^% (?:Invalid|Ambiguous|Incomplete)']`, `['^% (?:Invalid input|Ambiguous|Incomplete)']`, 1))
	cfg.Log = func(level, message string) { log = append(log, level+": "+message) }
	s, _ := mustOpen(t, cfg)
	require.Contains(t, log, "info: the device refused the setup command terminal length 0")
	require.Equal(t, "% Incomplete command.", mustRun(t, s, "show bad").Refused)
	require.NotEmpty(t, mustRun(t, s, "unknown").Refused)
	require.Empty(t, mustRun(t, s, "show run").Refused, "further down the same words are text")
}

func TestQuestionsInsideACommand(t *testing.T) {
	p := serveLines(t, "r1#", func(c *console, line string) {
		c.say(line + "\r\n")
		if line == "write" {
			c.say("Overwrite? [confirm]")
			got, _ := c.line()
			c.say("\r\ngot " + got + "\r\n")
		}
		c.say("r1#")
	})
	s, _ := mustOpen(t, p.attempt())
	question, err := platforms.NewPattern(`\[confirm\]$`)
	require.NoError(t, err)
	a, f := s.Run(Command{Send: "write", Answers: []platforms.Exchange{{Expect: question, Send: "yes\n"}}})
	require.Nil(t, f)
	require.Contains(t, string(a.Text), "got yes\n")
}

func TestConfirmSeesOutputThatGoesOn(t *testing.T) {
	p := serveLines(t, "r1#", func(c *console, line string) {
		c.say(line + "\r\n")
		if line == "" {
			c.say("still busy\r\n")
		}
		c.say("r1#")
	})
	s, _ := mustOpen(t, p.attempt())
	same, f := s.Confirm()
	require.Nil(t, f)
	require.False(t, same)
}

func TestExecChannels(t *testing.T) {
	page := strings.Replace(routerPage, "label: Test", "label: Test\ntransport: exec", 1)
	p := newPeer(t)
	p.exec = func(c *console, cmd string) *int {
		status := 0
		switch cmd {
		case "show run":
			c.say("hostname r1\nend")
		case "fail":
			_, _ = c.Stderr().Write([]byte("% Invalid command\n"))
			status = 1
		case "unheard of":
			_, _ = c.Stderr().Write([]byte("what is that?\nreally\n"))
			status = 127
		case "no status":
			c.say("text\r\n")
			return nil
		}
		return &status
	}
	p.start()
	cfg := p.attempt()
	cfg.Page = pageOf(t, page)
	s, _ := mustOpen(t, cfg)
	a := mustRun(t, s, "show run")
	require.Equal(t, "hostname r1\nend", string(a.Text))
	require.Equal(t, 0, *a.Exit)
	a = mustRun(t, s, "fail")
	require.Equal(t, 1, *a.Exit)
	require.Equal(t, "% Invalid command", a.Refused)
	require.Equal(t, "what is that?", mustRun(t, s, "unheard of").Refused, "an error and no answer, in words of no page")
	require.Nil(t, mustRun(t, s, "no status").Exit)

	p = newPeer(t)
	p.shell = router("", "r1#", simple)
	p.start()
	cfg = p.attempt()
	cfg.Page = pageOf(t, page)
	s, _ = mustOpen(t, cfg)
	require.Equal(t, "hostname r1\nend\n", string(mustRun(t, s, "show run").Text), "exec is refused, so a shell is used")
}

func TestFetch(t *testing.T) {
	p := newPeer(t)
	p.shell = router("", "r1#", simple)
	p.exec = func(c *console, cmd string) *int {
		ack := func() { b := make([]byte, 1); _, _ = c.Read(b) }
		status := 0
		ack()
		switch cmd {
		case "scp -f config.ini":
			c.say("C0644 12 config.ini\n")
			ack()
			c.say("hello\nworld\n\x00")
			ack()
		case "scp -f short":
			c.say("C0644 12 short\n")
			ack()
			c.say("hel")
		case "scp -f huge":
			c.say("C0644 99999999999 huge\n")
			ack()
		default:
			c.say("\x01no such file\n")
			status = 1
		}
		return &status
	}
	p.start()
	s, _ := mustOpen(t, p.attempt())
	text, f := s.Fetch("config.ini", 0)
	require.Nil(t, f)
	require.Equal(t, "hello\nworld\n", string(text))
	text, f = s.Fetch("nothing", 0)
	require.Nil(t, f)
	require.Nil(t, text)
	_, f = s.Fetch("short", 0)
	require.Equal(t, jobv1.Failure_INCOMPLETE, f.GetClass())
	_, f = s.Fetch("huge", 0)
	require.Equal(t, jobv1.Failure_OUTPUT_LIMIT, f.GetClass())
}
