package gitstore

import (
	"context"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
)

// verifyPage rows are read at once.
const verifyPage = 200

// revisionsFrom answers a page of the index behind a row.
func (s *store) revisionsFrom(ctx context.Context, after uuid.UUID) ([]gitstoresql.RevisionsFromRow, error) {
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

// numbered names a revision of an artifact of a device.
type numbered struct {
	device   uuid.UUID
	artifact string
	number   int32
}

// earlierOf answers the digests of the revisions that came before those of some commits, in other repositories.
func (s *store) earlierOf(ctx context.Context, origins []*origin) (map[numbered]string, error) {
	var p gitstoresql.DigestsByNumberParams
	for _, o := range origins {
		for _, a := range o.artifacts {
			if a.earlier > 0 {
				p.DeviceIds, p.Artifacts, p.Numbers = append(p.DeviceIds, o.device), append(p.Artifacts, a.name), append(p.Numbers, a.earlier)
			}
		}
	}
	if len(p.Numbers) == 0 {
		return nil, nil //nolint:nilnil // none is an answer
	}
	rows, err := s.q.DigestsByNumber(ctx, p)
	out := make(map[numbered]string, len(rows))
	for _, r := range rows {
		out[numbered{r.DeviceID, r.Artifact, r.Number}] = r.Digest
	}
	return out, err
}

// compareArtifacts answers a page of the newest states behind one, beside what their revisions say.
func (s *store) compareArtifacts(ctx context.Context, after place) ([]gitstoresql.CompareArtifactsRow, error) {
	return s.q.CompareArtifacts(ctx, gitstoresql.CompareArtifactsParams{AfterDevice: after.device, AfterName: after.name, PageSize: verifyPage})
}
