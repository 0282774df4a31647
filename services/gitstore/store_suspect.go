package gitstore

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/errs"
)

// waiting are the suspects that the artifacts of these have already.
func (s *store) waiting(ctx context.Context, suspects []*suspect) (map[artifactKey]gitstoresql.GetSuspectsRow, error) {
	var p gitstoresql.GetSuspectsParams
	for _, x := range suspects {
		p.DeviceIds, p.Artifacts = append(p.DeviceIds, x.attempt.device), append(p.Artifacts, x.text.in.GetName())
	}
	rows, err := s.q.GetSuspects(ctx, p)
	out := make(map[artifactKey]gitstoresql.GetSuspectsRow, len(rows))
	for _, r := range rows {
		out[artifactKey{r.DeviceID, r.Artifact}] = r
	}
	return out, err
}

// suspect reads one with all that its commit needs; nil when it is not kept apart any more.
func (s *store) suspect(ctx context.Context, id uuid.UUID) (*gitstoresql.GetSuspectRow, error) {
	r, err := s.q.GetSuspect(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is an answer, not a failure
	}
	return &r, err
}

// suspectText reads what is kept apart; REVISION_NOT_FOUND when it is not any more.
func (s *store) suspectText(ctx context.Context, id uuid.UUID) ([]byte, error) {
	b, err := s.q.GetSuspectText(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errs.NotFound("revision", id.String())
	}
	return b, err
}

// forgetSuspects drops those of artifacts that something newer is known of: that they are whole, or another suspect.
func forgetSuspects(ctx context.Context, q *gitstoresql.Queries, p *plan) error {
	var gone gitstoresql.DeleteSuspectsParams
	add := func(device uuid.UUID, artifact string) {
		gone.DeviceIds, gone.Artifacts = append(gone.DeviceIds, device), append(gone.Artifacts, artifact)
	}
	for _, w := range slices.Concat(p.writes, p.remasks) {
		add(w.attempt.device, w.text.in.GetName())
	}
	for _, x := range p.seen {
		add(x.attempt.device, x.in.GetName())
	}
	for _, x := range p.suspects {
		if !x.again {
			add(x.attempt.device, x.text.in.GetName())
		}
	}
	if len(gone.Artifacts) == 0 {
		return nil
	}
	return q.DeleteSuspects(ctx, gone)
}

// recordSuspects keeps them apart. Their artifacts stay as they are, but that an older attempt must not decide them any more.
func recordSuspects(ctx context.Context, q *gitstoresql.Queries, p *plan) error {
	if len(p.suspects) == 0 {
		return nil
	}
	var revisions []gitstoresql.CreateRevisionsParams
	var texts gitstoresql.PutSuspectsParams
	originals := gitstoresql.PutOriginalsParams{Repository: repository}
	var fences gitstoresql.SeeArtifactsParams
	for _, x := range p.suspects {
		in := x.attempt.in
		if !x.again {
			revisions = append(revisions, x.row)
		}
		texts.RevisionIds, texts.Masked = append(texts.RevisionIds, x.row.ID), append(texts.Masked, x.text.masked)
		texts.Labels, texts.Digests = append(texts.Labels, x.text.in.GetLabel()), append(texts.Digests, x.text.in.GetDigest())
		texts.Fences, texts.SeenAt = append(texts.Fences, in.GetFence()), append(texts.SeenAt, in.GetCollectedAt().AsTime())
		addOriginal(&originals, x.row.ID, x.attempt, x.text)
		fences.DeviceIds, fences.Names = append(fences.DeviceIds, x.attempt.device), append(fences.Names, x.text.in.GetName())
		fences.Fences, fences.SeenAt = append(fences.Fences, in.GetFence()), append(fences.SeenAt, x.old.SeenAt)
	}
	if _, err := q.CreateRevisions(ctx, revisions); err != nil {
		return err
	}
	if err := q.PutSuspects(ctx, texts); err != nil {
		return err
	}
	if err := q.PutOriginals(ctx, originals); err != nil {
		return err
	}
	return q.SeeArtifacts(ctx, fences)
}

// recordAccepted moves the head and makes a suspect the current revision, in one transaction.
func (s *store) recordAccepted(ctx context.Context, w *write, kept gitstoresql.GetSuspectRow, packs []packed) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		q := s.q.WithTx(tx)
		if err := moveHeads(ctx, q, headsMoved(packs)); err != nil {
			return err
		}
		n, err := q.AcceptSuspect(ctx, gitstoresql.AcceptSuspectParams{ID: kept.ID, Number: w.row.Number, LinesAdded: w.row.LinesAdded,
			LinesRemoved: w.row.LinesRemoved, CommitHash: w.row.CommitHash, Blob: w.row.Blob, Repository: w.repository})
		if err != nil {
			return err
		}
		if n == 0 {
			return errs.NotFound("revision", kept.ID.String())
		}
		if err := q.TouchOriginal(ctx, gitstoresql.TouchOriginalParams{Repository: repository, RevisionID: kept.ID}); err != nil {
			return err
		}
		var p gitstoresql.PutArtifactsParams
		addState(&p, gitstoresql.Artifact{DeviceID: kept.DeviceID, Name: kept.Artifact, Repository: w.repository, Path: w.path, RevisionID: kept.ID, Number: w.row.Number, Blob: w.row.Blob,
			TextDigest: kept.TextDigest, Label: kept.Label, Digest: kept.Digest, Fence: kept.Fence, SeenAt: kept.SeenAt})
		if err := q.PutArtifacts(ctx, p); err != nil {
			return err
		}
		return coverOthers(ctx, q, []*write{w})
	})
}

func (s *store) expireSuspects(ctx context.Context, before time.Time) (int64, error) {
	return s.q.ExpireSuspects(ctx, before)
}
