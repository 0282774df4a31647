package gitstore

import (
	"context"
	"runtime"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// comparison is a text beside the one that was its artifact's newest when it came.
type comparison struct {
	// blob names the text before, in git.
	blob           string
	before         []byte
	added, removed int
	// remasks: the device said the same before, and another page masks it.
	remasks bool
	// anew is what that page makes of what the device said before, where it is not the same; nil: nobody knows, or the page is no other.
	anew []byte
}

// compare reads what texts would replace, before the writer is there for them: what calls do while they wait costs nothing. Whoever comes in between makes a comparison worthless,
// which the writer sees by its blob, and makes again. What cannot be read is left to the writer, too.
func (s *Service) compare(ctx context.Context, attempts []*attempt) error {
	var devices []uuid.UUID
	for _, a := range attempts {
		if len(a.texts) > 0 {
			devices = append(devices, a.device)
		}
	}
	if len(devices) == 0 {
		return nil
	}
	now, err := s.store.states(ctx, devices)
	if err != nil {
		return err
	}
	return s.compareWith(ctx, attempts, now)
}

// compareWith compares with the newest states, but for what is compared with them already. The writer has it done once more: where an attempt stored what the next one masks with another
// page, the page alone made the difference.
func (s *Service) compareWith(ctx context.Context, attempts []*attempt, now states) error {
	originals, err := s.relabelled(ctx, attempts, now)
	if err != nil {
		return err
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, a := range attempts {
		for i := range a.texts {
			t := &a.texts[i]
			st, known := now[a.device][t.in.GetName()]
			if !known || !t.comparable(st) {
				continue
			}
			g.Go(func() error {
				if before, err := s.repos.blob(ctx, st.Repository, st.Blob); err == nil {
					t.beside = newComparison(st.Blob, before, t.masked)
					anew, known := s.anew(a, t, originals[st.RevisionID])
					if t.beside.remasks = known && digestOf(anew) == t.digest; !t.beside.remasks {
						t.beside.anew = anew
					}
				}
				return nil
			})
		}
	}
	return g.Wait()
}

func newComparison(blob string, before, masked []byte) comparison {
	c := comparison{blob: blob, before: before}
	c.added, c.removed = repo.Stat(before, masked)
	return c
}

// comparable tells whether a text is another than the newest one, and not compared with it yet.
func (t *text) comparable(newest gitstoresql.Artifact) bool {
	return newest.TextDigest != t.digest && (t.beside.before == nil || t.beside.blob != newest.Blob)
}
