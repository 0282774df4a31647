package pgembed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// OldestMajor is the oldest PostgreSQL major version that the schemas are written for.
const OldestMajor = 15

// Binaries is a folder with the programs of one PostgreSQL server.
type Binaries struct {
	Dir   string // absolute, holds at least postgres and initdb
	Major int    // 15 for PostgreSQL 15.18
}

// NotFoundError says that no usable server binaries are on the machine. Its text names what was seen and what to do.
type NotFoundError struct {
	Major   int        // wanted major version, 0 for any
	PgBin   string     // Config.BinDir, where it was given
	Found   []Binaries // usable for nothing here: another major version, or too old
	DataDir string     // set when Major comes from a data directory
}

func (e *NotFoundError) Error() string {
	var seen []string
	for _, b := range e.Found {
		seen = append(seen, fmt.Sprintf("PostgreSQL %d in %s", b.Major, b.Dir))
	}
	list := strings.Join(seen, ", ")
	switch {
	case e.Major != 0 && list != "":
		return fmt.Sprintf("the database in %s belongs to PostgreSQL %d, but this machine has only %s: install the server programs of PostgreSQL %d, to go on with it or to move the data with `netraven db upgrade`",
			e.DataDir, e.Major, list, e.Major)
	case e.Major != 0:
		return fmt.Sprintf("the database in %s belongs to PostgreSQL %d, and its server programs were not found: install them, or name their folder with --pg-bin", e.DataDir, e.Major)
	case e.PgBin != "" && list == "":
		return fmt.Sprintf("no postgres and initdb in %s (--pg-bin)", e.PgBin)
	case list != "":
		return fmt.Sprintf("PostgreSQL %d or newer is needed, but this machine has only %s: install a newer server, run `make postgres` in a source checkout, or set database.url", OldestMajor, list)
	default:
		return "no PostgreSQL server programs found: install your distribution's PostgreSQL server package, run `make postgres` in a source checkout, name their folder with --pg-bin, or set database.url"
	}
}

// Find looks for server binaries: those of major where it is not 0, else the newest of the machine's own, else the newest bundle.
// A given pgBin is the only place looked at. bundles are folders that hold bin/postgres, directly or one folder below; nil means
// DefaultBundleDirs. It runs `postgres --version` of each candidate and may be repeated. The error is a *NotFoundError, or ctx's.
func Find(ctx context.Context, pgBin string, bundles []string, major int) (Binaries, error) {
	return find(ctx, account{}, pgBin, bundles, major)
}

// every is all servers on the machine that run here and are new enough, newest first; of one major version the one that find prefers.
func every(ctx context.Context, as account, pgBin string, bundles []string) ([]Binaries, error) {
	var out []Binaries
	for _, dirs := range searchOrder(pgBin, bundles) {
		for _, dir := range dirs {
			b, err := probe(ctx, as, dir)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err == nil && b.Major >= OldestMajor && !slices.ContainsFunc(out, func(o Binaries) bool { return o.Major == b.Major }) {
				out = append(out, b)
			}
		}
	}
	slices.SortFunc(out, func(a, b Binaries) int { return b.Major - a.Major })
	return out, nil
}

func find(ctx context.Context, as account, pgBin string, bundles []string, major int) (Binaries, error) {
	var unfit []Binaries
	var blocked error
	for _, dirs := range searchOrder(pgBin, bundles) {
		var fit []Binaries
		for _, dir := range dirs {
			b, err := probe(ctx, as, dir)
			switch {
			case ctx.Err() != nil:
				return Binaries{}, ctx.Err()
			case isBlocked(err):
				blocked = err
			case err != nil: // not a server folder, or one for another machine: look on
			case major == 0 && b.Major >= OldestMajor, major != 0 && b.Major == major:
				fit = append(fit, b)
			default:
				unfit = append(unfit, b)
			}
		}
		if len(fit) > 0 {
			return slices.MaxFunc(fit, func(a, b Binaries) int { return a.Major - b.Major }), nil
		}
	}
	if blocked != nil {
		return Binaries{}, blocked
	}
	return Binaries{}, &NotFoundError{Major: major, PgBin: pgBin, Found: unfit}
}

// searchOrder lists candidate folders in groups; a later group counts only when an earlier one has nothing fitting.
func searchOrder(pgBin string, bundles []string) [][]string {
	if pgBin != "" {
		return [][]string{serverDirs([]string{pgBin})}
	}
	var system []string
	if path, err := exec.LookPath("postgres"); err == nil {
		system = append(system, filepath.Dir(path))
		if real, err := filepath.EvalSymlinks(path); err == nil {
			system = append(system, filepath.Dir(real))
		}
	}
	system = append(system, globs("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin")...)
	if bundles == nil {
		bundles = DefaultBundleDirs()
	}
	var fetched []string
	for _, dir := range bundles {
		fetched = append(fetched, filepath.Join(dir, "bin"))
		fetched = append(fetched, globs(filepath.Join(dir, "*", "bin"))...)
	}
	return [][]string{serverDirs(system), serverDirs(fetched)}
}

// DefaultBundleDirs are the folders where a package, an image or `make postgres` puts server binaries: beside the running program,
// and the folder of BundleCache for root's builds and for this user's.
func DefaultBundleDirs() []string {
	var dirs []string
	if exe, err := os.Executable(); err == nil {
		dir := filepath.Dir(exe)
		dirs = append(dirs, filepath.Join(dir, "postgresql"), filepath.Join(dir, "..", "lib", "netraven", "postgresql"))
	}
	dirs = append(dirs, sharedCache)
	if os.Geteuid() != 0 { // root never runs what another user may have put somewhere
		if own, err := BundleCache(); err == nil {
			dirs = append(dirs, own)
		}
	}
	return dirs
}

const sharedCache = "/var/cache/netraven/postgresql"

// BundleCache is the folder where fetched server binaries are kept. It is outside any checkout: root's server runs as another user,
// who may not look into a checkout under /root. The error says that the user has no cache folder (no HOME).
func BundleCache() (string, error) {
	if os.Geteuid() == 0 {
		return sharedCache, nil
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder for PostgreSQL's server programs: %w", err)
	}
	return filepath.Join(cache, "netraven", "postgresql"), nil
}

// serverDirs keeps the folders that hold a server, absolute, each once.
func serverDirs(dirs []string) []string {
	var out []string
	for _, dir := range dirs {
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			continue
		}
		if real, err = filepath.Abs(real); err != nil || slices.Contains(out, real) || !isFile(filepath.Join(real, "initdb")) || !isFile(filepath.Join(real, "postgres")) {
			continue
		}
		// A folder of links (/usr/local/bin) stands for the folder they point to; the server finds its libraries from there.
		if target, err := filepath.EvalSymlinks(filepath.Join(real, "postgres")); err == nil && filepath.Dir(target) != real && isFile(filepath.Join(filepath.Dir(target), "initdb")) {
			real = filepath.Dir(target)
		}
		if !slices.Contains(out, real) {
			out = append(out, real)
		}
	}
	return out
}

func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}

func globs(patterns ...string) []string {
	var out []string
	for _, pattern := range patterns {
		found, _ := filepath.Glob(pattern) // fails only on a bad pattern
		out = append(out, found...)
	}
	return out
}

var versionLine = regexp.MustCompile(`^postgres \(PostgreSQL\) (\d+)`)

// probe asks a server binary for its version, as the user who will run it.
func probe(ctx context.Context, as account, dir string) (Binaries, error) {
	path := filepath.Join(dir, "postgres")
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.Dir = "/"
	cmd.Env = childEnv()
	cmd.SysProcAttr = as.attr()
	out, err := cmd.Output()
	if err != nil {
		if blocked := as.blockedBy(dir); blocked != nil {
			return Binaries{}, blocked
		}
		return Binaries{}, fmt.Errorf("run %s: %w", path, err)
	}
	m := versionLine.FindStringSubmatch(string(out))
	if m == nil {
		return Binaries{}, fmt.Errorf("%s --version says %q", path, firstLine(string(out)))
	}
	major, err := strconv.Atoi(m[1])
	if err != nil {
		return Binaries{}, fmt.Errorf("%s --version says %q", path, firstLine(string(out)))
	}
	return Binaries{Dir: dir, Major: major}, nil
}

// childEnv is all that PostgreSQL's programs need to know of our environment; NetRaven's own may hold secrets.
func childEnv() []string {
	return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
