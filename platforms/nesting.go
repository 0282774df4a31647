package platforms

import "bytes"

// maxNesting bounds the depth of indentation that is followed; deeper lines count as that deep.
const maxNesting = 32

// nesting follows the indentation of a config, to know the lines that enclose the current one.
type nesting struct {
	open []enclosing
}

// enclosing is one line of the path to the current one, with what was asked of it already: without
// that, one long block under a header would be quadratic.
type enclosing struct {
	indent     int
	line       []byte
	asked, yes ruleSet
}

// enter makes line the current one. Empty lines change nothing. A line that section matches stands
// outside of everything.
func (n *nesting) enter(line []byte, section *Pattern) {
	bare := bytes.TrimLeft(line, " \t")
	if len(bare) == 0 {
		return
	}
	indent := len(line) - len(bare)
	if section != nil && section.Match(line) {
		indent = -1
	}
	i := len(n.open)
	for i > 0 && n.open[i-1].indent >= indent {
		i--
	}
	n.open = append(n.open[:min(i, maxNesting-1)], enclosing{indent: indent, line: line})
}

// has reports whether a line around the current one matches p, the pattern of the given rule.
func (n *nesting) has(rule int, p *Pattern) bool {
	for i := range n.open[:max(len(n.open)-1, 0)] {
		e := &n.open[i]
		if !e.asked.has(rule) {
			e.asked.add(rule)
			if p.Match(e.line) {
				e.yes.add(rule)
			}
		}
		if e.yes.has(rule) {
			return true
		}
	}
	return false
}
