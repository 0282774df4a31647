package device

import (
	"bytes"
	"strings"

	"github.com/netraven/netraven/platforms"
)

// prompt is what is known of a session's prompt.
type prompt struct {
	pattern *platforms.Pattern
	lines   int    // how many lines the pattern may span
	learned []byte // the prompt as it last stood, without blanks at its end
	stem    []byte // the part of it that names the host
}

func newPrompt(p *platforms.Pattern) prompt {
	return prompt{pattern: p, lines: 1 + min(strings.Count(p.String(), `\n`), 3)}
}

// learn takes line, where the device has proved to wait, as the prompt.
func (p *prompt) learn(line []byte) {
	line = bytes.TrimRight(line, " ")
	if bytes.Equal(line, p.learned) {
		return
	}
	p.learned = bytes.Clone(line)
	p.stem = bytes.Clone(stem(line))
}

// stem returns the longest run of name characters: the host's name in most prompts, with the user's in
// some. It survives a change of mode, which is what a prompt usually changes by.
func stem(line []byte) []byte {
	var best []byte
	from := 0
	for i := 0; i <= len(line); i++ {
		if i < len(line) && nameByte(line[i]) {
			continue
		}
		if run := bytes.Trim(line[from:i], "-_."); len(run) > len(best) {
			best = run
		}
		from = i + 1
	}
	// "core.12 #": some prompts count the commands.
	if name := bytes.TrimRight(best, "0123456789"); len(name) > 2 && len(name) < len(best) && name[len(name)-1] == '.' {
		return name[:len(name)-1]
	}
	return best
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' || c >= 0x80
}

// sure reports whether the prompt names its host, so that the same text again is hardly an accident.
func (p *prompt) sure() bool { return len(p.stem) >= 2 && len(p.learned) >= 3 }

// same reports whether line is the learned prompt.
func (p *prompt) same(line []byte) bool {
	return len(p.learned) > 0 && bytes.Equal(bytes.TrimRight(line, " "), p.learned)
}

// match reports whether the current line of text, which begins at bol, is what the page calls a prompt,
// and where in text it begins (never behind bol).
func (p *prompt) match(text []byte, bol int) (start int, ok bool) {
	line := text[bol:]
	if len(line) == 0 || len(line) > maxPrompt || len(bytes.TrimSpace(line)) == 0 {
		return 0, false
	}
	from := bol
	for n := 1; n < p.lines && from > 0 && bol-from < maxPrompt; n++ {
		from = bytes.LastIndexByte(text[:from-1], '\n') + 1
	}
	at, ok := p.pattern.AtEnd(text[from:])
	if !ok {
		return 0, false
	}
	return min(from+at, bol), true
}

// related reports whether line names the same host as the learned prompt. Two letters are found in too
// many words for that.
func (p *prompt) related(line []byte) bool { return len(p.stem) >= 3 && bytes.Contains(line, p.stem) }

// precedes judges what stands before an echo, without its blanks: nothing, the learned prompt, or
// something else that looks like one.
func (p *prompt) precedes(squeezed []byte) bool {
	if len(squeezed) == 0 || bytes.HasSuffix(squeezed, squeeze(p.learned)) && len(p.learned) > 0 {
		return true
	}
	if len(squeezed) > maxPrompt {
		return false
	}
	if _, ok := p.pattern.AtEnd(squeezed); ok {
		return true
	}
	_, ok := p.pattern.AtEnd(append(squeezed, ' '))
	return ok
}
