package gitstore

import (
	"context"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
)

func (s *store) uncompared(ctx context.Context, after uuid.UUID, n int) ([]gitstoresql.UncomparedRevisionsRow, error) {
	return s.q.UncomparedRevisions(ctx, gitstoresql.UncomparedRevisionsParams{AfterID: after, PageSize: int32(n)})
}

func (s *store) putGone(ctx context.Context, p gitstoresql.PutGoneParams) error {
	if len(p.Compared) == 0 {
		return nil
	}
	return s.q.PutGone(ctx, p)
}

// lost answers up to n artifacts of a plan from a place on that lost a line with one of some literals, in no order.
func (s *store) lost(ctx context.Context, p searchPlan, from place, literals []string, n int) ([]place, error) {
	ask := gitstoresql.ArtifactsThatLostParams{FromDevice: from.device, FromName: from.name, DeviceIds: p.devices, PageSize: int32(n)}
	for _, l := range literals {
		ask.Literals = append(ask.Literals, []byte(l))
	}
	rows, err := s.q.ArtifactsThatLost(ctx, ask)
	out := make([]place, 0, len(rows))
	for _, r := range rows {
		out = append(out, place{r.DeviceID, r.Artifact})
	}
	return out, err
}

// historyRows answers the artifacts whose history a plan names, from a place on, that one included; and those that nobody compared yet.
func (s *store) historyRows(ctx context.Context, p searchPlan, from place, n int) ([]gitstoresql.ArtifactsFromRow, error) {
	ask := gitstoresql.ArtifactsThatHadParams{Blobs: p.blobs, FromDevice: from.device, FromName: from.name, Artifact: p.artifact, DeviceIds: p.devices, PageSize: int32(n)}
	for _, l := range p.lost {
		ask.LostDevices, ask.LostNames = append(ask.LostDevices, l.device), append(ask.LostNames, l.name)
	}
	rows, err := s.q.ArtifactsThatHad(ctx, ask)
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
