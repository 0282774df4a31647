package repo

import (
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// crashFS is the operating system's file system that remembers what a power failure may take away: bytes written after the last
// Sync of their file, and names made, moved or removed after the last SyncDir of their folder. failAt makes one step fail instead.
type crashFS struct {
	disk   diskFS
	steps  []step
	files  map[string]*inode // by present name
	failAt int               // 0: never
	fail   error
}

// inode is a file, whatever it is called at the moment.
type inode struct{ written []byte }

// step is one thing done. A name step has a folder; undoing it is up to the failure until the folder is synced.
type step struct {
	kind   string // write, sync, link, rename, remove, syncdir, mkdir
	node   *inode
	n      int // bytes the file has after a write or sync
	name   string
	target string
}

func newCrashFS() *crashFS { return &crashFS{files: map[string]*inode{}} }

func (c *crashFS) do(s step) error {
	if c.failAt > 0 && len(c.steps)+1 == c.failAt {
		c.failAt = 0
		return c.fail
	}
	c.steps = append(c.steps, s)
	return nil
}

func (c *crashFS) Mkdir(dir string) error {
	if err := c.do(step{kind: "mkdir", name: dir}); err != nil {
		return err
	}
	return c.disk.Mkdir(dir)
}

func (c *crashFS) Create(name string, perm os.FileMode) (File, error) {
	f, err := c.disk.Create(name, perm)
	if err != nil {
		return nil, err
	}
	node := &inode{}
	if err := c.do(step{kind: "link", node: node, name: name}); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(name))
	}
	c.files[name] = node
	return &crashFile{c, f, node}, nil
}

func (c *crashFS) Rename(a, b string) error {
	if err := c.do(step{kind: "rename", node: c.files[a], name: a, target: b}); err != nil {
		return err
	}
	c.files[b] = c.files[a]
	delete(c.files, a)
	return c.disk.Rename(a, b)
}

func (c *crashFS) Remove(name string) error {
	if _, ok := c.files[name]; ok {
		if err := c.do(step{kind: "remove", name: name}); err != nil {
			return err
		}
		delete(c.files, name)
	}
	return c.disk.Remove(name)
}

func (c *crashFS) SyncDir(dir string) error {
	if err := c.do(step{kind: "syncdir", name: dir}); err != nil {
		return err
	}
	return nil // the failures here are simulated: waiting for the disk would prove nothing
}

type crashFile struct {
	c    *crashFS
	f    File
	node *inode
}

func (f *crashFile) Write(p []byte) (int, error) {
	if err := f.c.do(step{kind: "write", node: f.node, n: len(f.node.written) + len(p)}); err != nil {
		return 0, err
	}
	f.node.written = append(f.node.written, p...)
	return f.f.Write(p)
}

func (f *crashFile) Sync() error {
	if err := f.c.do(step{kind: "sync", node: f.node, n: len(f.node.written)}); err != nil {
		return err
	}
	return nil
}

func (f *crashFile) Close() error { return f.f.Close() }

// after builds what may be on the disk when the power fails after the first n steps: synced things are there, each unsynced one is
// there or not as chance has it (never: chance 0, all: chance 1). Name changes of one folder survive in the order they were made.
func (c *crashFS) after(t *testing.T, n int, from, to string, chance float64, rnd *rand.Rand) {
	t.Helper()
	size := map[*inode]int{}
	durable := map[string]int{} // folder -> steps before this index are durable
	var dirs []string
	for i, s := range c.steps[:n] {
		switch s.kind {
		case "sync":
			size[s.node] = s.n
		case "syncdir":
			durable[s.name] = i
		case "mkdir":
			dirs = append(dirs, s.name)
		}
	}
	for _, s := range c.steps[:n] {
		if s.kind == "write" && s.n > size[s.node] && rnd.Float64() < chance {
			size[s.node] = s.n
		}
	}
	names := map[string]*inode{}
	lost := map[string]bool{} // folder whose later changes are lost
	for i, s := range c.steps[:n] {
		dir := filepath.Dir(s.name)
		if !slices.Contains([]string{"link", "rename", "remove"}, s.kind) {
			continue
		}
		if at, ok := durable[dir]; !ok || i > at {
			if lost[dir] = lost[dir] || rnd.Float64() >= chance; lost[dir] {
				continue
			}
		}
		switch s.kind {
		case "link":
			names[s.name] = s.node
		case "rename":
			delete(names, s.name)
			names[s.target] = s.node
		case "remove":
			delete(names, s.name)
		}
	}
	moved := func(name string) string { return to + strings.TrimPrefix(name, from) }
	for _, d := range dirs {
		if rnd.Float64() < 0.5 || slices.ContainsFunc(c.steps[:n], func(s step) bool { return s.kind == "syncdir" && s.name == filepath.Dir(d) }) {
			require.NoError(t, os.MkdirAll(moved(d), 0o750))
		}
	}
	for name, node := range names {
		require.NoError(t, os.MkdirAll(filepath.Dir(moved(name)), 0o750))
		require.NoError(t, os.WriteFile(moved(name), node.written[:size[node]], 0o600))
	}
}
