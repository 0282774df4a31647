package platforms

import "go.yaml.in/yaml/v3"

// cleaner compiles the noise list of an artifact. The order is that of the work on a line: log
// lines, ranges and lines to drop, lines to keep, values to blur.
func (f fields) cleaner(log []*Pattern) cleaner {
	c := cleaner{log: log, join: []byte(f.text("join"))}
	add := func(kind cleanKind, ps ...*Pattern) {
		for _, p := range ps {
			c.rules = append(c.rules, cleanRule{kind: kind, match: p})
		}
	}
	add(dropLine, log...)
	c.rules = append(c.rules, f.drops()...)
	keeps := f.patterns("keep")
	c.keeping = f.has("keep")
	add(keepLine, keeps...)
	add(blurGroups, f.patterns("blur")...)
	if len(c.rules) > maxRules {
		f.problem(f.node, f.path, "has more than %d cleaning rules", maxRules)
		return cleaner{}
	}
	exprs := make([]string, len(c.rules))
	for i, r := range c.rules {
		exprs[i] = r.match.String()
	}
	c.filter = newFilter(exprs)
	return c
}

// drops reads the drop list: a pattern drops the lines it matches, {from, until} drops a range.
func (f fields) drops() []cleanRule {
	nodes, at := f.items("drop")
	var out []cleanRule
	for i, n := range nodes {
		if n.Kind == yaml.ScalarNode {
			if p := f.expr(n, at(i)); p != nil {
				out = append(out, cleanRule{kind: dropLine, match: p})
			}
			continue
		}
		d := f.mapping(n, at(i), "from", "until")
		for _, k := range []string{"from", "until"} {
			if n.Kind == yaml.MappingNode && !d.has(k) {
				d.problem(n, d.key(k), "is missing")
			}
		}
		if from, until := d.pattern("from"), d.pattern("until"); from != nil && until != nil {
			out = append(out, cleanRule{kind: dropRange, match: from, until: until})
		}
	}
	return out
}
