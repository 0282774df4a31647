package house

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

const modulePath = "github.com/netraven/netraven/"

// root is the repository's folder.
var root = filepath.Join("..", "..")

// skipped are the folders at the root that git ignores.
var skipped = []string{".git", ".bin", ".protodeps", ".cache", "bin", "node_modules"}

// files are all files of the repository that pass keep, as slash paths below the root, in order.
func files(t *testing.T, keep func(path string) bool) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() {
			if slices.Contains(skipped, d.Name()) {
				return fs.SkipDir
			}
			return nil
		}
		if d.Type().IsRegular() && keep(rel) {
			found = append(found, rel)
		}
		return nil
	})
	require.NoError(t, err)
	return found
}

// handWritten tells Go and other source that people write.
func handWritten(path string) bool { return !strings.HasPrefix(path, "gen/") }

func isGo(path string) bool { return strings.HasSuffix(path, ".go") }

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(path)))
	require.NoError(t, err)
	return string(text)
}

// goFile is what the rules need to know of one hand-written Go file.
type goFile struct {
	path    string
	dir     string
	test    bool
	imports []string
}

// imported tells the file's imports from packages of this module, without its path.
func (f goFile) ours() []string {
	var out []string
	for _, path := range f.imports {
		if rest, ok := strings.CutPrefix(path, modulePath); ok {
			out = append(out, rest)
		}
	}
	return out
}

var goFiles = sync.OnceValues(func() ([]goFile, error) {
	var out []goFile
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		if d.IsDir() && (slices.Contains(skipped, d.Name()) || rel == "gen") {
			return fs.SkipDir
		}
		if d.IsDir() || !isGo(rel) {
			return nil
		}
		syntax, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		f := goFile{path: rel, dir: rel[:max(strings.LastIndexByte(rel, '/'), 0)], test: strings.HasSuffix(rel, "_test.go")}
		for _, spec := range syntax.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, name)
		}
		out = append(out, f)
		return nil
	})
	return out, err
})

// source are the hand-written Go files.
func source(t *testing.T) []goFile {
	t.Helper()
	all, err := goFiles()
	require.NoError(t, err)
	require.NotEmpty(t, all)
	return all
}

// deps are all packages that go into the given ones.
func deps(t *testing.T, packages ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-deps"}, packages...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	require.NoError(t, err)
	return strings.Fields(string(out))
}

// under tells whether a slash path is dir or below it.
func under(path, dir string) bool { return path == dir || strings.HasPrefix(path, dir+"/") }
