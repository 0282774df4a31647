package gitstore

import (
	"context"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
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

// searchPlan is which artifacts a search walks through.
type searchPlan struct {
	all   bool
	blobs []string
	// history: those in whose history something may be, lost are the ones of them that need not have it now.
	history  bool
	lost     []place
	artifact string
	devices  []uuid.UUID
}

// searchRows answers the artifacts of a plan from a place on, that one included.
func (s *store) searchRows(ctx context.Context, p searchPlan, from place, n int) ([]gitstoresql.ArtifactsFromRow, error) {
	if p.all {
		return s.q.ArtifactsFrom(ctx, gitstoresql.ArtifactsFromParams{FromDevice: from.device, FromName: from.name, Artifact: p.artifact, DeviceIds: p.devices, PageSize: int32(n)})
	}
	if p.history {
		return s.historyRows(ctx, p, from, n)
	}
	rows, err := s.q.ArtifactsOf(ctx, gitstoresql.ArtifactsOfParams{Blobs: p.blobs, FromDevice: from.device, FromName: from.name, Artifact: p.artifact, DeviceIds: p.devices,
		PageSize: int32(n)})
	out := make([]gitstoresql.ArtifactsFromRow, 0, len(rows))
	for _, r := range rows {
		out = append(out, gitstoresql.ArtifactsFromRow(r))
	}
	return out, err
}
