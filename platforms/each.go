package platforms

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// Each asks the device for a list and repeats the artifact's commands for its items.
type Each struct {
	// Send is the command that lists.
	Send string
	// Match finds the items: its first group, of every occurrence.
	Match *Pattern
	// Except matches items that are none of the artifact's: a partition that another artifact holds. Nil: all are.
	Except *Pattern
}

// Items returns what list, the answer to Send, names, in its order.
func (e *Each) Items(list []byte) []string {
	var out []string
	for _, item := range e.Match.All(list) {
		if item != "" && (e.Except == nil || !e.Except.MatchLine([]byte(item))) {
			out = append(out, item)
		}
	}
	return out
}

// each reads the list of an artifact whose commands are to name its items.
func (f fields) each(a *Artifact) *Each {
	n := f.values["each"]
	if n == nil {
		return nil
	}
	x := f.mapping(n, f.key("each"), "send", "match", "except")
	out := &Each{Send: x.command(), Match: x.grouped("match"), Except: x.pattern("except")}
	if n.Kind == yaml.MappingNode && !x.has("match") {
		x.problem(n, x.key("match"), "is missing")
	}
	if !a.namesItem() {
		f.problem(n, f.key("each"), "needs {item} in before, send or after: the same would be read once for each item")
	}
	return out
}

// namesItem reports whether one of the artifact's commands has the item in it.
func (a *Artifact) namesItem() bool {
	for _, s := range a.Send {
		if strings.Contains(s, "{item}") {
			return true
		}
	}
	for _, steps := range [][]Step{a.Before, a.After} {
		for _, s := range steps {
			if strings.Contains(s.Send, "{item}") {
				return true
			}
		}
	}
	return false
}
