package repo

import (
	"bytes"
	"context"
	"crypto/sha1" //nolint:gosec // the format's check sum
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// checkPiece is how much of a file is read between two calls of a check's caller.
const checkPiece = 1 << 20

// CheckPack reads a pack whole: first its bytes against the check sum at its end, and the index against its own; then every object, beginning with the from-th in the index's order,
// against its name. read is told of what was read and may wait to bound the load; its error ends the check. nil when all is well; a *DamageError names what is not; fs.ErrNotExist when the pack is
// not in use (any more): it was folded into others, or is among Damaged.
func (r *Repo) CheckPack(ctx context.Context, pack string, from int, read func(object, bytes int) error) error {
	if from == 0 {
		if err := r.packs.checkFiles(ctx, pack, func(n int) error { return read(0, n) }); err != nil {
			return err
		}
	}
	for i := from; ; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		size, err := r.packs.checkObject(pack, i)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := read(i+1, size); err != nil {
			return err
		}
	}
}

// checkFiles compares a pack and its index with their own check sums. The files are opened anew, so reads go on meanwhile.
func (s *packSet) checkFiles(ctx context.Context, pack string, read func(bytes int) error) error {
	s.mu.RLock()
	p := s.find(pack)
	s.mu.RUnlock()
	if p == nil {
		return fmt.Errorf("repo: %s: %w", pack, fs.ErrNotExist)
	}
	for _, file := range []string{p.name + ".pack", p.name + ".idx"} {
		sum, err := checkSum(ctx, file, read)
		if errors.Is(err, fs.ErrNotExist) && gone(p.name) {
			return fmt.Errorf("repo: %s: %w", pack, fs.ErrNotExist)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && filepath.Ext(file) == ".pack" && sum != p.idx.pack {
			err = errors.New("it is not the pack that its index describes")
		}
		if err != nil {
			return &DamageError{Pack: pack, Err: fmt.Errorf("%w: %s: %w", ErrCorrupt, filepath.Base(file), err)}
		}
	}
	return nil
}

// checkSum reads a file that ends with the SHA-1 of what comes before, and answers that.
func checkSum(ctx context.Context, file string, read func(bytes int) error) (Hash, error) {
	f, err := os.Open(file) //nolint:gosec // the package's own folder
	if err != nil {
		return Hash{}, err
	}
	defer func() { _ = f.Close() }()
	st, err := f.Stat()
	if err != nil {
		return Hash{}, err
	}
	var tail Hash
	body := st.Size() - int64(len(tail))
	if body < 0 {
		return Hash{}, errors.New("it is cut short")
	}
	sum, in, buf := sha1.New(), io.NewSectionReader(f, 0, body), make([]byte, checkPiece) //nolint:gosec // the format's check sum
	for ctx.Err() == nil {
		n, err := in.Read(buf)
		_, _ = sum.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return Hash{}, err
		}
		if err := read(n); err != nil {
			return Hash{}, err
		}
	}
	if _, err := f.ReadAt(tail[:], body); err != nil {
		return Hash{}, err
	}
	if !bytes.Equal(sum.Sum(nil), tail[:]) {
		return Hash{}, errors.New("check sum differs")
	}
	return tail, nil
}

// checkObject compares one object with its name and answers its size; io.EOF behind the last one.
func (s *packSet) checkObject(pack string, i int) (int, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	p := s.find(pack)
	if p == nil {
		return 0, fmt.Errorf("repo: %s: %w", pack, fs.ErrNotExist)
	}
	if i >= p.idx.count {
		return 0, io.EOF
	}
	h := p.idx.name(i)
	off, ok := p.idx.find(h)
	if !ok {
		return 0, &DamageError{Pack: pack, Err: fmt.Errorf("%w: the index cannot be read at object %d", ErrCorrupt, i)}
	}
	data, err := p.object(h, off)
	return len(data.body), err
}

// checked is an object that has the content of its name.
type checked struct {
	kind kind
	body []byte
}

// object reads an object and checks it against its name. What is wrong with the pack is a *DamageError.
func (p *packFile) object(h Hash, off int64) (checked, error) {
	k, data, err := p.read(off)
	if err == nil && objectHash(k, data) != h {
		err = fmt.Errorf("%w: %s does not have the content of its name", ErrCorrupt, h)
	}
	if errors.Is(err, ErrCorrupt) && !errors.Is(err, os.ErrClosed) {
		err = &DamageError{Pack: filepath.Base(p.name) + ".pack", Err: err}
	}
	return checked{k, data}, err
}

// find is the pack in use with a file name; nil when there is none. s.mu is held.
func (s *packSet) find(pack string) *packFile {
	for _, p := range s.packs {
		if filepath.Base(p.name)+".pack" == pack {
			return p
		}
	}
	return nil
}
