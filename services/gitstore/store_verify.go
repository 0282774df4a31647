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

// held is what the index has of a text: its digest, and the fence of the attempt that a changed page masked it anew with; 0: none did.
type held struct {
	digest string
	fence  int64
}

func holding(digest string, remasked *int64) held {
	h := held{digest: digest}
	if remasked != nil {
		h.fence = *remasked
	}
	return h
}

// revisionsOf answers what the index has of what some commits made.
func (s *store) revisionsOf(ctx context.Context, origins []*origin) (map[committed]held, error) {
	var p gitstoresql.RevisionsOfCommitsParams
	for _, o := range origins {
		p.DeviceIds, p.Commits = append(p.DeviceIds, o.device), append(p.Commits, o.commit.Hash.String())
	}
	rows, err := s.q.RevisionsOfCommits(ctx, p)
	out := make(map[committed]held, len(rows))
	for _, r := range rows {
		out[committed{r.CommitHash, r.DeviceID, r.Artifact}] = holding(r.Digest, r.RemaskedFence)
	}
	return out, err
}

// numbered names a revision of an artifact of a device.
type numbered struct {
	device   uuid.UUID
	artifact string
	number   int32
}

// earlierOf answers what the index has of the revisions that came before those of some commits in other repositories, and of those whose text they have anew.
func (s *store) earlierOf(ctx context.Context, origins []*origin) (map[numbered]held, error) {
	var p gitstoresql.DigestsByNumberParams
	for _, o := range origins {
		for _, a := range o.artifacts {
			if n := a.known(); n > 0 {
				p.DeviceIds, p.Artifacts, p.Numbers = append(p.DeviceIds, o.device), append(p.Artifacts, a.name), append(p.Numbers, n)
			}
		}
	}
	if len(p.Numbers) == 0 {
		return nil, nil //nolint:nilnil // none is an answer
	}
	rows, err := s.q.DigestsByNumber(ctx, p)
	out := make(map[numbered]held, len(rows))
	for _, r := range rows {
		out[numbered{r.DeviceID, r.Artifact, r.Number}] = holding(r.Digest, r.RemaskedFence)
	}
	return out, err
}

// remaskedOf answers what the index has of revisions that some commits made and a changed page masked anew: they name another commit now.
func (s *store) remaskedOf(ctx context.Context, made []deviceMade) (map[deviceMade]held, error) {
	var p gitstoresql.RemaskedRevisionsParams
	for _, m := range made {
		p.DeviceIds, p.Artifacts = append(p.DeviceIds, m.device), append(p.Artifacts, m.artifact)
		p.TaskIds, p.Fences = append(p.TaskIds, m.task), append(p.Fences, m.fence)
	}
	if len(made) == 0 {
		return nil, nil //nolint:nilnil // none is an answer
	}
	rows, err := s.q.RemaskedRevisions(ctx, p)
	out := make(map[deviceMade]held, len(rows))
	for _, r := range rows {
		out[deviceMade{r.DeviceID, madeKey{key{r.TaskID, r.Fence}, r.Artifact}}] = holding(r.Digest, r.RemaskedFence)
	}
	return out, err
}

// deviceMade names what an attempt at a device made.
type deviceMade struct {
	device uuid.UUID
	madeKey
}

// compareArtifacts answers a page of the newest states behind one, beside what their revisions say.
func (s *store) compareArtifacts(ctx context.Context, after place) ([]gitstoresql.CompareArtifactsRow, error) {
	return s.q.CompareArtifacts(ctx, gitstoresql.CompareArtifactsParams{AfterDevice: after.device, AfterName: after.name, PageSize: verifyPage})
}
