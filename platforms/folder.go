package platforms

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// ReadFolder reads the *.yaml pages of a folder, by file name. Every problem of every page is answered, each with its file; so is a name or
// an alias that two of the pages, or a page and a built-in one of another name, both claim. A folder that is not there holds no pages.
func ReadFolder(dir string) ([]*Page, []Problem, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		return nil, nil, err
	}
	var pages []*Page
	var problems []Problem
	set, from := Builtin(), map[string]string{}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if errors.Is(err, fs.ErrNotExist) { // taken away since
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		p, bad := Parse(file, b)
		if p != nil {
			bad = set.Taken(file, p)
			if other := from[p.Name]; other != "" {
				bad = append(bad, Problem{File: file, Key: "name", Message: p.Name + " is also the page in " + other})
			}
		}
		if problems = append(problems, bad...); len(bad) > 0 {
			continue
		}
		from[p.Name] = file
		pages, set = append(pages, p), set.With(p)
	}
	return pages, problems, nil
}
