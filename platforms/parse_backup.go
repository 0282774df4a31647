package platforms

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

func (f fields) backup(log []*Pattern, t Transport) []*Artifact {
	nodes, at := f.items("backup")
	if len(nodes) == 0 {
		f.problem(f.node, f.key("backup"), "is missing: a page collects at least one artifact")
	}
	seen := map[string]bool{}
	var out []*Artifact
	for i, n := range nodes {
		a := f.artifact(n, at(i), log, t, i == 0)
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

func (f fields) artifact(n *yaml.Node, path string, log []*Pattern, t Transport, main bool) *Artifact {
	a := f.mapping(n, path, "artifact", "send", "fetch", "before", "after", "each", "complete", "drop", "keep",
		"blur", "join", "changed_by", "optional", "timeout")
	if n.Kind != yaml.MappingNode {
		return &Artifact{}
	}
	out := &Artifact{
		Name:     a.named("artifact", artifactName, "letters, digits, dot, dash and underscore"),
		Before:   a.steps("before"),
		After:    a.steps("after"),
		Complete: a.complete(a.values["complete"], a.key("complete")),
		Optional: a.flag("optional"),
		Timeout:  a.duration("timeout"),
		author:   fact{match: a.allGrouped("changed_by")},
	}
	if x := a.values["fetch"]; x != nil {
		out.Fetch = a.oneLine(x, a.key("fetch"))
	}
	out.Send, out.rules = a.commands(&out.Complete, t)
	a.reachable(&out.Complete, a.values["complete"], a.key("complete"), t, out.Fetch != "")
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
	out.Each = a.each(out)
	out.clean = a.cleaner(log)
	out.author.compile()
	return out
}

// commands reads send: each command a text, or {send, complete} with a rule of its own. A gap is a gap whichever command shows it.
func (f fields) commands(common *Complete, t Transport) (send []string, rules []*Complete) {
	nodes, at := f.items("send")
	for i, n := range nodes {
		if n.Kind != yaml.MappingNode {
			send, rules = append(send, f.oneLine(n, at(i))), append(rules, nil)
			continue
		}
		c := f.mapping(n, at(i), "send", "complete")
		if !c.has("complete") {
			c.problem(n, c.key("complete"), "is missing: without a rule of its own the command is a plain text")
		}
		rule := c.complete(c.values["complete"], c.key("complete"))
		c.reachable(&rule, c.values["complete"], c.key("complete"), t, false)
		if rule.Gap == nil {
			rule.Gap = common.Gap
		}
		send, rules = append(send, c.command()), append(rules, &rule)
	}
	return send, rules
}
