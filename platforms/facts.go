package platforms

import (
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// factNames are what inventory knows of a device.
var factNames = []string{"version", "serial", "model", "hostname"}

// maxFact bounds a value, in bytes: it comes from a device.
const maxFact = 128

// fact finds one fact in the lines of the artifacts.
type fact struct {
	name     string
	match    []*Pattern // tried in this order
	artifact string     // look only there; empty: everywhere
	filter   *filter
}

func (f fields) facts(backup []*Artifact) []fact {
	n := f.values["facts"]
	if n == nil {
		return nil
	}
	m := f.mapping(n, f.key("facts"), factNames...)
	var out []fact
	for _, name := range factNames {
		v := m.values[name]
		if v == nil {
			continue
		}
		x := fact{name: name}
		if v.Kind == yaml.MappingNode {
			one := m.mapping(v, m.key(name), "match", "artifact")
			x.artifact = one.text("artifact")
			x.match = one.allGrouped("match")
			if x.artifact != "" && !slices.ContainsFunc(backup, func(a *Artifact) bool { return a.Name == x.artifact }) {
				one.problem(one.values["artifact"], one.key("artifact"), "the page collects no artifact named %q", x.artifact)
			}
			if !one.has("match") {
				one.problem(v, one.key("match"), "is missing")
			}
		} else {
			x.match = m.allGrouped(name)
		}
		x.compile()
		out = append(out, x)
	}
	return out
}

func (f fields) allGrouped(name string) []*Pattern {
	nodes, at := f.items(name)
	var out []*Pattern
	for i, n := range nodes {
		one := fields{reader: f.reader, values: map[string]*yaml.Node{at(i): n}}
		if p := one.grouped(at(i)); p != nil {
			out = append(out, p)
		}
	}
	return out
}

func (x *fact) compile() {
	x.match = x.match[:min(len(x.match), maxRules)]
	exprs := make([]string, len(x.match))
	for i, p := range x.match {
		exprs[i] = p.String()
	}
	x.filter = newFilter(exprs)
}

// FactsOf reads facts about the device (version, serial, model, hostname) out of artifacts, given by
// name as the device sent them, before Clean. Facts that are not found are left out; values are
// printable and at most 128 bytes.
func (p *Page) FactsOf(artifacts map[string][]byte) map[string]string {
	out := map[string]string{}
	for i := range p.facts {
		x := &p.facts[i]
		best, value := len(x.match), ""
		// From the last artifact to the first: what is collected for its facts is short and stands
		// behind the configuration.
		for _, a := range slices.Backward(p.Backup) {
			if x.artifact == "" || x.artifact == a.Name {
				if n, v := x.find(artifacts[a.Name], best); n < best {
					best, value = n, v
				}
			}
		}
		if value != "" {
			out[x.name] = value
		}
	}
	return out
}

// Author returns who changed the configuration last, where the artifact's page knows how to tell
// from out, as the device sent it; else "".
func (a *Artifact) Author(out []byte) string {
	_, who := a.author.find(out, len(a.author.match))
	return who
}

// find returns the first of the patterns before the given one that has a value in text, and the
// value; or that number itself.
func (x *fact) find(text []byte, before int) (best int, value string) {
	best = before
	for len(text) > 0 && best > 0 {
		line, rest := cutLine(text)
		text = rest
		hit := x.filter.line(line)
		for i := range hit.all() {
			if i >= best {
				break
			}
			if m := x.match[i].Groups(line); m != nil {
				if v := printable(m[1]); v != "" {
					best, value = i, v
					break
				}
			}
		}
	}
	return best, value
}

// printable is device text fit for a table: valid, without control characters, bounded.
func printable(b []byte) string {
	s := strings.ToValidUTF8(string(b[:min(len(b), maxFact)]), "")
	return strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsPrint(c) {
			return c
		}
		return -1
	}, s))
}
