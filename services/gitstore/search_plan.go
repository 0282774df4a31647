package gitstore

import (
	"context"

	"github.com/google/uuid"

	"github.com/netraven/netraven/services/gitstore/sift"
)

// planFor says which artifacts a search has to walk through.
func (s *Service) planFor(ctx context.Context, q *search) (err error) {
	need := q.pattern.Need()
	if q.plan.blobs, q.plan.all, err = s.candidates(ctx, need); err != nil || q.plan.all || !q.in.GetHistory() {
		return err
	}
	q.plan.history = true
	literals := need.OneOf()
	waiting, err := s.store.uncompared(ctx, uuid.Nil, maxUnsifted+1)
	if err != nil || len(waiting) > maxUnsifted || len(literals) == 0 {
		q.plan.all = true
		return err
	}
	q.plan.lost, err = s.store.lost(ctx, q.plan, q.at, literals, maxCandidates+1)
	q.plan.all = len(q.plan.lost) > maxCandidates
	return err
}

// candidates answers the blobs that may hold what is needed; all says that it would be too many to name. What is not in the index yet is listed before the index is
// asked: a text that gets there in between is in both.
func (s *Service) candidates(ctx context.Context, n sift.Need) (blobs []string, all bool, err error) {
	if n.Useless() {
		return nil, true, nil
	}
	rows, err := s.store.unsifted(ctx, place{}, maxUnsifted+1)
	if err != nil || len(rows) > maxUnsifted {
		return nil, true, err
	}
	found, err := s.index.Search(ctx, n)
	if err != nil || len(found) > maxCandidates {
		return nil, true, err
	}
	for _, r := range rows {
		blobs = append(blobs, r.Blob)
	}
	for _, h := range found {
		blobs = append(blobs, hashText(h))
	}
	return blobs, false, nil
}
