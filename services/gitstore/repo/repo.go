package repo

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Branch is the one ref the package writes.
const Branch = "refs/heads/main"

// config is what a new repository says to plain git. Nothing may be pruned or folded behind the writer's back, and what git writes
// when it is asked to fold packs must be durable before it takes the old ones away.
const config = `[core]
	repositoryformatversion = 0
	filemode = false
	bare = true
	fsync = all
[gc]
	auto = 0
	pruneExpire = never
	reflogExpire = never
[maintenance]
	auto = false
[pack]
	depth = 16
	threads = 1
[repack]
	writeBitmaps = false
[receive]
	denyDeletes = true
	denyNonFastForwards = true
[http]
	receivepack = false
[uploadpack]
	allowFilter = true
`

// Options tune a repository. The zero value is right for use.
type Options struct {
	// Committer signs every commit, and authors those whose author is unknown. Default: netraven <netraven@localhost>.
	Committer Signature
	// TreeCacheBytes bounds the folders kept in memory. Default 64 MiB.
	TreeCacheBytes int
	// MaxObject bounds one object in bytes, read or written. Default 256 MiB.
	MaxObject int
	// Git is the git program. Default "git", found in PATH.
	Git string
	// Description goes into git's file of that name when the repository is made. Default: no such file.
	Description string
	// FS writes. Default: the operating system.
	FS FS
}

// Repo is one bare repository. Its methods may be called from many goroutines.
type Repo struct {
	dir   string
	opts  Options
	fs    FS
	packs *packSet
	trees *treeCache

	writing  sync.Mutex // one writer: Prepare, SetHead, AdvanceTo, the end of Repack
	prepared map[Hash]Hash

	reading sync.RWMutex // held for reading while a git process runs on the repository
}

// Open loads the bare repository in dir, which is made when it is missing or only half made. It blocks on disk and may be repeated.
// A damaged pack does not keep it from opening: see Damaged.
func Open(dir string, o Options) (*Repo, error) {
	o.Committer.Name = cmp.Or(o.Committer.Name, "netraven")
	o.Committer.Email = cmp.Or(o.Committer.Email, "netraven@localhost")
	o.TreeCacheBytes = cmp.Or(o.TreeCacheBytes, 64<<20)
	o.MaxObject = cmp.Or(o.MaxObject, 256<<20)
	o.Git = cmp.Or(o.Git, "git")
	if o.FS == nil {
		o.FS = diskFS{}
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("repo: %w", err)
	}
	r := &Repo{
		dir: dir, opts: o, fs: o.FS,
		packs:    newPackSet(filepath.Join(dir, "objects"), o.MaxObject),
		trees:    newTreeCache(o.TreeCacheBytes),
		prepared: map[Hash]Hash{},
	}
	if err := r.layOut(); err != nil {
		return nil, fmt.Errorf("repo: make %s: %w", dir, err)
	}
	if err := r.sweep(); err != nil {
		return nil, fmt.Errorf("repo: open %s: %w", dir, err)
	}
	// What is seen is built on: a pack renamed just before a crash must not vanish in a later one.
	if err := r.fs.SyncDir(r.packDir()); err != nil {
		return nil, fmt.Errorf("repo: open %s: %w", dir, err)
	}
	if err := r.packs.scan(); err != nil {
		return nil, fmt.Errorf("repo: open %s: %w", dir, err)
	}
	return r, nil
}

// Dir is the absolute path of the repository.
func (r *Repo) Dir() string { return r.dir }

// Close lets go of open files. Reads and writes after it fail or reopen what they need; it may be repeated.
func (r *Repo) Close() error { return r.packs.close() }

// Damaged names packs that are in the folder and cannot be used, with the reason.
func (r *Repo) Damaged() map[string]error { return r.packs.damagedPacks() }

func (r *Repo) packDir() string { return filepath.Join(r.dir, "objects", "pack") }

// layOut makes what is missing. HEAD comes last: git takes a folder without it for no repository at all, so a half made one is
// never mistaken for a whole one.
func (r *Repo) layOut() error {
	if _, err := os.Stat(filepath.Join(r.dir, "HEAD")); err == nil {
		return nil
	}
	dirs := []string{r.dir, filepath.Join(r.dir, "objects"), r.packDir(), filepath.Join(r.dir, "refs"), filepath.Join(r.dir, "refs", "heads")}
	for _, d := range dirs {
		if err := r.fs.Mkdir(d); err != nil {
			return err
		}
	}
	if err := r.replace("config", config); err != nil {
		return err
	}
	if r.opts.Description != "" {
		if err := r.replace("description", r.opts.Description+"\n"); err != nil {
			return err
		}
	}
	for _, d := range append(dirs, filepath.Dir(r.dir)) {
		if err := r.fs.SyncDir(d); err != nil {
			return err
		}
	}
	if err := r.replace("HEAD", "ref: "+Branch+"\n"); err != nil {
		return err
	}
	return r.fs.SyncDir(r.dir)
}

// replace writes a small file of the root folder atomically; the caller syncs the folder.
func (r *Repo) replace(name, text string) error {
	tmp := filepath.Join(r.dir, tmpPrefix+name)
	if err := r.fs.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	err := writeSynced(r.fs, tmp, 0o640, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
	if err != nil {
		return err
	}
	return r.fs.Rename(tmp, filepath.Join(r.dir, name))
}

// sweep takes away what an earlier process left half written.
func (r *Repo) sweep() error {
	old, err := filepath.Glob(filepath.Join(r.packDir(), tmpPrefix+"*"))
	if err != nil {
		return err
	}
	for _, name := range old {
		if err := r.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// tmpPrefix starts the names of half written files. git's own clean-up knows "tmp_" too.
const tmpPrefix = "tmp_netraven_"
