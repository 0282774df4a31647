package gitstore

import (
	"context"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
)

// verifyPage rows are read at once.
const verifyPage = 200

// revisionsFrom answers a page of the index behind a row.
func (s *store) revisionsFrom(ctx context.Context, after uuid.UUID) ([]gitstoresql.Revision, error) {
	return s.q.RevisionsFrom(ctx, gitstoresql.RevisionsFromParams{AfterID: after, PageSize: verifyPage})
}

// committed names an artifact of a device in a commit.
type committed struct {
	commit   string
	device   uuid.UUID
	artifact string
}

// revisionsOf answers the digests that the index has of what some commits made.
func (s *store) revisionsOf(ctx context.Context, origins []*origin) (map[committed]string, error) {
	var p gitstoresql.RevisionsOfCommitsParams
	for _, o := range origins {
		p.DeviceIds, p.Commits = append(p.DeviceIds, o.device), append(p.Commits, o.commit.Hash.String())
	}
	rows, err := s.q.RevisionsOfCommits(ctx, p)
	out := make(map[committed]string, len(rows))
	for _, r := range rows {
		out[committed{r.CommitHash, r.DeviceID, r.Artifact}] = r.Digest
	}
	return out, err
}

// compareArtifacts answers a page of the newest states behind one, beside what their revisions say.
func (s *store) compareArtifacts(ctx context.Context, after place) ([]gitstoresql.CompareArtifactsRow, error) {
	return s.q.CompareArtifacts(ctx, gitstoresql.CompareArtifactsParams{AfterDevice: after.device, AfterName: after.name, PageSize: verifyPage})
}
