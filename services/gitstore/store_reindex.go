package gitstore

import (
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// knownOrigins are those whose attempts the database has in the history: a suspect may have been accepted since.
func (s *store) knownOrigins(ctx context.Context, origins []*origin) (map[key]bool, error) {
	var p gitstoresql.GetStoredParams
	for _, o := range origins {
		p.TaskIds, p.Fences = append(p.TaskIds, o.task), append(p.Fences, o.fence)
	}
	rows, err := s.q.GetStored(ctx, p)
	out := make(map[key]bool, len(rows))
	for _, r := range rows {
		if r.Suspect == nil {
			out[key{r.TaskID, r.Fence}] = true
		}
	}
	return out, err
}

// recordFound moves the head from old to next and writes what the commits between say, in one transaction. errHeadMoved when the head is no longer old.
func (s *store) recordFound(ctx context.Context, name string, old, next repo.Hash, f *found, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, stepTime)
	defer cancel()
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		q := s.q.WithTx(tx)
		if err := moveHeads(ctx, q, gitstoresql.MoveHeadsParams{Names: []string{name}, Olds: []string{headText(old)}, Nexts: []string{headText(next)}}); err != nil {
			return err
		}
		if len(f.latest) == 0 && len(f.remasked) == 0 {
			return nil
		}
		if err := q.DeleteSuspects(ctx, f.artifacts()); err != nil {
			return err
		}
		if _, err := q.CreateRevisions(ctx, f.revisions); err != nil {
			return err
		}
		if err := q.RemaskRevisions(ctx, f.remaskedRows()); err != nil {
			return err
		}
		if err := q.PutArtifacts(ctx, f.stateRows()); err != nil {
			return err
		}
		if err := q.CoverOthers(ctx, f.covers()); err != nil {
			return err
		}
		if err := q.PutOriginals(ctx, f.originals); err != nil {
			return err
		}
		return q.PutStored(ctx, f.storedRows(now))
	})
}

// stateRows has every artifact once: one statement cannot write a row twice.
func (f *found) stateRows() gitstoresql.PutArtifactsParams {
	var p gitstoresql.PutArtifactsParams
	for _, byName := range f.latest {
		for _, st := range byName {
			addState(&p, st)
		}
	}
	return p
}

// covers are the files that artifacts have in the newest commit.
func (f *found) covers() gitstoresql.CoverOthersParams {
	var p gitstoresql.CoverOthersParams
	for at, of := range f.lies {
		p.DeviceIds, p.Names = append(p.DeviceIds, of.device), append(p.Names, of.name)
		p.Repositories, p.Paths = append(p.Repositories, at.repository), append(p.Paths, at.path)
	}
	return p
}

func (f *found) remaskedRows() gitstoresql.RemaskRevisionsParams {
	var p gitstoresql.RemaskRevisionsParams
	for _, row := range f.remasked {
		addRemasked(&p, row)
	}
	return p
}

// artifacts are those of which the batch has a revision.
func (f *found) artifacts() gitstoresql.DeleteSuspectsParams {
	var p gitstoresql.DeleteSuspectsParams
	for device, byName := range f.latest {
		for name := range byName {
			p.DeviceIds, p.Artifacts = append(p.DeviceIds, device), append(p.Artifacts, name)
		}
	}
	return p
}

func (f *found) storedRows(now time.Time) gitstoresql.PutStoredParams {
	p := gitstoresql.PutStoredParams{At: now}
	for _, a := range f.attempts {
		ids := make([]string, len(a.revisions))
		for i, id := range a.revisions {
			ids[i] = id.String()
		}
		p.TaskIds, p.Fences, p.DeviceIds = append(p.TaskIds, a.origin.task), append(p.Fences, a.origin.fence), append(p.DeviceIds, a.origin.device)
		p.Observations, p.RevisionIds = append(p.Observations, false), append(p.RevisionIds, strings.Join(ids, ","))
		p.Suspects = append(p.Suspects, nil)
	}
	return p
}
