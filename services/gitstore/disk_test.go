package gitstore_test

import (
	"os"
	"syscall"

	"github.com/netraven/netraven/services/gitstore/repo"
)

// disk is the operating system's file system, until it is full or a hook is asked first.
type disk struct {
	// room is how many writing steps there are before it is full; below 0: any number.
	room int
	// named is told of each file that gets its name.
	named func(name string)
}

func (d *disk) step() error {
	if d.room == 0 {
		return &os.PathError{Op: "write", Path: "disk", Err: syscall.ENOSPC}
	}
	d.room--
	return nil
}

func (d *disk) Mkdir(dir string) error { return os.MkdirAll(dir, 0o750) }

func (d *disk) Create(name string, perm os.FileMode) (repo.File, error) {
	if err := d.step(); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm) //nolint:gosec // a test's folder
	return &diskFile{File: f, disk: d}, err
}

func (d *disk) Rename(from, to string) error {
	if err := d.step(); err != nil {
		return err
	}
	err := os.Rename(from, to)
	if d.named != nil {
		d.named(to)
	}
	return err
}

func (d *disk) Remove(name string) error { return os.Remove(name) }

func (d *disk) SyncDir(string) error { return d.step() }

type diskFile struct {
	*os.File
	disk *disk
}

// Write leaves half of it on a disk that is full.
func (f *diskFile) Write(p []byte) (int, error) {
	if err := f.disk.step(); err != nil {
		n, _ := f.File.Write(p[:len(p)/2])
		return n, err
	}
	return f.File.Write(p)
}

func (f *diskFile) Sync() error { return f.disk.step() }
