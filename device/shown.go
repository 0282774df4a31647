package device

import (
	"bytes"
	"strings"

	"golang.org/x/crypto/ssh"
)

// maskedBeyond is how much more of a text than is shown is masked: a secret of many lines may end behind what is shown.
const maskedBeyond = 64 << 10

// Show makes an answer fit for people: masked by the page, without what the session logged in with, printable, and of at most limit
// bytes, cut at the end of a line. truncated says that there was more.
func (s *Session) Show(text []byte, limit int) (shown string, truncated bool) {
	if n := limit + maskedBeyond; len(text) > n {
		text = text[:bytes.LastIndexByte(text[:n], '\n')+1] // half a line may be half a secret
		truncated = true
	}
	out := strip(plainWords(s.cfg.Page.MaskLines(string(text))), s.report.Grant)
	if len(out) > limit {
		out, truncated = out[:strings.LastIndexByte(out[:limit], '\n')+1], true
	}
	return out, truncated
}

// Prompt returns the prompt as it last stood, fit for people; empty while commands travel by exec channels.
func (s *Session) Prompt() string {
	if s.shell == nil {
		return ""
	}
	return strip(plainWords(string(s.shell.prompt.learned)), s.report.Grant)
}

// Privileged reports whether the prompt is one that needs no enable (any more).
func (s *Session) Privileged() bool {
	e := s.cfg.Page.Login.Enable
	return s.shell == nil || e == nil || !ends(e.When, s.shell.screen.line())
}

// DescribeKey returns a host key's fingerprint as ssh-keygen prints it, and its type. Both are empty for what is no key.
func DescribeKey(wire []byte) (fingerprint, algorithm string) {
	key, err := ssh.ParsePublicKey(wire)
	if err != nil {
		return "", ""
	}
	return ssh.FingerprintSHA256(key), key.Type()
}
