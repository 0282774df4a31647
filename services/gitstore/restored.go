package gitstore

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/mirror"
)

// restoredDir holds the segments of originals that Restore brought, beside the repository, until they are in the database.
const restoredDir = repository + ".originals"

// restored finds what a mirror knew of a revision beyond its commit. The segments stay on disk; memory has where each record lies.
type restored struct {
	dir   string
	files []string
	at    map[madeKey]slot
}

// madeKey names a revision as its commit does.
type madeKey struct {
	key
	artifact string
}

// slot is a record in a file.
type slot struct {
	file   string
	offset int64
}

// openRestored reads the folder that Restore left. Nil when there is none.
func openRestored(dir string) (*restored, error) {
	files, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil //nolint:nilnil // none is the usual answer
	}
	if err != nil {
		return nil, err
	}
	r := &restored{dir: dir, at: map[madeKey]slot{}}
	for _, f := range files { // in their order: the later record counts
		r.files = append(r.files, f.Name())
		if err := r.index(f.Name()); err != nil {
			return nil, fmt.Errorf("%s: %w; run netraven gitstore restore again, into an empty folder", filepath.Join(dir, f.Name()), err)
		}
	}
	return r, nil
}

func (r *restored) index(name string) error {
	return eachFrame(filepath.Join(r.dir, name), func(offset int64, o *gitstorev1.MirroredOriginal) error {
		task, err := uuid.Parse(o.GetTaskId())
		r.at[madeKey{key{task, o.GetFence()}, o.GetArtifact()}] = slot{name, offset}
		return err
	})
}

// eachFrame reads a segment.
func eachFrame(file string, do func(offset int64, o *gitstorev1.MirroredOriginal) error) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	in, offset := bufio.NewReaderSize(f, 1<<20), int64(0)
	for {
		b, err := mirror.ReadFrame(in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		o, err := unpackOriginal(b)
		if err != nil {
			return err
		}
		if err := do(offset, o); err != nil {
			return err
		}
		offset += int64(4 + len(b))
	}
}

func unpackOriginal(b []byte) (*gitstorev1.MirroredOriginal, error) {
	o := &gitstorev1.MirroredOriginal{}
	return o, proto.Unmarshal(b, o)
}

// find answers the record of a revision; nil when there is none.
func (r *restored) find(k madeKey) (*gitstorev1.MirroredOriginal, error) {
	if r == nil {
		return nil, nil //nolint:nilnil // nothing was restored
	}
	p, ok := r.at[k]
	if !ok {
		return nil, nil //nolint:nilnil // the mirror had no original of it
	}
	return p.read(r.dir)
}

// read reads the record at a slot.
func (p slot) read(dir string) (*gitstorev1.MirroredOriginal, error) {
	f, err := os.Open(filepath.Join(dir, p.file))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	if _, err := f.Seek(p.offset, io.SeekStart); err != nil {
		return nil, err
	}
	b, err := mirror.ReadFrame(f)
	if err != nil {
		return nil, err
	}
	return unpackOriginal(b)
}

// done takes the folder away: all of it is in the databases.
func (r *restored) done() error { return os.RemoveAll(r.dir) }

// complete puts what the mirror knew into a row that was read from a commit, and keeps the original for the database. False: the mirror had no original of it.
func (r *restored) complete(row *gitstoresql.CreateRevisionsParams, originals *gitstoresql.PutOriginalsParams) (bool, error) {
	o, err := r.find(madeKey{key{row.TaskID, row.Fence}, row.Artifact})
	if o == nil || err != nil {
		return false, err
	}
	id, err := uuid.Parse(o.GetRevisionId())
	if err != nil {
		return false, err
	}
	sealedTask, err := uuid.Parse(o.GetSealedTaskId())
	if err != nil {
		return false, err
	}
	row.ID, row.CreatedAt = id, o.GetCreatedAt().AsTime()
	if o.GetAuthor() != "" { // else the commit's stays
		row.Author = o.GetAuthor()
	}
	originals.RevisionIds, originals.Sealed = append(originals.RevisionIds, id), append(originals.Sealed, o.GetSealed())
	originals.TaskIds, originals.Fences, originals.Sizes = append(originals.TaskIds, sealedTask), append(originals.Fences, o.GetSealedFence()), append(originals.Sizes, o.GetSize())
	return true, nil
}
