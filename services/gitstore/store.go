package gitstore

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
)

// store is gitstore's schema. Safe for concurrent use.
type store struct {
	pool *pgxpool.Pool
	q    *gitstoresql.Queries
}

func newStore(pool *pgxpool.Pool) *store { return &store{pool: pool, q: gitstoresql.New(pool)} }

func (s *store) states(ctx context.Context, devices []uuid.UUID) (states, error) {
	rows, err := s.q.GetArtifacts(ctx, devices)
	out := states{}
	for _, r := range rows {
		if out[r.DeviceID] == nil {
			out[r.DeviceID] = map[string]gitstoresql.Artifact{}
		}
		out[r.DeviceID][r.Name] = r
	}
	return out, err
}

// storedAttempt is the first answer an attempt got.
type storedAttempt struct {
	revisions []uuid.UUID
	suspect   *gitstorev1.Suspect
}

func (s *store) stored(ctx context.Context, attempts []*attempt) (map[key]storedAttempt, error) {
	var p gitstoresql.GetStoredParams
	for _, a := range attempts {
		p.TaskIds, p.Fences = append(p.TaskIds, a.task), append(p.Fences, a.in.GetFence())
	}
	rows, err := s.q.GetStored(ctx, p)
	if err != nil {
		return nil, err
	}
	out := make(map[key]storedAttempt, len(rows))
	for _, r := range rows {
		a := storedAttempt{revisions: r.RevisionIds}
		if r.Suspect != nil {
			a.suspect = &gitstorev1.Suspect{}
			if err := proto.Unmarshal(r.Suspect, a.suspect); err != nil {
				return nil, err
			}
		}
		out[key{r.TaskID, r.Fence}] = a
	}
	return out, nil
}

// databaseFull tells whether the database has no room on its disk.
func databaseFull(err error) bool {
	const diskFull = "53100"
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == diskFull
}

// record moves the heads of all packs and writes every row of a plan, in one transaction.
func (s *store) record(ctx context.Context, p *plan, packs []packed, now time.Time) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		q := s.q.WithTx(tx)
		if err := moveHeads(ctx, q, headsMoved(packs)); err != nil {
			return err
		}
		if err := forgetSuspects(ctx, q, p); err != nil {
			return err
		}
		if err := recordWrites(ctx, q, p); err != nil {
			return err
		}
		if err := recordSuspects(ctx, q, p); err != nil {
			return err
		}
		if err := recordSeen(ctx, q, p); err != nil {
			return err
		}
		if err := recordRemasked(ctx, q, p); err != nil {
			return err
		}
		if err := recordMoved(ctx, q, p); err != nil {
			return err
		}
		if err := coverOthers(ctx, q, p.commits()); err != nil {
			return err
		}
		return q.PutStored(ctx, storedRows(p, now))
	})
}

func recordWrites(ctx context.Context, q *gitstoresql.Queries, p *plan) error {
	if len(p.writes) == 0 {
		return nil
	}
	var revisions []gitstoresql.CreateRevisionsParams
	var artifacts gitstoresql.PutArtifactsParams
	originals := gitstoresql.PutOriginalsParams{Repository: repository}
	for _, w := range p.writes {
		revisions = append(revisions, w.row)
		addState(&artifacts, w.state(w.row.ID))
		addOriginal(&originals, w.row.ID, w.attempt, w.text)
	}
	if _, err := q.CreateRevisions(ctx, revisions); err != nil {
		return err
	}
	if err := q.PutArtifacts(ctx, artifacts); err != nil {
		return err
	}
	return q.PutOriginals(ctx, originals)
}

// state is the newest one of the artifact once the write is committed.
func (w *write) state(revision uuid.UUID) gitstoresql.Artifact {
	return gitstoresql.Artifact{DeviceID: w.row.DeviceID, Name: w.row.Artifact, Repository: w.repository, Path: w.path, RevisionID: revision, Number: w.row.Number, Blob: w.row.Blob,
		TextDigest: w.row.Digest, Label: w.text.in.GetLabel(), Digest: w.text.in.GetDigest(), Fence: w.row.Fence, SeenAt: w.row.CreatedAt}
}

func addState(p *gitstoresql.PutArtifactsParams, a gitstoresql.Artifact) {
	p.DeviceIds, p.Names, p.Paths = append(p.DeviceIds, a.DeviceID), append(p.Names, a.Name), append(p.Paths, a.Path)
	p.RevisionIds, p.Numbers, p.Blobs = append(p.RevisionIds, a.RevisionID), append(p.Numbers, a.Number), append(p.Blobs, a.Blob)
	p.TextDigests, p.Labels, p.Digests = append(p.TextDigests, a.TextDigest), append(p.Labels, a.Label), append(p.Digests, a.Digest)
	p.Fences, p.SeenAt, p.Repositories = append(p.Fences, a.Fence), append(p.SeenAt, a.SeenAt), append(p.Repositories, a.Repository)
	p.Covered = append(p.Covered, a.Covered)
}

func addOriginal(p *gitstoresql.PutOriginalsParams, revision uuid.UUID, a *attempt, t text) {
	p.RevisionIds, p.Sealed = append(p.RevisionIds, revision), append(p.Sealed, t.in.GetSealed())
	p.TaskIds, p.Fences, p.Sizes = append(p.TaskIds, a.task), append(p.Fences, a.in.GetFence()), append(p.Sizes, t.in.GetSize())
}

// recordSeen notes what stayed. Where fresh bytes came, the original is refreshed though the masked text is the same.
func recordSeen(ctx context.Context, q *gitstoresql.Queries, p *plan) error {
	var plain gitstoresql.SeeArtifactsParams
	var fresh gitstoresql.PutArtifactsParams
	originals := gitstoresql.PutOriginalsParams{Repository: repository}
	for _, s := range p.seen {
		at := s.attempt.in.GetCollectedAt().AsTime()
		if s.in.GetUnchanged() {
			plain.DeviceIds, plain.Names = append(plain.DeviceIds, s.attempt.device), append(plain.Names, s.in.GetName())
			plain.Fences, plain.SeenAt = append(plain.Fences, s.attempt.in.GetFence()), append(plain.SeenAt, at)
			continue
		}
		st := s.state
		st.Fence, st.SeenAt = s.attempt.in.GetFence(), at
		addState(&fresh, st)
		addOriginal(&originals, st.RevisionID, s.attempt, text{in: s.in})
	}
	if len(plain.Names) > 0 {
		if err := q.SeeArtifacts(ctx, plain); err != nil {
			return err
		}
	}
	if len(fresh.Names) == 0 {
		return nil
	}
	if err := q.PutArtifacts(ctx, fresh); err != nil {
		return err
	}
	return q.PutOriginals(ctx, originals)
}

func storedRows(p *plan, now time.Time) gitstoresql.PutStoredParams {
	made := map[*attempt][]string{}
	for _, w := range p.writes {
		made[w.attempt] = append(made[w.attempt], w.row.ID.String())
	}
	out, apart := gitstoresql.PutStoredParams{At: now}, p.apart()
	for _, a := range p.done {
		var packed []byte
		if x := apart[a]; x != nil {
			packed = x.packed
		}
		out.Suspects = append(out.Suspects, packed)
		out.TaskIds, out.Fences, out.DeviceIds = append(out.TaskIds, a.task), append(out.Fences, a.in.GetFence()), append(out.DeviceIds, a.device)
		out.Observations, out.RevisionIds = append(out.Observations, p.observations[a]), append(out.RevisionIds, strings.Join(made[a], ","))
	}
	return out
}
