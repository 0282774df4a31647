package gitstore

import (
	"context"
	"time"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

const (
	// maxBlame bounds the revisions that one answer reads.
	maxBlame = 2000
	// blameBatch is how many rows are read at once: most lines are explained by few revisions, or by the first.
	blameBatch = 50
)

// GetBlame answers with which revision each line came. It walks the index, not git.
func (s *Service) GetBlame(ctx context.Context, in *gitstorev1.GetBlameRequest) (*gitstorev1.Blame, error) {
	r, text, err := s.side(ctx, in.GetId())
	if err != nil {
		return nil, err
	}
	h := &ancestry{service: s, all: []gitstoresql.Revision{r}}
	origin, complete, err := repo.Origins(text, func() ([]byte, bool, error) { return h.older(ctx) })
	if err != nil {
		return nil, err
	}
	// The first revision explains what is left.
	last := h.all[min(h.at, len(h.all)-1)]
	out := &gitstorev1.Blame{Complete: complete || last.Number == 1}
	for i, version := range origin {
		if i > 0 && version == origin[i-1] {
			out.Sections[len(out.Sections)-1].Lines++
			continue
		}
		out.Sections = append(out.Sections, &gitstorev1.Blame_Section{FirstLine: int32(i + 1), Lines: 1, Revision: revisionOf(h.all[version])})
	}
	return out, nil
}

// ancestry reads a revision's predecessors, newest first.
type ancestry struct {
	service *Service
	all     []gitstoresql.Revision // all[0] is where it begins
	at      int
	done    bool
}

func (h *ancestry) older(ctx context.Context) ([]byte, bool, error) {
	if h.at+1 == len(h.all) && !h.done && len(h.all) < maxBlame {
		first, last := h.all[0], h.all[h.at]
		rows, err := h.service.store.revisions(ctx, gitstoresql.ListRevisionsParams{DeviceID: first.DeviceID, Artifact: first.Artifact, OneState: true,
			BeforeID: last.ID, Since: time.Unix(0, 0), Until: forever, PageSize: blameBatch})
		if err != nil {
			return nil, false, err
		}
		h.all, h.done = append(h.all, rows...), len(rows) < blameBatch
	}
	if h.at+1 >= len(h.all) {
		return nil, false, nil
	}
	h.at++
	text, err := h.service.masked(ctx, h.all[h.at])
	return text, err == nil, err
}
