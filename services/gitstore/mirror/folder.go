package mirror

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// halfWritten begins the names of files that are not whole yet.
const halfWritten = ".half-"

// folder is a store in a folder, which may be on another machine's disk.
type folder struct{ dir string }

// openFolder does not ask whether the folder is there: its disk may be mounted later.
func openFolder(dir string) (Store, error) {
	dir, err := filepath.Abs(dir)
	return &folder{dir: dir}, err
}

func (f *folder) String() string { return f.dir }

func (f *folder) path(name string) string { return filepath.Join(f.dir, filepath.FromSlash(name)) }

// Put writes under another name, syncs, and renames. It never makes the store's own folder: one that is not there is most often a disk that is not mounted, and would be a mirror
// on the disk that it is to survive.
func (f *folder) Put(ctx context.Context, name string, size int64, r io.Reader) error {
	if _, err := os.Stat(f.dir); err != nil {
		return fmt.Errorf("the mirror's folder: %w; make it, or mount its disk", err)
	}
	to := f.path(name)
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(to), halfWritten+"*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	n, err := io.Copy(tmp, &untilDone{ctx: ctx, r: r})
	if err == nil && n != size {
		err = fmt.Errorf("%s has %d bytes instead of %d", name, n, size)
	}
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), to); err != nil {
		return err
	}
	return errors.Join(syncDir(filepath.Dir(to)), syncDir(f.dir))
}

func (f *folder) Get(_ context.Context, name string) (io.ReadCloser, error) {
	file, err := os.Open(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", name, ErrMissing)
	}
	return file, err
}

func (f *folder) List(ctx context.Context) ([]Object, error) {
	var out []Object
	err := filepath.WalkDir(f.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return errors.Join(err, ctx.Err())
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(f.dir, path)
		out = append(out, Object{Name: filepath.ToSlash(name), Size: info.Size()})
		return err
	})
	return out, err
}

func (f *folder) Remove(_ context.Context, name string) error {
	err := os.Remove(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// untilDone reads until its context ends.
type untilDone struct {
	ctx context.Context
	r   io.Reader
}

func (u *untilDone) Read(p []byte) (int, error) {
	if err := u.ctx.Err(); err != nil {
		return 0, err
	}
	return u.r.Read(p)
}

// isObject tells the objects of a mirror from other people's files.
func isObject(name string) bool {
	return strings.HasPrefix(name, packsDir) || strings.HasPrefix(name, originalsDir)
}
