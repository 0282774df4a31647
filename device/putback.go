package device

import "bytes"

// putBack reports that the device waits with the command just sent behind its prompt once more: so some show that they
// did not take it, where the page knows how to clear that line.
func (x *exchange) putBack(line []byte) bool {
	before := x.prompt.learned
	if x.session.cfg.Page.ClearLine == "" || x.sent == "" || !x.echoed || len(before) == 0 || !bytes.HasPrefix(line, before) {
		return false
	}
	return bytes.Equal(squeeze(line[len(before):]), squeeze([]byte(x.sent)))
}

// settle notes where the device waits: at its prompt, or with a command on it that it did not take.
func (sh *shell) settle(x *exchange) {
	line := sh.screen.line()
	if sh.left = x.putBack(line); !sh.left {
		sh.prompt.learn(line)
	}
}

// refused is refusal, and knows that a command put back was not taken, whatever the device says of it.
func (sh *shell) refused(out []byte) string {
	words := refusal(sh.session.cfg.Page, out)
	if words == "" && sh.left {
		return "the command was put back on the line"
	}
	return words
}
