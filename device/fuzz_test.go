package device

import (
	"bytes"
	"testing"

	"github.com/netraven/netraven/platforms"
)

func FuzzEcho(f *testing.F) {
	f.Add([]byte("r1#show run\nhostname\n"), "show run")
	f.Add([]byte("log\nr1#show \nrun\nend\n"), "show run")
	f.Add([]byte("\n\n\n"), "")
	f.Fuzz(func(t *testing.T, text []byte, sent string) {
		at, ok := cutEcho(text, sent, func(b []byte) bool { return len(b) < 8 })
		if at < 0 || at > len(text) || ok && at > 0 && text[at-1] != '\n' {
			t.Fatalf("cut %d of %q", at, text)
		}
		if target := squeeze([]byte(sent)); ok && !bytes.HasSuffix(squeeze(text[:at]), target) {
			t.Fatalf("%q is no echo of %q", text[:at], sent)
		}
	})
}

// FuzzPrompt feeds an exchange whatever a device may send and checks that the answer lies on the screen.
func FuzzPrompt(f *testing.F) {
	page, problems := platforms.Parse("test.yaml", []byte(routerPage))
	if problems != nil {
		f.Fatal(problems)
	}
	f.Add([]byte("show run\r\nhostname r1\r\nend\r\nr1#"), 5)
	f.Add([]byte("\rr1#\x1b[Kshow run\r\nr1#\r\nlog\r\n\r\nr1#\r\nr1#"), 3)
	f.Add([]byte("show run\nlastr1#\nr1#"), 1)
	f.Fuzz(func(t *testing.T, in []byte, chunk int) {
		sh := &shell{session: &Session{cfg: Config{Page: page}, limits: DefaultLimits}, prompt: newPrompt(page.Login.Prompt)}
		sh.screen.write([]byte("r1#"))
		sh.prompt.learn(sh.screen.line())
		x := &exchange{shell: sh, sent: "show run", seen: -1}
		chunk = max(1, chunk)
		for len(in) > 0 {
			n := min(chunk, len(in))
			sh.screen.write(in[:n])
			in = in[n:]
			if n%2 == 1 {
				x.nudges, x.nudged = x.nudges+1, true
			}
			x.doubtful()
			done := x.finished()
			out := x.answer()
			if len(out) > len(sh.screen.text) {
				t.Fatalf("an answer of %d bytes on a screen of %d", len(out), len(sh.screen.text))
			}
			if done {
				sh.prompt.learn(sh.screen.line())
				sh.screen.reset(n%3 == 0)
				x = &exchange{shell: sh, sent: "show run", seen: -1}
			}
			if e, from := x.ask(page.Pager); e != nil {
				sh.screen.cutPager(from)
			}
		}
		refusal(page, sh.screen.text)
		said(sh.screen.text, page, nil)
	})
}
