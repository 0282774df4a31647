package platforms

import (
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

//go:embed *.yaml
var builtin embed.FS

// Entry is a page as far as lists show it; reading it compiles nothing.
type Entry struct {
	Name, Label, Vendor string
	Aliases             []string
}

// Set is a collection of pages under their names and aliases. A page is compiled when it is first
// looked up: most installations use a few of many. It is safe for concurrent use.
type Set struct {
	entries []Entry // by name
	index   map[string]*lazyPage
}

type lazyPage struct {
	file string
	text []byte
	once sync.Once
	page *Page
}

// Builtin returns the pages that come with NetRaven. A broken one is a fault of the build: their
// tests read them all, and Lookup panics.
var Builtin = sync.OnceValue(func() *Set {
	files, err := fs.Glob(builtin, "*.yaml")
	if err != nil {
		panic(err)
	}
	s := &Set{index: map[string]*lazyPage{}}
	for _, file := range files {
		text, err := builtin.ReadFile(file)
		if err != nil {
			panic(err)
		}
		s.add(file, text)
	}
	slices.SortFunc(s.entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return s
})

func (s *Set) add(file string, text []byte) {
	var e Entry
	if err := yaml.Unmarshal(text, &e); err != nil {
		panic(fmt.Sprintf("platforms/%s: %v", file, err))
	}
	s.entries = append(s.entries, e)
	l := &lazyPage{file: file, text: text}
	for _, name := range append([]string{e.Name}, e.Aliases...) {
		s.index[strings.ToLower(name)] = l
	}
}

// Lookup returns the page with the given name or alias, whatever its case. The first look-up of a
// page takes some milliseconds.
func (s *Set) Lookup(name string) (*Page, bool) {
	l := s.index[strings.ToLower(name)]
	if l == nil {
		return nil, false
	}
	l.once.Do(func() {
		page, problems := Parse(l.file, l.text)
		if page == nil {
			panic(fmt.Sprintf("platforms/%v", problems[0]))
		}
		l.page = page
	})
	return l.page, true
}

// List returns all pages, by name. Do not modify the aliases.
func (s *Set) List() []Entry { return slices.Clone(s.entries) }

// With returns a set in which pages take the place of those of the same name, or stand beside the others. A page that replaces one
// goes on answering to its aliases, so that no device loses its platform. What a new page claims it gets: ask Taken before. The set
// itself does not change.
func (s *Set) With(pages ...*Page) *Set {
	out := &Set{entries: slices.Clone(s.entries), index: maps.Clone(s.index)}
	for _, p := range pages {
		e := Entry{Name: p.Name, Label: p.Label, Vendor: p.Vendor, Aliases: slices.Clone(p.Aliases)}
		l := &lazyPage{page: p}
		l.once.Do(func() {})
		at, found := out.find(p.Name)
		if found {
			for _, a := range out.entries[at].Aliases {
				if !slices.ContainsFunc(e.Aliases, func(o string) bool { return strings.EqualFold(a, o) }) && s.means(a, p.Name) {
					e.Aliases = append(e.Aliases, a)
				}
			}
			out.entries[at] = e
		} else {
			out.entries = slices.Insert(out.entries, at, e)
		}
		for _, name := range append([]string{p.Name}, e.Aliases...) {
			out.index[strings.ToLower(name)] = l
		}
	}
	return out
}

// Without returns a set that does not know the platforms of these names; their aliases mean nothing in it.
func (s *Set) Without(names ...string) *Set {
	out := &Set{entries: slices.Clone(s.entries), index: maps.Clone(s.index)}
	for _, name := range names {
		at, found := out.find(name)
		if !found {
			continue
		}
		for _, a := range append([]string{name}, out.entries[at].Aliases...) {
			if s.means(a, name) {
				delete(out.index, strings.ToLower(a))
			}
		}
		out.entries = slices.Delete(out.entries, at, at+1)
	}
	return out
}

// Taken says why p cannot join the set: its name, or one of its aliases, means another page already. Nil: it can.
func (s *Set) Taken(file string, p *Page) []Problem {
	var out []Problem
	for _, e := range s.entries {
		for _, a := range e.Aliases {
			if strings.EqualFold(a, p.Name) && e.Name != p.Name {
				out = append(out, Problem{File: file, Key: "name",
					Message: fmt.Sprintf("%q already means %s: give the page that name to take its place, or another one", p.Name, e.Name)})
			}
		}
		if e.Name == p.Name {
			continue
		}
		for i, a := range p.Aliases {
			if strings.EqualFold(a, e.Name) || slices.ContainsFunc(e.Aliases, func(o string) bool { return strings.EqualFold(a, o) }) {
				out = append(out, Problem{File: file, Key: fmt.Sprintf("aliases[%d]", i), Message: fmt.Sprintf("%q already means %s", a, e.Name)})
			}
		}
	}
	return out
}

// find is where the page of that name is, or would be.
func (s *Set) find(name string) (int, bool) {
	return slices.BinarySearchFunc(s.entries, name, func(e Entry, n string) int { return strings.Compare(e.Name, n) })
}

// means reports that a name or alias leads to the page called name.
func (s *Set) means(alias, name string) bool {
	return s.index[strings.ToLower(alias)] == s.index[strings.ToLower(name)]
}
