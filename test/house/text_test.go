package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// How many lines a file of ours may have; one that grows past it holds a second noun. Tests have tables and get more.
const (
	longest     = 320
	longestTest = 450
)

func TestFilesStaySmall(t *testing.T) {
	for _, f := range source(t) {
		limit := longest
		if f.test {
			limit = longestTest
		}
		if lines := strings.Count(read(t, f.path), "\n"); lines > limit {
			assert.Fail(t, "long file", "%s has %d lines, more than %d: look for the second noun in it", f.path, lines, limit)
		}
	}
	for _, path := range files(t, func(p string) bool { return strings.HasSuffix(p, ".sql") && handWritten(p) }) {
		assert.LessOrEqual(t, strings.Count(read(t, path), "\n"), longest, "%s is long", path)
	}
}

func TestFilesAreNamedByNouns(t *testing.T) {
	vague := regexp.MustCompile(`(^|/)(utils?|helpers?|types|common|misc)(_test)?(\.go|/)`)
	for _, f := range source(t) {
		assert.NotRegexp(t, vague, f.path, "name the file by its noun")
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	said := map[string]bool{}
	for _, f := range source(t) {
		if !f.test && !said[f.dir] && f.dir != "internal/deps" { // deps only holds requirements until they are used
			said[f.dir] = regexp.MustCompile(`(?m)^(//.*\n|\*/\n)package `).MatchString(read(t, f.path))
		}
	}
	for dir, ok := range said {
		assert.True(t, ok, "%s has no package comment: say what it owns and what always holds (doc.go)", dir)
	}
}

// Marks of one machine: absolute paths of a build folder, and servers that packages came from.
var machine = regexp.MustCompile(`"resolved":\s*"http|(^|[\s"'=(:])/(root|work|home/[a-z]+|tmp)/[A-Za-z0-9][/\w.-]*`)

func TestNoPathOfABuildMachine(t *testing.T) {
	text := func(p string) bool {
		return (!strings.Contains(p, "testdata/") || strings.Contains(p, "/rapid/")) && p != "THIRD_PARTY_NOTICES" && !strings.HasPrefix(p, "sqlc.")
	}
	for _, path := range files(t, text) {
		content := read(t, path)
		if !utf8.ValidString(content) || strings.HasSuffix(path, ".sum") {
			continue
		}
		for i, line := range strings.Split(content, "\n") {
			if found := machine.FindString(line); found != "" && !simulated(path) {
				assert.Fail(t, "path of a machine", "%s:%d holds %q", path, i+1, strings.TrimSpace(found))
			}
		}
	}
}

// simulated tells files whose paths are those of a device, simulated or read, of an image, or examples in a test.
func simulated(path string) bool {
	return under(path, "lab") || under(path, "platforms") && strings.HasSuffix(path, ".yaml") || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, "Dockerfile")
}

func TestQueriesNameTheirColumns(t *testing.T) {
	star := regexp.MustCompile(`(?i)\b(SELECT|RETURNING)\s+(\w+\.)?\*`)
	paths := files(t, func(p string) bool { return strings.HasPrefix(p, "db/") && strings.Contains(p, "/queries/") })
	require.NotEmpty(t, paths)
	for _, path := range paths {
		assert.NotRegexp(t, star, read(t, path), "%s: enumerate the columns", path)
	}
}

func TestConstraintsHaveNames(t *testing.T) {
	check := regexp.MustCompile(`(?i)^(CHECK|PRIMARY KEY|UNIQUE|FOREIGN KEY)\b`)
	for _, path := range files(t, func(p string) bool { return strings.HasPrefix(p, "db/") && strings.Contains(p, "/migrations/") }) {
		for i, line := range strings.Split(read(t, path), "\n") {
			assert.NotRegexp(t, check, strings.TrimSpace(line), "%s:%d: write CONSTRAINT name before it, so that errors can be told apart", path, i+1)
		}
	}
}

func TestNobodyPutsOffWork(t *testing.T) {
	marks := regexp.MustCompile(`//.*\b(TO` + `DO|FIX` + `ME|X` + `XX|HA` + `CK)\b`)
	for _, f := range source(t) {
		assert.NotRegexp(t, marks, read(t, f.path), "%s: do it, or say it in CHANGELOG or an issue", f.path)
	}
}

func TestToolsArePinned(t *testing.T) {
	mods, err := filepath.Glob(filepath.Join(root, "tools", "*.mod"))
	require.NoError(t, err)
	require.NotEmpty(t, mods)
	for _, mod := range mods {
		text, err := os.ReadFile(mod)
		require.NoError(t, err)
		assert.Contains(t, string(text), "\ntool", "%s names no tool", mod)
		assert.NotContains(t, string(text), "\nreplace", "%s replaces a module", mod)
	}
}
