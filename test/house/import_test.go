package house

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestServicesKnowOnlyEachOthersClients(t *testing.T) {
	for _, f := range source(t) {
		own, ok := serviceOf(f.dir)
		if !ok {
			continue
		}
		for _, imported := range f.ours() {
			if other, ok := serviceOf(imported); ok && other != own {
				assert.Fail(t, "services/"+own+" imports services/"+other, "%s: use the generated client of %s", f.path, other)
			}
			if rest, ok := strings.CutPrefix(imported, "gen/sqlc/"); ok {
				assert.Equal(t, own, rest, "%s: rows of another service; call it instead", f.path)
			}
			if rest, ok := strings.CutPrefix(imported, "db/"); ok {
				assert.Equal(t, own, rest, "%s: tables of another service; call it instead", f.path)
			}
		}
	}
}

// serviceOf is the service whose folder holds dir.
func serviceOf(dir string) (string, bool) {
	rest, ok := strings.CutPrefix(dir, "services/")
	name, _, _ := strings.Cut(rest, "/")
	return name, ok && name != ""
}

func TestOnlyAppKnowsMoreThanOneService(t *testing.T) {
	known := map[string][]string{}
	for _, f := range source(t) {
		if f.test || under(f.dir, "app") || under(f.dir, "test") {
			continue
		}
		for _, imported := range f.ours() {
			if name, ok := serviceOf(imported); ok && !slices.Contains(known[f.dir], name) {
				known[f.dir] = append(known[f.dir], name)
			}
		}
	}
	for dir, names := range known {
		assert.LessOrEqual(t, len(names), 1, "%s imports services %v: compose in app/", dir, names)
	}
}

// The rooms that work beside devices: they travel in the agent, which has no database and no service.
func TestAgentKnowsNoDatabaseAndNoService(t *testing.T) {
	packages := []string{"./gateway-agent/...", "./device/...", "./platforms/...", "./jobkind/...", "./cmd/netraven-agent"}
	for _, dep := range deps(t, packages...) {
		ours, _ := strings.CutPrefix(dep, modulePath)
		assert.False(t, strings.HasPrefix(dep, "github.com/jackc/") || dep == "database/sql", "the agent contains %s", dep)
		assert.False(t, ours != dep && (under(ours, "db") || under(ours, "services") || under(ours, "app") || under(ours, "gen/sqlc")), "the agent contains %s", dep)
	}
}

func TestOnlyHostileTextRoomsAreLeaves(t *testing.T) {
	for _, f := range source(t) {
		if f.test {
			continue
		}
		for _, imported := range f.ours() {
			if under(f.dir, "internal") && f.dir != "internal/deps" {
				assert.False(t, under(imported, "services") || under(imported, "app") || under(imported, "gateway-agent") || under(imported, "device") || under(imported, "jobkind"),
					"%s imports %s: internal/ holds leaves", f.path, imported)
			}
			if under(f.dir, "platforms") {
				assert.False(t, under(imported, "device") || under(imported, "jobkind") || under(imported, "gateway-agent"), "%s imports %s: a page knows no session", f.path, imported)
			}
			if under(f.dir, "device") {
				assert.False(t, under(imported, "jobkind") || under(imported, "gateway-agent"), "%s imports %s: a session knows no job", f.path, imported)
			}
		}
	}
}

func TestShippedProgramsHoldNothingOfTests(t *testing.T) {
	for _, program := range []string{"./cmd/netraven", "./cmd/netraven-agent"} {
		list := deps(t, program)
		require.NotEmpty(t, list)
		for _, dep := range list {
			ours, _ := strings.CutPrefix(dep, modulePath)
			assert.False(t, under(ours, "lab"), "%s contains the lab: simulated devices are for tests and demos", program)
			testing := dep == "testing" || strings.HasPrefix(dep, "github.com/stretchr/") || strings.HasPrefix(dep, "pgregory.net/") || strings.HasPrefix(dep, "go.uber.org/goleak")
			assert.False(t, testing || strings.HasSuffix(path.Base(ours), "test") && ours != dep, "%s contains %s, which is for tests", program, dep)
			assert.NotContains(t, dep, "compose-spec/", "%s contains %s, which is for tests", program, dep)
		}
	}
}

func TestLabIsForTestsAndDemos(t *testing.T) {
	for _, f := range source(t) {
		if f.test || under(f.dir, "lab") || under(f.dir, "cmd/netraven-lab") || under(f.dir, "tools") || under(f.dir, "test") {
			continue
		}
		for _, imported := range f.ours() {
			assert.False(t, under(imported, "lab"), "%s imports %s: only tests, demos and benches may", f.path, imported)
		}
	}
}

func TestOnlyGitstoreTouchesGit(t *testing.T) {
	for _, f := range source(t) {
		if f.test || f.dir == "internal/deps" {
			continue
		}
		for _, imported := range f.imports {
			if strings.HasPrefix(imported, "github.com/go-git/") || imported == modulePath+"services/gitstore/repo" {
				assert.True(t, under(f.dir, "services/gitstore") || under(f.dir, "tools"), "%s imports %s: only gitstore touches git", f.path, imported)
			}
		}
	}
}

// The driver is in the stores. service.go takes the pool by its type and nothing more; rows (package <service>sql) are values that may travel.
func TestOnlyStoresSpeakToTheDatabase(t *testing.T) {
	for _, f := range source(t) {
		if _, ok := serviceOf(f.dir); !ok || f.test {
			continue
		}
		store := strings.HasPrefix(path.Base(f.path), "store")
		for _, imported := range f.imports {
			if store || !strings.HasPrefix(imported, "github.com/jackc/") {
				continue
			}
			assert.True(t, path.Base(f.path) == "service.go" && imported == "github.com/jackc/pgx/v5/pgxpool", "%s imports %s: SQL and its errors belong in store*.go", f.path, imported)
		}
	}
}

func TestNobodyElseHoldsAPool(t *testing.T) {
	for _, f := range source(t) {
		if f.test {
			continue
		}
		for _, dir := range []string{"app", "db", "services", "internal/pgembed", "internal/pgtest", "internal/deps", "tools", "test"} {
			if under(f.dir, dir) {
				f.imports = nil
			}
		}
		for _, imported := range f.imports {
			assert.False(t, strings.HasPrefix(imported, "github.com/jackc/") || imported == "database/sql", "%s imports %s", f.path, imported)
		}
	}
}
