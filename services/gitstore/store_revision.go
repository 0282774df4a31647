package gitstore

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/errs"
)

// revision reads an index row; REVISION_NOT_FOUND if there is none.
func (s *store) revision(ctx context.Context, id uuid.UUID) (gitstoresql.Revision, error) {
	r, err := s.q.GetRevision(ctx, id)
	if errors.Is(err, pgx.ErrNoRows) {
		return r, errs.NotFound("revision", id.String())
	}
	return r, err
}

// revisions answers a page of a device's revisions, newest first; of all devices where none is named.
func (s *store) revisions(ctx context.Context, p gitstoresql.ListRevisionsParams) ([]gitstoresql.Revision, error) {
	switch {
	case p.DeviceID != uuid.Nil:
		return s.q.ListRevisions(ctx, p)
	case p.OneState && p.Suspect:
		return s.q.ListSuspects(ctx, gitstoresql.ListSuspectsParams{Artifact: p.Artifact, BeforeID: p.BeforeID, FromID: p.FromID,
			Since: p.Since, Until: p.Until, PageSize: p.PageSize})
	default:
		return s.q.ListAllRevisions(ctx, gitstoresql.ListAllRevisionsParams{Artifact: p.Artifact, Accepted: p.OneState, BeforeID: p.BeforeID, FromID: p.FromID,
			Since: p.Since, Until: p.Until, PageSize: p.PageSize})
	}
}

// original reads a revision's sealed original; nil if there is none.
func (s *store) original(ctx context.Context, revision uuid.UUID) (*gitstoresql.GetOriginalRow, error) {
	o, err := s.q.GetOriginal(ctx, revision)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is an answer, not a failure
	}
	return &o, err
}
