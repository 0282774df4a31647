package gitstore

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// maxForeign rows that git does not have are named; all are counted.
const maxForeign = 1000

// errKept rolls a rebuild back.
var errKept = errors.New("the index is left as it is")

// revisionsAt answers the rows of some commits, by commit.
func (s *store) revisionsAt(ctx context.Context, commits []*repo.Commit) (map[string][]gitstoresql.RevisionsAtRow, error) {
	hashes := make([]string, 0, len(commits))
	for _, c := range commits {
		hashes = append(hashes, c.Hash.String())
	}
	rows, err := s.q.RevisionsAt(ctx, hashes)
	out := map[string][]gitstoresql.RevisionsAtRow{}
	for _, r := range rows {
		out[r.CommitHash] = append(out[r.CommitHash], r)
	}
	return out, err
}

func (s *store) clearReindexed(ctx context.Context) error { return s.q.ClearReindexed(ctx) }

// addReindexed writes what was read since the last call.
func (s *store) addReindexed(ctx context.Context, f *found) error {
	rows := make([]gitstoresql.AddReindexedParams, 0, len(f.revisions))
	for _, r := range f.revisions {
		st := f.latest[r.DeviceID][r.Artifact] // of older ones nobody asks where they lie
		rows = append(rows, gitstoresql.AddReindexedParams{ID: r.ID, DeviceID: r.DeviceID, Artifact: r.Artifact, Number: r.Number, Size: r.Size, LinesAdded: r.LinesAdded,
			LinesRemoved: r.LinesRemoved, Author: r.Author, CommitHash: r.CommitHash, Blob: r.Blob, Digest: r.Digest, RunID: r.RunID, TaskID: r.TaskID, Fence: r.Fence,
			CreatedAt: r.CreatedAt, Repository: r.Repository,
			LiesIn: st.Repository, Path: st.Path, LastFence: st.Fence})
	}
	if _, err := s.q.AddReindexed(ctx, rows); err != nil {
		return err
	}
	if len(f.remasked) > 0 {
		if err := s.q.RemaskReindexed(ctx, gitstoresql.RemaskReindexedParams(f.remaskedRows())); err != nil {
			return err
		}
	}
	if len(f.moved) == 0 {
		return nil
	}
	var p gitstoresql.MoveReindexedParams
	for _, at := range f.moved {
		st := f.latest[at.device][at.name]
		p.DeviceIds, p.Artifacts, p.Numbers = append(p.DeviceIds, at.device), append(p.Artifacts, at.name), append(p.Numbers, st.Number)
		p.LiesIn, p.Paths, p.Fences = append(p.LiesIn, st.Repository), append(p.Paths, st.Path), append(p.Fences, st.Fence)
	}
	return s.q.MoveReindexed(ctx, p)
}

// rebuild makes the index what was read from git, and moves the heads, in one transaction. Rows that git does not have keep everything as it is, unless they are to go.
func (s *store) rebuild(ctx context.Context, heads gitstoresql.MoveHeadsParams, covered gitstoresql.CorrectCoveredParams, prune bool, since time.Time, out *Reindexed) error {
	err := pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		q := s.q.WithTx(tx)
		err := moveHeads(ctx, q, heads)
		if err != nil {
			return err
		}
		if out.Kept, err = q.AdoptRevisions(ctx); err != nil {
			return err
		}
		if out.Foreign, err = q.CountForeign(ctx); err != nil {
			return err
		}
		if out.ForeignRows, err = foreignRows(ctx, q); err != nil {
			return err
		}
		if out.Foreign > 0 && !prune {
			return errKept
		}
		if err := correct(ctx, q, since, out); err != nil {
			return err
		}
		return q.CorrectCovered(ctx, covered)
	})
	if errors.Is(err, errKept) {
		return nil
	}
	return err
}

func foreignRows(ctx context.Context, q *gitstoresql.Queries) ([]ForeignRow, error) {
	rows, err := q.ListForeign(ctx, maxForeign)
	out := make([]ForeignRow, 0, len(rows))
	for _, r := range rows {
		out = append(out, ForeignRow{Revision: r.ID.String(), Device: r.DeviceID.String(), Artifact: r.Artifact, Number: r.Number, Commit: r.CommitHash, CreatedAt: r.CreatedAt})
	}
	return out, err
}

// correct carries out the steps of reindex.sql.
func correct(ctx context.Context, q *gitstoresql.Queries, since time.Time, out *Reindexed) error {
	var err error
	count := func(to *int64, step func(context.Context) (int64, error)) {
		if err == nil {
			*to, err = step(ctx)
		}
	}
	do := func(step func(context.Context) error) {
		if err == nil {
			err = step(ctx)
		}
	}
	do(q.ForgetCompared)
	do(q.DropUncompared)
	do(q.DropForeign)
	do(q.ParkNumbers)
	count(&out.Corrected, q.CorrectRevisions)
	count(&out.Made, q.AddMissing)
	do(q.DropAccepted)
	var gone int64
	count(&gone, q.DropForeignArtifacts)
	count(&out.Artifacts, q.CorrectArtifacts)
	out.Artifacts += gone
	do(func(ctx context.Context) error { return q.CorrectAttempts(ctx, since) })
	do(q.ClearReindexed)
	out.Written = err == nil
	return err
}

// statesOf answers the newest states of devices that rows are of.
func (s *store) statesOf(ctx context.Context, rows map[string][]gitstoresql.RevisionsAtRow) (states, error) {
	var devices []uuid.UUID
	for _, of := range rows {
		for _, r := range of {
			devices = append(devices, r.DeviceID)
		}
	}
	return s.states(ctx, devices)
}
