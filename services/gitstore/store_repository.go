package gitstore

import (
	"context"

	"google.golang.org/grpc/codes"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/services/gitstore/repo"
)

var errHeadMoved = errs.New(codes.Aborted, "HEAD_MOVED", "another writer of the history was faster, and nothing was stored; try again")

// heads are the commits that count of all repositories, zero before the first, and how many changes of originals there were at the same moment.
func (s *store) heads(ctx context.Context) (map[string]repo.Hash, int64, error) {
	rows, err := s.q.ListRepositories(ctx)
	if err != nil {
		return nil, 0, err
	}
	out, change := make(map[string]repo.Hash, len(rows)), int64(0)
	for _, r := range rows {
		if out[r.Name], err = headOf(r.Head); err != nil {
			return nil, 0, err
		}
		if r.Name == repository {
			change = r.Change
		}
	}
	return out, change, nil
}

// headsOf are those of some repositories.
func (s *store) headsOf(ctx context.Context, names []string) (map[string]repo.Hash, error) {
	rows, err := s.q.GetHeads(ctx, names)
	if err != nil {
		return nil, err
	}
	out := make(map[string]repo.Hash, len(rows))
	for _, r := range rows {
		if out[r.Name], err = headOf(r.Head); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// headOf reads a row's head; zero before the first commit.
func headOf(text string) (repo.Hash, error) {
	if text == "" {
		return repo.Hash{}, nil
	}
	return repo.ParseHash(text)
}

func headText(h repo.Hash) string {
	if h.IsZero() {
		return ""
	}
	return h.String()
}

// addRepository makes the row of a repository that has none.
func (s *store) addRepository(ctx context.Context, name string) error {
	return s.q.AddRepositories(ctx, []string{name})
}

// headsMoved are the heads of packs, before and after.
func headsMoved(packs []packed) gitstoresql.MoveHeadsParams {
	var p gitstoresql.MoveHeadsParams
	for _, x := range packs {
		p.Names, p.Olds, p.Nexts = append(p.Names, x.in.name), append(p.Olds, headText(x.Parent)), append(p.Nexts, headText(x.Head))
	}
	return p
}

// moveHeads moves all of them, or answers errHeadMoved: then the transaction must not commit.
func moveHeads(ctx context.Context, q *gitstoresql.Queries, p gitstoresql.MoveHeadsParams) error {
	if len(p.Names) == 0 {
		return nil
	}
	n, err := q.MoveHeads(ctx, p)
	if err == nil && n != int64(len(p.Names)) {
		return errHeadMoved
	}
	return err
}

// othersAt reads whose files are those that devices leave, because they have another name or another repository than before.
func (s *store) othersAt(ctx context.Context, writes []*write) (others, error) {
	o := others{taken: map[filed]bool{}, states: map[filed][]gitstoresql.OthersAtPathsRow{}}
	var paths []string
	for _, w := range writes {
		o.taken[filed{w.repository, w.path}] = true
		if w.old != nil && (w.old.Path != w.path || w.old.Repository != w.repository) {
			paths = append(paths, w.old.Path)
		}
	}
	if len(paths) == 0 {
		return o, nil
	}
	rows, err := s.q.OthersAtPaths(ctx, paths)
	for _, r := range rows {
		at := filed{r.Repository, r.Path}
		o.states[at] = append(o.states[at], r)
	}
	return o, err
}

// coverOthers notes which artifacts git has not any more, because a device lies there now that did not before.
func coverOthers(ctx context.Context, q *gitstoresql.Queries, writes []*write) error {
	var at gitstoresql.CoverOthersParams
	for _, w := range writes {
		if w.old == nil || w.old.Covered || w.old.Path != w.path || w.old.Repository != w.repository {
			at.DeviceIds, at.Names = append(at.DeviceIds, w.row.DeviceID), append(at.Names, w.row.Artifact)
			at.Repositories, at.Paths = append(at.Repositories, w.repository), append(at.Paths, w.path)
		}
	}
	if len(at.Names) == 0 {
		return nil
	}
	return q.CoverOthers(ctx, at)
}

// recordMoved says where files lie that moved with their devices.
func recordMoved(ctx context.Context, q *gitstoresql.Queries, p *plan) error {
	var at gitstoresql.MoveArtifactsParams
	for _, w := range p.moved {
		at.DeviceIds, at.Names = append(at.DeviceIds, w.old.DeviceID), append(at.Names, w.old.Name)
		at.Repositories, at.Paths = append(at.Repositories, w.repository), append(at.Paths, w.path)
	}
	if len(at.Names) == 0 {
		return nil
	}
	return q.MoveArtifacts(ctx, at)
}
