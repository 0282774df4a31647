package device

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/platforms"
)

const (
	saidLines = 8
	saidBytes = 600
	// saidMasked is how much more than is shown is masked, so that a key's first line is not what was cut away.
	saidMasked = 64 << 10
)

// heard keeps the end of what the device said last, for failures. The text is not copied: its owner does not change it.
func (s *Session) heard(text []byte) {
	if s.words = text; len(text) > saidMasked {
		text = text[len(text)-saidMasked:]
		s.words = text[bytes.IndexByte(text, '\n')+1:]
	}
}

// lastWords is what a failure shows of the device: what stands on the screen, or, where that is only a prompt, the answer before it.
func (s *Session) lastWords() string {
	text := s.words
	if sh := s.shell; sh != nil {
		screen := sh.screen.shown()
		if s.half(sh.screen.line()) {
			half := len(screen) - sh.screen.bol
			screen = fmt.Appendf(bytes.Clone(screen[:sh.screen.bol]), "(a line that did not end is left out: %d bytes)", half)
		}
		if bytes.IndexByte(screen, '\n') >= 0 || len(text) == 0 {
			text = screen
		} else {
			text = append(append(bytes.Clone(bytes.TrimRight(text, "\n")), '\n'), screen...)
		}
	}
	return said(text, s.cfg.Page, s.report.Grant)
}

var (
	asks  = regexp.MustCompile(`[?:\])>#.\-] ?$`)
	press = regexp.MustCompile(`(?i)\b(?:any|a|the|enter|space) key\b`)
	tells = regexp.MustCompile(`(?i)pass|secret|key|community|cipher|hash|psk|auth|priv|credential|token|tacacs|radius|snmp|wep|chap|username|isakmp|neighbor`)
)

// half reports that a line may be the first half of one that holds a secret, which nobody can mask. Before there is a session, devices show
// no configurations; afterwards a prompt and what looks like a question are what an engineer has to see.
func (s *Session) half(line []byte) bool {
	if len(line) == 0 || s.stage == "login" || s.stage == "enable" || s.stage == "setup" {
		return false
	}
	if at, ok := s.cfg.Page.Login.Prompt.AtEnd(line); ok && at == 0 {
		return false
	}
	return len(line) > 120 || !asks.Match(line) || tells.Match(press.ReplaceAll(line, nil))
}

// said returns the last lines of what a device said, masked.
func said(text []byte, page *platforms.Page, grant *vaultv1.Grant) string {
	text = text[max(0, len(text)-saidMasked):]
	text = bytes.TrimRight([]byte(page.MaskLines(string(text))), " \n")
	for i, n := len(text), 0; i > 0; i-- {
		if text[i-1] == '\n' {
			if n++; n == saidLines {
				text = text[i:]
				break
			}
		}
	}
	s := strip(plainWords(string(text)), grant)
	if over := len(s) - saidBytes; over > 0 {
		s = strings.ToValidUTF8(s[over:], "")
	}
	return strings.TrimSpace(s)
}
