package gitstore

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
)

// originals reads the sealed originals of some revisions, by revision.
func (s *store) originals(ctx context.Context, revisions []uuid.UUID) (map[uuid.UUID]gitstoresql.GetOriginalsRow, error) {
	rows, err := s.q.GetOriginals(ctx, revisions)
	out := make(map[uuid.UUID]gitstoresql.GetOriginalsRow, len(rows))
	for _, r := range rows {
		out[r.RevisionID] = r
	}
	return out, err
}

// addRemasked adds what a commit says of a revision whose text a page masked anew: each revision once.
func addRemasked(p *gitstoresql.RemaskRevisionsParams, row gitstoresql.CreateRevisionsParams) {
	p.DeviceIds, p.Artifacts, p.Numbers = append(p.DeviceIds, row.DeviceID), append(p.Artifacts, row.Artifact), append(p.Numbers, row.Number)
	p.Commits, p.Blobs, p.Repositories = append(p.Commits, row.CommitHash), append(p.Blobs, row.Blob), append(p.Repositories, row.Repository)
	p.Digests, p.Sizes = append(p.Digests, row.Digest), append(p.Sizes, row.Size)
	p.At, p.Fences = append(p.At, row.CreatedAt.Truncate(time.Second)), append(p.Fences, row.Fence) // of git's precision: a reindex finds the same
}

// recordRemasked gives revisions their new texts, and refreshes their originals.
func recordRemasked(ctx context.Context, q *gitstoresql.Queries, p *plan) error {
	if len(p.remasks) == 0 {
		return nil
	}
	var revisions gitstoresql.RemaskRevisionsParams
	var artifacts gitstoresql.PutArtifactsParams
	originals := gitstoresql.PutOriginalsParams{Repository: repository}
	for _, w := range p.remasks {
		addRemasked(&revisions, w.row)
		addState(&artifacts, w.state(w.old.RevisionID))
		addOriginal(&originals, w.old.RevisionID, w.attempt, w.text)
	}
	if err := q.RemaskRevisions(ctx, revisions); err != nil {
		return err
	}
	if err := q.PutArtifacts(ctx, artifacts); err != nil {
		return err
	}
	return q.PutOriginals(ctx, originals)
}

// remaskedRevision answers a revision that a page masked anew; nil when there is none with that number.
func (s *store) remaskedRevision(ctx context.Context, device uuid.UUID, artifact string, number int32) (*gitstoresql.RemaskedRevisionRow, error) {
	r, err := s.q.RemaskedRevision(ctx, gitstoresql.RemaskedRevisionParams{DeviceID: device, Artifact: artifact, Number: number})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is an answer, not a failure
	}
	return &r, err
}
