package platforms

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// ordinary are lines that stand in the middle of a configuration. What matches all of them tells no end.
var ordinary = [][]byte{[]byte("interface Ethernet1/1"), []byte(" description uplink to core")}

func (f fields) complete(n *yaml.Node, path string) Complete {
	if n == nil {
		return Complete{}
	}
	before := len(f.problems)
	c := f.mapping(n, path, "last_line", "balanced", "closes", "exit_status", "prompt_twice", "gap")
	out := Complete{
		LastLine:    c.pattern("last_line"),
		Balanced:    c.text("balanced"),
		Closes:      c.text("closes"),
		ExitStatus:  c.number("exit_status", 0, 255),
		PromptTwice: c.flag("prompt_twice"),
		Gap:         c.gap(),
	}
	if before == len(f.problems) && !out.InText() && out.ExitStatus == nil && !out.PromptTwice {
		c.problem(n, c.path, "says nothing of the end: give at least one of last_line, balanced, closes, exit_status and prompt_twice")
	}
	if p := out.LastLine; p != nil && p.MatchLine(ordinary[0]) && p.MatchLine(ordinary[1]) {
		c.problem(c.values["last_line"], c.key("last_line"), "matches any line, so it tells no end")
	}
	if b := out.Balanced; c.has("balanced") && (len(b) != 2 || b[0] == b[1] || strings.ContainsAny(b, "\"\\ \t")) {
		c.problem(c.values["balanced"], c.key("balanced"), "must be two different characters, such as {}")
	}
	if strings.ContainsAny(out.Closes, "<>/ ") {
		c.problem(c.values["closes"], c.key("closes"), "must be the bare name of a tag, such as config")
	}
	return out
}

// gap reads an expression, or {match, except}.
func (f fields) gap() *Gap {
	n := f.values["gap"]
	if n == nil || n.Kind == yaml.ScalarNode {
		if p := f.pattern("gap"); p != nil {
			return &Gap{Match: p}
		}
		return nil
	}
	g := f.mapping(n, f.key("gap"), "match", "except")
	if n.Kind == yaml.MappingNode && !g.has("match") {
		g.problem(n, g.key("match"), "is missing")
	}
	out := &Gap{Match: g.pattern("match"), Except: g.pattern("except")}
	if out.Match == nil {
		return nil
	}
	return out
}

// reachable checks that a rule can hold at all: a shell gives no exit status. SCP does, and so does an exec channel.
func (f fields) reachable(c *Complete, n *yaml.Node, path string, t Transport, fetched bool) {
	if t == Shell && !fetched && c.ExitStatus != nil && !c.PromptTwice && !c.InText() {
		f.problem(n, path+".exit_status", "never comes in a shell: set transport: exec, or prompt_twice: true beside it")
	}
}
