package repo

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Head is the commit the branch names, zero when it names none yet. It reads the disk, packed refs too (git gc moves refs there).
func (r *Repo) Head() (Hash, error) {
	data, err := os.ReadFile(filepath.Join(r.dir, filepath.FromSlash(Branch)))
	if errors.Is(err, fs.ErrNotExist) {
		return r.packedHead()
	}
	if err != nil {
		return Hash{}, fmt.Errorf("repo: read %s: %w", Branch, err)
	}
	h, err := ParseHash(strings.TrimSpace(string(data)))
	if err != nil {
		return Hash{}, fmt.Errorf("%w: %s: %w", ErrCorrupt, Branch, err)
	}
	return h, nil
}

// lastHead is Head, but where the branch's file names nothing (a disk lost its bytes) it is what git packed, or zero, as when the file is gone.
func (r *Repo) lastHead() (Hash, error) {
	h, err := r.Head()
	if errors.Is(err, ErrCorrupt) {
		return r.packedHead()
	}
	return h, err
}

func (r *Repo) packedHead() (Hash, error) {
	f, err := os.Open(filepath.Join(r.dir, "packed-refs"))
	if errors.Is(err, fs.ErrNotExist) {
		return Hash{}, nil
	}
	if err != nil {
		return Hash{}, fmt.Errorf("repo: %w", err)
	}
	defer f.Close() //nolint:errcheck // read only
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if h, name, _ := strings.Cut(lines.Text(), " "); name == Branch {
			return ParseHash(h)
		}
	}
	return Hash{}, lines.Err()
}

// SetHead moves the branch from old (zero: unborn) to next, which must be in the repository and descend from old. It is atomic and
// durable when it returns. Repeating it after success is fine; ErrHeadMoved when the branch is anywhere else.
func (r *Repo) SetHead(old, next Hash) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	if err := r.mustDescend(context.Background(), old, next); err != nil {
		return err
	}
	return r.swapHead(old, next)
}

// AdvanceTo moves the branch forward to h, the database's head, at start. Being there already is fine. ErrAhead when the branch has
// commits on top of h, ErrDiverged when neither descends from the other, ErrNotFound when h is not in the repository. A branch whose file names nothing is written anew.
func (r *Repo) AdvanceTo(ctx context.Context, h Hash) error {
	r.writing.Lock()
	defer r.writing.Unlock()
	cur, err := r.Head()
	if errors.Is(err, ErrCorrupt) && !h.IsZero() {
		if cur, err = r.lastHead(); err == nil && cur == h {
			return r.swapHead(cur, h)
		}
	}
	if err != nil || cur == h {
		return err
	}
	if h.IsZero() {
		return fmt.Errorf("%w: it is at %s, the database at no commit", ErrAhead, cur)
	}
	err = r.mustDescend(ctx, cur, h)
	if errors.Is(err, ErrDiverged) {
		if r.mustDescend(ctx, h, cur) == nil {
			return fmt.Errorf("%w: it is at %s, the database at %s", ErrAhead, cur, h)
		}
	}
	if err != nil {
		return err
	}
	return r.swapHead(cur, h)
}

// mustDescend checks that next is a commit whose first parents lead to old. A head that Prepare just made is known without reading.
func (r *Repo) mustDescend(ctx context.Context, old, next Hash) error {
	if p, ok := r.prepared[next]; ok && p == old {
		return nil
	}
	for h := next; h != old; {
		c, err := r.commit(h)
		if err != nil {
			return err
		}
		if c.Parent.IsZero() && !old.IsZero() {
			return fmt.Errorf("%w: %s does not descend from %s", ErrDiverged, next, old)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		h = c.Parent
	}
	return nil
}

// swapHead is the compare-and-set under git's own lock file, so that a gc somebody runs by hand keeps out of the way.
// r.writing is held.
func (r *Repo) swapHead(old, next Hash) error {
	ref := filepath.Join(r.dir, filepath.FromSlash(Branch))
	lock, err := r.lockRef(ref + ".lock")
	if err != nil {
		return fmt.Errorf("repo: lock %s: %w", Branch, err)
	}
	if err := r.writeRef(lock, ref, old, next); err != nil {
		return err
	}
	if err := r.fs.SyncDir(filepath.Dir(ref)); err != nil {
		return fmt.Errorf("repo: sync %s: %w", Branch, err)
	}
	delete(r.prepared, next)
	return nil
}

// writeRef fills the lock file and renames it over the ref; on any failure the lock is gone and the ref as before.
func (r *Repo) writeRef(lock File, ref string, old, next Hash) (err error) {
	closed := false
	defer func() {
		if err == nil {
			return
		}
		if !closed {
			_ = lock.Close()
		}
		_ = r.fs.Remove(ref + ".lock")
	}()
	cur, err := r.lastHead()
	if err != nil {
		return err
	}
	if cur != old && cur != next {
		return fmt.Errorf("%w: %s is at %s, expected %s", ErrHeadMoved, Branch, cur, old)
	}
	if _, err = io.WriteString(lock, next.String()+"\n"); err != nil {
		return fmt.Errorf("repo: write %s: %w", Branch, err)
	}
	if err = lock.Sync(); err != nil {
		return fmt.Errorf("repo: sync %s: %w", Branch, err)
	}
	closed = true
	if err = lock.Close(); err != nil {
		return fmt.Errorf("repo: write %s: %w", Branch, err)
	}
	if err = r.fs.Rename(ref+".lock", ref); err != nil {
		return fmt.Errorf("repo: move %s: %w", Branch, err)
	}
	return nil
}

// lockRef takes the lock file. git holds it for milliseconds; one that stays the same for two seconds was left by a process that
// died, and is taken over.
func (r *Repo) lockRef(name string) (File, error) {
	const tries, pause = 100, 20 * time.Millisecond
	var first fs.FileInfo
	for range tries {
		f, err := r.fs.Create(name, 0o640)
		if !errors.Is(err, fs.ErrExist) {
			return f, err
		}
		now, err := os.Stat(name)
		if err == nil && (first == nil || !os.SameFile(first, now)) {
			first = now
		}
		time.Sleep(pause)
	}
	if now, err := os.Stat(name); err == nil && first != nil && os.SameFile(first, now) {
		if err := r.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return r.fs.Create(name, 0o640)
}
