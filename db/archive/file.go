package archive

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// DumpFile is Dump into a file of mode 0600, which replaces an earlier one once it is whole and on disk. A killed one leaves <path>.partial, which
// the next one writes over.
func DumpFile(ctx context.Context, d Database, path string) (*Manifest, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file that a dump could replace: name another", path)
	}
	f, err := openPartial(path + ".partial")
	if err != nil {
		return nil, err
	}
	m, err := Dump(ctx, d, f)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return nil, errors.Join(err, os.Remove(f.Name()), f.Close())
	}
	return m, errors.Join(f.Close(), syncDir(filepath.Dir(path)))
}

// openPartial opens an empty file that no other dump is writing.
func openPartial(name string) (*os.File, error) {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, err
	}
	if err := claim(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, errors.Join(f.Chmod(0o600), f.Truncate(0))
}

// claim locks f and makes sure that it still is the file of that name: a dump that ended in between has renamed it to a finished one.
func claim(f *os.File) error {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("another dump is writing %s: %w", f.Name(), err)
	}
	mine, err := f.Stat()
	if err != nil {
		return err
	}
	named, err := os.Lstat(f.Name())
	if err != nil || !os.SameFile(mine, named) {
		return fmt.Errorf("another dump was writing %s just now: try again", f.Name())
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
