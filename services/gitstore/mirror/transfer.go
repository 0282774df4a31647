package mirror

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// transferTime bounds the transfer of one object: a store that hangs must not hold us for ever. A slow line does a megabyte in ten seconds.
func transferTime(size int64) time.Duration {
	return 5*time.Minute + time.Duration(size>>20)*10*time.Second
}

// Pack is the name of the object of a repository's pack.
func Pack(repository, file string) string { return packsDir + repository + "/" + filepath.Base(file) }

// Upload puts a file that does not change under a name; no name: that of its content, for a segment of originals.
func Upload(ctx context.Context, to Store, name, file string) (File, error) {
	f, err := os.Open(file)
	if err != nil {
		return File{}, err
	}
	defer func() { _ = f.Close() }()
	hash := sha256.New()
	size, err := io.Copy(hash, &untilDone{ctx: ctx, r: f})
	if err != nil {
		return File{}, err
	}
	out := File{Name: name, Size: size, SHA256: hex.EncodeToString(hash.Sum(nil))}
	if name == "" {
		out.Name = originalsDir + out.SHA256 + ".seg"
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return File{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, transferTime(size))
	defer cancel()
	if err := to.Put(ctx, out.Name, size, f); err != nil {
		return File{}, fmt.Errorf("write %s to the mirror %s: %w", out.Name, to, err)
	}
	return out, nil
}

// Download copies an object into a new file, durable when it returns, and checks it on the way; what is not right leaves no file. The error names the object and says what is wrong with it.
func Download(ctx context.Context, from Store, f File, file string) error {
	ctx, cancel := context.WithTimeout(ctx, transferTime(f.Size))
	defer cancel()
	r, err := from.Get(ctx, f.Name)
	if errors.Is(err, ErrMissing) {
		return fmt.Errorf("%s is missing from the mirror %s: %w", f.Name, from, ErrMissing)
	}
	if err != nil {
		return fmt.Errorf("read %s of the mirror %s: %w", f.Name, from, err)
	}
	defer func() { _ = r.Close() }()
	out, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o640)
	if err != nil {
		return err
	}
	hash := sha256.New()
	n, err := io.Copy(io.MultiWriter(out, hash), &untilDone{ctx: ctx, r: io.LimitReader(r, f.Size+1)})
	if err := errors.Join(err, out.Sync(), out.Close()); err != nil {
		_ = os.Remove(file)
		return fmt.Errorf("read %s of the mirror %s: %w", f.Name, from, err)
	}
	if sum := hex.EncodeToString(hash.Sum(nil)); n != f.Size || sum != f.SHA256 {
		_ = os.Remove(file)
		return fmt.Errorf("%s of the mirror %s %w: it has not the %d bytes with SHA-256 %s that the manifest says", f.Name, from, ErrDamaged, f.Size, f.SHA256)
	}
	return nil
}

// Sweep takes away what is in the store and not among those to keep, and answers the objects that stay.
func Sweep(ctx context.Context, s Store, keep ...*Manifest) (map[string]int64, error) {
	wanted := map[string]bool{}
	for _, m := range keep {
		for _, f := range m.Files() {
			wanted[f.Name] = true
		}
	}
	all, err := s.List(ctx)
	if err != nil {
		return nil, err
	}
	stay := map[string]int64{}
	for _, o := range all {
		switch {
		case !isObject(o.Name):
		case wanted[o.Name]:
			stay[o.Name] = o.Size
		default:
			if err := s.Remove(ctx, o.Name); err != nil {
				return nil, err
			}
		}
	}
	return stay, nil
}
