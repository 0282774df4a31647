package platforms

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// MaxPage is the largest page accepted, in bytes: a page travels with an offer, in a message of at
// most 64 KiB.
const MaxPage = 32 << 10

var (
	pageName     = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	aliasName    = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,62}$`)
	artifactName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.\-]{0,62}$`)
)

// Parse compiles the page in b. Either the page or the problems are returned, never both; the
// problems come in the order of the file's lines as far as they have one. File is only used to name
// the place of a problem. Parse keeps a copy of b.
func Parse(file string, b []byte) (*Page, []Problem) {
	r := &reader{file: file}
	root := r.document(b)
	if root == nil {
		return nil, r.problems
	}
	p := r.page(root)
	if len(r.problems) > 0 {
		slices.SortStableFunc(r.problems, func(x, y Problem) int { return x.Line - y.Line })
		return nil, r.problems
	}
	sum := sha256.Sum256(b)
	p.source, p.digest = bytes.Clone(b), hex.EncodeToString(sum[:])
	return p, nil
}

// document decodes b into its one root mapping, or reports why not.
func (r *reader) document(b []byte) *yaml.Node {
	if line, why := unreadable(b); why != "" {
		r.problem(&yaml.Node{Line: line}, "", "%s", why)
		return nil
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	var doc, more yaml.Node
	if err := d.Decode(&doc); errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0 {
		r.problem(&yaml.Node{Line: 1}, "", "is empty")
		return nil
	} else if err != nil {
		r.notYAML(err)
		return nil
	}
	if err := d.Decode(&more); err == nil {
		r.problem(&more, "", "begins a second YAML document: a page is one")
		return nil
	} else if !errors.Is(err, io.EOF) {
		r.notYAML(err)
		return nil
	}
	return doc.Content[0]
}

func (r *reader) page(root *yaml.Node) *Page {
	f := r.mapping(root, "", "name", "label", "vendor", "aliases", "transport", "login", "pager", "reject",
		"clear_line", "log", "backup", "facts", "section", "secrets", "ssh")
	if root.Kind != yaml.MappingNode {
		return nil
	}
	p := &Page{
		Name:      f.named("name", pageName, "lower case letters, digits and underscores"),
		Label:     f.needed("label"),
		Vendor:    f.text("vendor"),
		Aliases:   f.aliases(),
		Transport: f.transport(),
		Login:     f.login(),
		Pager:     f.exchanges("pager"),
		Reject:    append(f.patterns("reject"), generalReject()),
		ClearLine: f.text("clear_line"),
	}
	p.Backup = f.backup(append(f.patterns("log"), deviceLog()), p.Transport)
	p.facts = f.facts(p.Backup)
	p.secrets = f.secrets()
	if n := f.values["ssh"]; n != nil {
		p.SSH = SSH{Legacy: f.mapping(n, f.key("ssh"), "legacy").flag("legacy")}
	}
	return p
}

func (f fields) aliases() []string {
	list := f.texts("aliases")
	nodes, at := f.items("aliases")
	for i, s := range list {
		if !aliasName.MatchString(s) {
			f.problem(nodes[i], at(i), "%q is not an alias: letters, digits, underscore, dash and dot", s)
		}
		if slices.ContainsFunc(list[:i], func(o string) bool { return strings.EqualFold(o, s) }) {
			f.problem(nodes[i], at(i), "%q is listed twice", s)
		}
	}
	return list
}

func (f fields) transport() Transport {
	switch t := Transport(f.text("transport")); t {
	case "":
		return Shell
	case Shell, Exec:
		return t
	default:
		f.problem(f.values["transport"], f.key("transport"), "must be shell or exec")
		return Shell
	}
}
