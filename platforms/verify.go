package platforms

import (
	"bytes"
	"fmt"
	"strings"
)

// Ending is what the session saw at the end of an answer.
type Ending struct {
	// Exit is the exit status of an exec channel; nil where none came or a shell was used.
	Exit *int
	// PromptTwice says that prompt, empty line, same prompt were seen.
	PromptTwice bool
}

// Incomplete says why an answer is not known to be whole. It is data about a device, not a fault of
// NetRaven's.
type Incomplete struct {
	// Rule is the key under complete that failed: last_line, balanced, closes, exit_status,
	// prompt_twice or gap.
	Rule string
	// Reason is a clause for people. It holds nothing that the device said: LastLine does that.
	Reason string
}

// Error reads "incomplete (rule): reason".
func (i *Incomplete) Error() string { return "incomplete (" + i.Rule + "): " + i.Reason }

// Verify decides by the artifact's own rules whether out is a whole answer; nil means that it is. An
// artifact without rules is always whole, except that a known exit status other than zero on such an
// artifact is for the caller to judge. It is linear in out.
func (a *Artifact) Verify(out []byte, end Ending) *Incomplete {
	return a.VerifyBy(&a.Complete, out, end)
}

// VerifyBy is Verify by a rule of the artifact, as Rule returns it.
func (a *Artifact) VerifyBy(c *Complete, out []byte, end Ending) *Incomplete {
	if why := c.Gap.in(out); why != nil {
		return why
	}
	if c.LastLine != nil {
		if !c.LastLine.MatchLine(a.lastLine(out)) {
			return &Incomplete{"last_line", fmt.Sprintf("it does not end in a line such as %s", c.LastLine)}
		}
	}
	if c.Balanced != "" {
		if why := unbalanced(out, c.Balanced[0], c.Balanced[1]); why != "" {
			return &Incomplete{"balanced", why}
		}
	}
	if c.Closes != "" {
		if last := a.lastLine(out); !bytes.HasSuffix(last, []byte("</"+c.Closes+">")) {
			return &Incomplete{"closes", fmt.Sprintf("it does not end in </%s>", c.Closes)}
		}
	}
	return c.ended(end)
}

// ended judges what the session saw. A status is strong, whichever way it speaks; without one the
// repeated prompt is enough where the page allows it, and content rules need neither.
func (c *Complete) ended(end Ending) *Incomplete {
	if c.ExitStatus != nil && end.Exit != nil {
		if *end.Exit != *c.ExitStatus {
			return &Incomplete{"exit_status", fmt.Sprintf("the command ended with status %d, expected %d", *end.Exit, *c.ExitStatus)}
		}
		return nil
	}
	if c.Balanced != "" && end.Exit != nil && *end.Exit != 0 {
		// Blocks that are closed are no end by themselves: a device that says it failed is believed.
		return &Incomplete{"exit_status", fmt.Sprintf("the command ended with status %d", *end.Exit)}
	}
	if c.InText() && !c.PromptTwice {
		return nil
	}
	if c.PromptTwice && !end.PromptTwice {
		return &Incomplete{"prompt_twice", "the prompt did not come back twice"}
	}
	if c.ExitStatus != nil && !c.PromptTwice {
		return &Incomplete{"exit_status", "the device sent no exit status"}
	}
	return nil
}

// lastLine returns the last line that is neither blank nor a log line the device threw in.
func (a *Artifact) lastLine(b []byte) []byte {
	for len(b) > 0 {
		i := bytes.LastIndexByte(b, '\n')
		line, _ := cutLine(b[i+1:])
		if len(line) > 0 && !a.logLine(line) {
			return line
		}
		b = b[:max(i, 0)]
	}
	return nil
}

func (a *Artifact) logLine(line []byte) bool {
	for _, p := range a.clean.log {
		if p.Match(line) {
			return true
		}
	}
	return false
}

// unbalanced counts an opening and a closing character outside of "strings", /* comments */ and
// # comments; what stands last must be a closing character or end a statement. A string ends with its
// line at the latest: a lone quote must not swallow the rest.
func unbalanced(b []byte, open, shut byte) string {
	depth, pairs, last := 0, 0, byte(0)
	for i := 0; i < len(b); i++ {
		if n := commentEnd(b, i); n < 0 {
			return "a comment is not closed"
		} else if n > i {
			i = n - 1
			continue
		}
		c := b[i]
		if !blank(c) && c != '\n' {
			last = c
		}
		switch c {
		case '"':
			i = skipString(b, i)
		case open:
			depth++
		case shut:
			depth--
			pairs++
		}
		if depth < 0 {
			return fmt.Sprintf("a %q closes nothing", shut)
		}
	}
	switch {
	case depth > 0:
		return fmt.Sprintf("%d %q are not closed", depth, open)
	case pairs == 0:
		return fmt.Sprintf("there is no %q", open)
	case last != shut && last != ';' && last != ']':
		return fmt.Sprintf("the text ends in %q, in the middle of a statement", last)
	}
	return ""
}

// commentEnd returns where the comment that begins at i ends, i where none begins, and -1 where it
// never ends.
func commentEnd(b []byte, i int) int {
	switch {
	case b[i] == '/' && i+1 < len(b) && b[i+1] == '*':
		n := bytes.Index(b[i+2:], []byte("*/"))
		if n < 0 {
			return -1
		}
		return i + 2 + n + 2
	case b[i] == '#' && (i == 0 || blank(b[i-1]) || b[i-1] == '\n'):
		if n := bytes.IndexByte(b[i:], '\n'); n >= 0 {
			return i + n
		}
		return len(b)
	}
	return i
}

// skipString returns the index of the quote that ends the string begun at i, or of the line's end.
func skipString(b []byte, i int) int {
	for i++; i < len(b) && b[i] != '"' && b[i] != '\n'; i++ {
		if b[i] == '\\' {
			i++
		}
	}
	return i
}

const (
	// lastLineSeen is how much of a text is looked at for its last line: what encloses a secret stands before it.
	lastLineSeen = 64 << 10
	lastLineLong = 80
)

// LastLine returns the last line of out that is neither blank nor a log line, fit for people: masked by the page's rules, with what stands before
// it, and of at most 80 bytes. A line without its end may be half a secret, which nobody can mask: it is not shown.
func (p *Page) LastLine(a *Artifact, out []byte) string {
	if len(out) > 0 && out[len(out)-1] != '\n' {
		return "(a line that did not end)"
	}
	if over := len(out) - lastLineSeen; over > 0 {
		out = out[over:]
		out = out[bytes.IndexByte(out, '\n')+1:] // half a line may be half a secret; a text of one line shows nothing
	}
	last := a.lastLine([]byte(p.MaskLines(string(out))))
	return strings.ToValidUTF8(string(last[:min(len(last), lastLineLong)]), "")
}
