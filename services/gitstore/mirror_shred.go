package gitstore

import (
	"bufio"
	"context"
	"errors"
	"os"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/services/gitstore/mirror"
)

// without answers the manifest as if it had never had the originals of some devices. Segments that have any are written again without them; what was kept from an earlier database
// too, which this one could not write. Where the history was erased from, no author stays: what this database has is written anew from it. have follows.
func (m *mirroring) without(ctx context.Context, old *mirror.Manifest, have map[string]int64, devices map[string]bool, erased bool) (*mirror.Manifest, error) {
	if old == nil || len(devices) == 0 && !erased {
		return old, nil
	}
	out := *old
	out.Originals = nil
	for _, s := range old.Originals {
		if erased && s.To != 0 {
			delete(have, s.Name)
			out.Originals = append(out.Originals, s)
			continue
		}
		if size, ok := have[s.Name]; ok && size == s.Size { // what is lost needs nothing done
			name := s.Name
			var err error
			if s, err = m.filter(ctx, s, devices, erased); errors.Is(err, mirror.ErrDamaged) && s.To != 0 {
				delete(have, name) // it is written again from the database
			} else if err != nil {
				return nil, err
			} else {
				have[s.Name] = s.Size
			}
		}
		if s.Records > 0 {
			out.Originals = append(out.Originals, s)
		}
	}
	return &out, nil
}

// filter writes a segment again without the originals of some devices, and without authors; one to which nothing is done stays.
func (m *mirroring) filter(ctx context.Context, s mirror.Segment, devices map[string]bool, anonymous bool) (out mirror.Segment, err error) {
	whole, err := m.scratch()
	if err != nil {
		return s, err
	}
	// Download makes its own file.
	if err := errors.Join(whole.Close(), os.Remove(whole.Name())); err != nil {
		return s, err
	}
	if err := mirror.Download(ctx, m.to, s.File, whole.Name()); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.Remove(whole.Name())) }()
	rest, err := m.scratch()
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, os.Remove(rest.Name())) }()
	w, kept := bufio.NewWriterSize(rest, 1<<20), int64(0)
	err = eachFrame(whole.Name(), func(_ int64, o *gitstorev1.MirroredOriginal) error {
		if devices[o.GetDeviceId()] {
			return nil
		}
		kept++
		if anonymous {
			o.Author = ""
		}
		return writeFrame(w, o)
	})
	if err := errors.Join(err, w.Flush(), rest.Close()); err != nil || kept == s.Records && !anonymous {
		return s, err
	}
	if out = s; kept > 0 {
		out.File, err = mirror.Upload(ctx, m.to, "", rest.Name())
	}
	out.Records = kept
	return out, err
}
