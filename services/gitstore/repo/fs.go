package repo

import (
	"io"
	"os"
)

// FS is what the writer needs of a file system. The operating system is one implementation; the other, in the tests, forgets
// everything that was not synced, which is how power loss becomes a test.
type FS interface {
	// Mkdir makes a folder and its parents; an existing one is fine.
	Mkdir(dir string) error
	// Create makes a new file, and fails with fs.ErrExist when the name is taken.
	Create(name string, perm os.FileMode) (File, error)
	// Rename replaces newName atomically.
	Rename(oldName, newName string) error
	// Remove takes a file away.
	Remove(name string) error
	// SyncDir makes the names in a folder durable.
	SyncDir(dir string) error
}

// File is a file being written.
type File interface {
	io.WriteCloser
	// Sync makes the bytes durable; the name needs FS.SyncDir.
	Sync() error
}

// diskFS is the operating system.
type diskFS struct{}

func (diskFS) Mkdir(dir string) error { return os.MkdirAll(dir, 0o750) }

func (diskFS) Create(name string, perm os.FileMode) (File, error) {
	return os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm) //nolint:gosec // names are the package's own
}

func (diskFS) Rename(oldName, newName string) error { return os.Rename(oldName, newName) }

func (diskFS) Remove(name string) error { return os.Remove(name) }

func (diskFS) SyncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // the package's own folders
	if err != nil {
		return err
	}
	err = d.Sync()
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}

// writeSynced makes a new file whose bytes are durable when it returns; its name is not, until the folder is synced.
// A file that could not be completed (disk full) is taken away again.
func writeSynced(fsys FS, name string, perm os.FileMode, write func(io.Writer) error) error {
	f, err := fsys.Create(name, perm)
	if err != nil {
		return err
	}
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = fsys.Remove(name)
	}
	return err
}
