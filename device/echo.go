package device

import "bytes"

const (
	// maxEchoLines is how far into an answer the echo is looked for: log lines may come before it.
	maxEchoLines = 24
	// maxEchoWrap is over how many lines a terminal may have wrapped it.
	maxEchoWrap = 6
	// maxPrompt is the longest text taken for a prompt.
	maxPrompt = 512
)

// cutEcho returns where an answer begins: behind the echo of sent, which stands in one of the first
// lines, behind a prompt or alone, and may be wrapped. Blanks do not count: devices add and eat them.
// text is whole lines. ok is false if there is no echo in it, isPrompt judges what stands before.
func cutEcho(text []byte, sent string, isPrompt func(squeezed []byte) bool) (from int, ok bool) {
	target := squeeze([]byte(sent))
	if len(target) == 0 { // an empty line echoes as a line end
		i := bytes.IndexByte(text, '\n')
		return i + 1, i >= 0
	}
	var starts [maxEchoLines]int
	at := 0
	for n := range maxEchoLines {
		i := bytes.IndexByte(text[at:], '\n')
		if i < 0 {
			return 0, false
		}
		starts[n] = at
		at += i + 1
		for back := n; back >= 0 && back > n-maxEchoWrap; back-- {
			piece := text[starts[back]:at]
			if len(piece) > 4*(len(sent)+maxPrompt) {
				break
			}
			line := squeeze(piece)
			if len(line) < len(target) {
				continue
			}
			if bytes.HasSuffix(line, target) && isPrompt(line[:len(line)-len(target)]) {
				return at, true
			}
			break
		}
	}
	return 0, false
}

// squeeze is b without blanks and line ends.
func squeeze(b []byte) []byte {
	var to []byte
	for _, c := range b {
		if c != ' ' && c != '\t' && c != '\n' {
			to = append(to, c)
		}
	}
	return to
}
