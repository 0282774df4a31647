package platforms

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

func (f fields) backup(log []*Pattern) []*Artifact {
	nodes, at := f.items("backup")
	if len(nodes) == 0 {
		f.problem(f.node, f.key("backup"), "is missing: a page collects at least one artifact")
	}
	seen := map[string]bool{}
	var out []*Artifact
	for i, n := range nodes {
		a := f.artifact(n, at(i), log, i == 0)
		// Case decides nothing: the names become files on systems that fold it.
		if low := strings.ToLower(a.Name); a.Name != "" && seen[low] {
			f.problem(n, at(i)+".artifact", "%q is used twice", a.Name)
		} else {
			seen[low] = true
		}
		out = append(out, a)
	}
	return out
}

func (f fields) artifact(n *yaml.Node, path string, log []*Pattern, main bool) *Artifact {
	a := f.mapping(n, path, "artifact", "send", "fetch", "before", "after", "each", "complete", "drop", "keep",
		"blur", "join", "changed_by", "optional", "timeout")
	if n.Kind != yaml.MappingNode {
		return &Artifact{}
	}
	out := &Artifact{
		Name:     a.named("artifact", artifactName, "letters, digits, dot, dash and underscore"),
		Fetch:    a.text("fetch"),
		Before:   a.steps("before"),
		After:    a.steps("after"),
		Complete: a.complete(a.values["complete"], a.key("complete")),
		Optional: a.flag("optional"),
		Timeout:  a.duration("timeout"),
		author:   fact{match: a.allGrouped("changed_by")},
	}
	out.Send, out.rules = a.commands()
	if (len(out.Send) == 0) == (out.Fetch == "") {
		a.problem(n, a.key("send"), "give either send (commands) or fetch (a file to copy)")
	}
	if main && !a.has("complete") {
		a.problem(n, a.key("complete"), "is missing: without it a truncated answer of the main artifact would be stored")
	}
	if main && out.Optional {
		a.problem(n, a.key("optional"), "the first artifact is the main one and cannot be optional")
	}
	if len(out.After) > len(out.Before) {
		a.problem(a.values["after"], a.key("after"), "has more steps than before")
	}
	if e := a.values["each"]; e != nil {
		x := a.mapping(e, a.key("each"), "send", "match")
		out.Each = &Each{Send: x.needed("send"), Match: x.pattern("match")}
		if !x.has("match") {
			x.problem(e, x.key("match"), "is missing")
		}
	}
	out.clean = a.cleaner(log)
	out.author.compile()
	return out
}

// grouped is a pattern whose first group is the value.
func (f fields) grouped(name string) *Pattern {
	p := f.pattern(name)
	if p != nil && p.any.NumSubexp() == 0 {
		f.problem(f.values[name], f.key(name), "needs a group (...) around the value")
		return nil
	}
	return p
}

// commands reads send: each command a text, or {send, complete} with a rule of its own.
func (f fields) commands() (send []string, rules []*Complete) {
	nodes, at := f.items("send")
	for i, n := range nodes {
		if n.Kind != yaml.MappingNode {
			text, _ := f.scalar(n, at(i))
			if text == "" && n.Kind == yaml.ScalarNode {
				f.problem(n, at(i), "is empty")
			}
			send, rules = append(send, text), append(rules, nil)
			continue
		}
		c := f.mapping(n, at(i), "send", "complete")
		if !c.has("complete") {
			c.problem(n, c.key("complete"), "is missing: without a rule of its own the command is a plain text")
		}
		rule := c.complete(c.values["complete"], c.key("complete"))
		send, rules = append(send, c.needed("send")), append(rules, &rule)
	}
	return send, rules
}

func (f fields) complete(n *yaml.Node, path string) Complete {
	if n == nil {
		return Complete{}
	}
	before := len(f.problems)
	c := f.mapping(n, path, "last_line", "balanced", "closes", "exit_status", "prompt_twice")
	out := Complete{
		LastLine:    c.pattern("last_line"),
		Balanced:    c.text("balanced"),
		Closes:      c.text("closes"),
		ExitStatus:  c.number("exit_status", 0, 255),
		PromptTwice: c.flag("prompt_twice"),
	}
	if before == len(f.problems) && out == (Complete{}) {
		c.problem(n, c.path, "says nothing: give at least one rule")
	}
	if b := out.Balanced; c.has("balanced") && (len(b) != 2 || b[0] == b[1] || strings.ContainsAny(b, "\"\\ \t")) {
		c.problem(c.values["balanced"], c.key("balanced"), "must be two different characters, such as {}")
	}
	if strings.ContainsAny(out.Closes, "<>/ ") {
		c.problem(c.values["closes"], c.key("closes"), "must be the bare name of a tag, such as config")
	}
	return out
}
