package platforms

// maxNesting bounds the depth of indentation that is followed; deeper lines count as that deep.
const maxNesting = 32

// nesting follows the indentation of a config, to know the lines that enclose the current one.
type nesting struct {
	open  [maxNesting]enclosing
	depth int
}

// enclosing is one line of the path to the current one, with what was asked of it already: without
// that, one long block under a header would be quadratic.
type enclosing struct {
	indent     int
	line       []byte
	known      bool // asked and yes are about this line
	asked, yes ruleSet
}

// enter makes line the current one. Empty lines change nothing. A line that section matches stands
// outside of everything.
func (n *nesting) enter(line []byte, section *Pattern) {
	indent := 0
	for indent < len(line) && (line[indent] == ' ' || line[indent] == '\t') {
		indent++
	}
	if indent == len(line) {
		return
	}
	if section != nil && section.MatchLine(line) {
		indent = -1
	}
	i := n.depth
	for i > 0 && n.open[i-1].indent >= indent {
		i--
	}
	i = min(i, maxNesting-1)
	e := &n.open[i]
	e.indent, e.line, e.known = indent, line, false
	n.depth = i + 1
}

// has reports whether a line around the current one matches p, the pattern of the given rule.
func (n *nesting) has(rule int, p *Pattern) bool {
	for i := range max(n.depth-1, 0) {
		e := &n.open[i]
		if !e.known {
			e.asked, e.yes, e.known = ruleSet{}, ruleSet{}, true
		}
		if !e.asked.has(rule) {
			e.asked.add(rule)
			if p.MatchLine(e.line) {
				e.yes.add(rule)
			}
		}
		if e.yes.has(rule) {
			return true
		}
	}
	return false
}
