package gitstore

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// Some devices end a truncated configuration like a whole one, so a text that lost more than half of its lines or bytes is kept apart until somebody looks. Texts that
// lose less than this shrink by half for the best of reasons, unless nothing but a line or two is left.
const (
	fewLines   = 20
	fewBytes   = 1 << 10
	someLines  = 10
	emptyLines = 2
)

// shrunk tells whether a text looks as if most of the one before were missing.
func shrunk(before, after []byte) bool {
	was, is := repo.CountLines(before), repo.CountLines(after)
	if was >= someLines && is <= emptyLines {
		return true
	}
	half := 2*is < was || 2*len(after) < len(before)
	return half && (was-is >= fewLines || len(before) >= fewBytes)
}

// suspect is a main artifact that is kept apart.
type suspect struct {
	*write
	// again: the same text waits already, under the row's id.
	again bool
	about *gitstorev1.Suspect
	// packed is about as the attempt's row keeps it.
	packed []byte
}

// setApart takes the attempts whose main artifact shrank out of what is to be written, whole: what else they brought comes again with the next attempt.
func (s *Service) setApart(ctx context.Context, p *plan) error {
	apart := map[*attempt]*suspect{}
	for _, w := range p.writes {
		if w.old == nil || !w.text.main {
			continue
		}
		before := w.before
		if c := w.text.beside; c.anew != nil && c.blob == w.old.Blob { // what a page drops is not missing, and what it shows now was there
			before = c.anew
		}
		if shrunk(before, w.text.masked) {
			apart[w.attempt] = &suspect{write: w}
			p.suspects = append(p.suspects, apart[w.attempt])
		}
	}
	if len(apart) == 0 {
		return nil
	}
	p.putNothing(func(a *attempt) bool { return apart[a] != nil })
	waiting, err := s.store.waiting(ctx, p.suspects)
	if err != nil {
		return err
	}
	for _, x := range p.suspects {
		if err := x.describe(waiting[artifactKey{x.attempt.device, x.text.in.GetName()}]); err != nil {
			return err
		}
	}
	return nil
}

// describe fills the row, under the id of the suspect that waits already where it has the same text.
func (x *suspect) describe(waits gitstoresql.GetSuspectsRow) error {
	x.row = x.newRow()
	x.row.Suspect, x.row.Number = true, 0
	if x.again = waits.Digest == x.row.Digest; x.again {
		x.row.ID = waits.ID
	}
	measure(&x.row, x.before, x.text.masked)
	x.about = &gitstorev1.Suspect{RevisionId: x.row.ID.String(), Artifact: x.row.Artifact, LinesBefore: int32(repo.CountLines(x.before)), LinesNow: int32(repo.CountLines(x.text.masked)),
		SizeBefore: int32(len(x.before)), SizeNow: x.row.Size}
	var err error
	x.packed, err = proto.Marshal(x.about)
	return err
}

// artifactKey names an artifact of a device.
type artifactKey struct {
	device uuid.UUID
	name   string
}
