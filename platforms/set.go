package platforms

import (
	"embed"
	"fmt"
	"io/fs"
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
