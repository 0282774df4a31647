package gitstore

import (
	"context"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/sift"
)

// artifactRows are read at once where all are.
const artifactRows = 1000

func (s *store) unsifted(ctx context.Context, after place, n int) ([]gitstoresql.UnsiftedArtifactsRow, error) {
	return s.q.UnsiftedArtifacts(ctx, gitstoresql.UnsiftedArtifactsParams{AfterDevice: after.device, AfterName: after.name, PageSize: int32(n)})
}

// markSifted says that the index knows those of the rows' blobs that it has.
func (s *store) markSifted(ctx context.Context, rows []gitstoresql.UnsiftedArtifactsRow, has func(blob string) bool) error {
	var p gitstoresql.MarkSiftedParams
	for _, r := range rows {
		if has(r.Blob) {
			p.DeviceIds, p.Names, p.Blobs = append(p.DeviceIds, r.DeviceID), append(p.Names, r.Name), append(p.Blobs, r.Blob)
		}
	}
	if len(p.Blobs) == 0 {
		return nil
	}
	return s.q.MarkSifted(ctx, p)
}

func (s *store) unmarkSifted(ctx context.Context, blobs []string) error {
	if len(blobs) == 0 {
		return nil
	}
	return s.q.UnmarkSifted(ctx, blobs)
}

// eachArtifact passes the blobs of all artifacts to see, a page at a time, and whether the index should know them.
func (s *store) eachArtifact(ctx context.Context, see func(blobs []string, sifted []bool) error) error {
	p := gitstoresql.ArtifactsFromParams{DeviceIds: []uuid.UUID{}, PageSize: artifactRows}
	for {
		rows, err := s.q.ArtifactsFrom(ctx, p)
		if err != nil {
			return err
		}
		blobs, sifted := make([]string, 0, len(rows)), make([]bool, 0, len(rows))
		for _, r := range rows {
			blobs, sifted = append(blobs, r.Blob), append(sifted, r.Sifted)
		}
		if err := see(blobs, sifted); err != nil || len(rows) < artifactRows {
			return err
		}
		last := rows[len(rows)-1]
		p.FromDevice, p.FromName = last.DeviceID, last.Name // seen twice, which harms nobody
	}
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

// searchPlan is which artifacts a search walks through.
type searchPlan struct {
	all      bool
	blobs    []string
	artifact string
	devices  []uuid.UUID
}

// searchRows answers the artifacts of a plan from a place on, that one included.
func (s *store) searchRows(ctx context.Context, p searchPlan, from place, n int) ([]gitstoresql.ArtifactsFromRow, error) {
	if p.all {
		return s.q.ArtifactsFrom(ctx, gitstoresql.ArtifactsFromParams{FromDevice: from.device, FromName: from.name, Artifact: p.artifact, DeviceIds: p.devices, PageSize: int32(n)})
	}
	rows, err := s.q.ArtifactsOf(ctx, gitstoresql.ArtifactsOfParams{Blobs: p.blobs, FromDevice: from.device, FromName: from.name, Artifact: p.artifact, DeviceIds: p.devices,
		PageSize: int32(n)})
	out := make([]gitstoresql.ArtifactsFromRow, 0, len(rows))
	for _, r := range rows {
		out = append(out, gitstoresql.ArtifactsFromRow(r))
	}
	return out, err
}

// revisionsUp answers an artifact's accepted revisions with a higher number, in order.
func (s *store) revisionsUp(ctx context.Context, device uuid.UUID, artifact string, after int32, n int) ([]gitstoresql.RevisionsUpRow, error) {
	return s.q.RevisionsUp(ctx, gitstoresql.RevisionsUpParams{DeviceID: device, Artifact: artifact, AfterNumber: after, PageSize: int32(n)})
}
