package platforms

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// reader collects the problems of one page while its YAML nodes are read. Reading goes on after a
// problem, so that an author sees all of them at once.
type reader struct {
	file     string
	problems []Problem
}

func (r *reader) problem(n *yaml.Node, key, format string, args ...any) {
	line := 0
	if n != nil {
		line = n.Line
	}
	r.problems = append(r.problems, Problem{File: r.file, Line: line, Key: key, Message: fmt.Sprintf(format, args...)})
}

// fields is a mapping node whose keys have been checked.
type fields struct {
	*reader
	node   *yaml.Node
	path   string
	values map[string]*yaml.Node
}

// mapping reads n as a mapping that may hold the allowed keys only, each once.
func (r *reader) mapping(n *yaml.Node, path string, allowed ...string) fields {
	f := fields{reader: r, node: n, path: path, values: map[string]*yaml.Node{}}
	if n.Kind != yaml.MappingNode {
		r.problem(n, path, "must be a mapping with keys %s", strings.Join(allowed, ", "))
		return f
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch {
		case k.Kind != yaml.ScalarNode || !slices.Contains(allowed, k.Value):
			r.problem(k, f.key(k.Value), "unknown key; known here: %s", strings.Join(allowed, ", "))
		case f.values[k.Value] != nil:
			r.problem(k, f.key(k.Value), "given twice")
		case v.Kind == yaml.AliasNode:
			r.problem(v, f.key(k.Value), "YAML aliases are not allowed in a page")
		case v.Tag == "!!null":
			r.problem(v, f.key(k.Value), "has no value; leave the key out")
		default:
			f.values[k.Value] = v
		}
	}
	return f
}

func (f fields) key(name string) string {
	if f.path == "" {
		return name
	}
	return f.path + "." + name
}

func (f fields) has(name string) bool { return f.values[name] != nil }

// scalar reads a text value of any scalar type, as written.
func (r *reader) scalar(n *yaml.Node, path string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		r.problem(n, path, "must be text")
		return "", false
	}
	return n.Value, true
}

func (f fields) text(name string) string {
	n := f.values[name]
	if n == nil {
		return ""
	}
	s, _ := f.scalar(n, f.key(name))
	return s
}

// needed is text that must be there and not be empty.
func (f fields) needed(name string) string {
	s := f.text(name)
	if !f.has(name) {
		f.problem(f.node, f.key(name), "is missing")
	} else if s == "" && f.values[name].Kind == yaml.ScalarNode {
		f.problem(f.values[name], f.key(name), "is empty")
	}
	return s
}

// oneLine reads a command: text that must be there and is typed as it stands, with a line end behind it.
func (r *reader) oneLine(n *yaml.Node, path string) string {
	s, ok := r.scalar(n, path)
	if ok && s == "" {
		r.problem(n, path, "is empty")
	}
	if i := strings.IndexFunc(s, unicode.IsControl); i >= 0 {
		c, _ := utf8.DecodeRuneInString(s[i:])
		r.problem(n, path, "holds the control character %q: a command is one line, and its line end is sent by itself", c)
	}
	return s
}

// command is the key send, which must be there.
func (f fields) command() string {
	n := f.values["send"]
	if n == nil {
		f.problem(f.node, f.key("send"), "is missing")
		return ""
	}
	return f.oneLine(n, f.key("send"))
}

// items returns the elements of a list; anything that is no list counts as a list of one.
func (f fields) items(name string) ([]*yaml.Node, func(i int) string) {
	n := f.values[name]
	if n == nil {
		return nil, nil
	}
	if n.Kind != yaml.SequenceNode {
		return []*yaml.Node{n}, func(int) string { return f.key(name) }
	}
	var out []*yaml.Node
	at := func(i int) string { return fmt.Sprintf("%s[%d]", f.key(name), i) }
	for i, c := range n.Content {
		if c.Kind == yaml.AliasNode || c.Tag == "!!null" {
			f.problem(c, at(i), "must have a value of its own")
			continue
		}
		out = append(out, c)
	}
	return out, at
}

func (f fields) texts(name string) []string {
	nodes, at := f.items(name)
	var out []string
	for i, n := range nodes {
		if s, ok := f.scalar(n, at(i)); ok {
			if s == "" {
				f.problem(n, at(i), "is empty")
			}
			out = append(out, s)
		}
	}
	return out
}

func (r *reader) expr(n *yaml.Node, path string) *Pattern {
	s, ok := r.scalar(n, path)
	if !ok {
		return nil
	}
	p, err := NewPattern(s)
	if err != nil {
		r.problem(n, path, "not a regular expression Go understands: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
		return nil
	}
	if s == "" || p.any.MatchString("") {
		r.problem(n, path, "matches the empty text, so it would match everywhere")
		return nil
	}
	return p
}

func (f fields) pattern(name string) *Pattern {
	if n := f.values[name]; n != nil {
		return f.expr(n, f.key(name))
	}
	return nil
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

func (f fields) patterns(name string) []*Pattern {
	nodes, at := f.items(name)
	var out []*Pattern
	for i, n := range nodes {
		if p := f.expr(n, at(i)); p != nil {
			out = append(out, p)
		}
	}
	return out
}

func (f fields) flag(name string) bool {
	n := f.values[name]
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
		f.problem(n, f.key(name), "must be true or false")
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

func (f fields) number(name string, least, most int) *int {
	n := f.values[name]
	if n == nil {
		return nil
	}
	v, err := strconv.Atoi(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || v < least || v > most {
		f.problem(n, f.key(name), "must be a whole number from %d to %d", least, most)
		return nil
	}
	return &v
}

func (f fields) duration(name string) time.Duration {
	n := f.values[name]
	if n == nil {
		return 0
	}
	d, err := time.ParseDuration(n.Value)
	if n.Kind != yaml.ScalarNode || err != nil || d <= 0 || d > time.Hour {
		f.problem(n, f.key(name), "must be a time such as 90s or 5m, at most 1h")
		return 0
	}
	return d
}

// named reads a text that must have the given form.
func (f fields) named(name string, form *regexp.Regexp, rule string) string {
	s := f.needed(name)
	if s != "" && !form.MatchString(s) {
		f.problem(f.values[name], f.key(name), "%q is not a name here: %s", s, rule)
	}
	return s
}
