package gitstore

import (
	"context"
	"fmt"
	"path"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

const (
	erasePage = 2000
	// eraseTime bounds the one transaction: it may write every row of the index.
	eraseTime = time.Hour
)

// erasedRows is what an erasure changes in the database.
type erasedRows struct {
	at        time.Time
	parts     []*erasedPart
	revisions gitstoresql.RewriteRevisionsParams
	// changed are the revisions among them whose text is another.
	changed  []uuid.UUID
	suspects gitstoresql.RewriteSuspectsParams
	// whole: all that there is of the devices goes. dropOriginals: the originals of the changed revisions do.
	whole, dropOriginals bool
	devices              []uuid.UUID
	// covered are the artifacts that others cover still, where all goes.
	covered gitstoresql.CorrectCoveredParams
}

// recordErasure moves the heads to the new history and lets the index follow, in one transaction. errHeadMoved when a head is not where the new history began.
func (s *store) recordErasure(ctx context.Context, e *erasedRows) error {
	ctx, cancel := context.WithTimeout(ctx, eraseTime)
	defer cancel()
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		q := s.q.WithTx(tx)
		if err := e.moveHeads(ctx, q); err != nil {
			return err
		}
		if e.whole {
			return e.dropDevices(ctx, q)
		}
		return e.rewriteRows(ctx, q)
	})
}

// moveHeads moves those of all repositories that were made again, and leaves a row for each; where none was (only suspects changed), one, so that the mirror follows.
func (e *erasedRows) moveHeads(ctx context.Context, q *gitstoresql.Queries) error {
	var heads gitstoresql.MoveHeadsParams
	for _, p := range e.parts {
		heads.Names, heads.Olds, heads.Nexts = append(heads.Names, p.in.name), append(heads.Olds, headText(p.head)), append(heads.Nexts, headText(p.made.Head))
	}
	if err := moveHeads(ctx, q, heads); err != nil {
		return err
	}
	for i, p := range e.parts {
		commits := gitstoresql.RecordErasedCommitsParams{Repository: p.in.name}
		for old, next := range p.made.Commits {
			commits.Olds, commits.News = append(commits.Olds, headText(old)), append(commits.News, headText(next))
		}
		if err := q.RecordErasedCommits(ctx, commits); err != nil {
			return err
		}
		if err := e.row(ctx, q, p.in.name, heads.Olds[i], heads.Nexts[i]); err != nil {
			return err
		}
	}
	if len(e.parts) == 0 {
		return e.row(ctx, q, repository, "", "")
	}
	return q.RenameCommits(ctx)
}

func (e *erasedRows) row(ctx context.Context, q *gitstoresql.Queries, name, old, next string) error {
	return q.RecordErasure(ctx, gitstoresql.RecordErasureParams{ID: uuid.Must(uuid.NewV7()), Repository: name, OldHead: old, NewHead: next, At: e.at})
}

func (e *erasedRows) rewriteRows(ctx context.Context, q *gitstoresql.Queries) error {
	if err := q.RewriteRevisions(ctx, e.revisions); err != nil {
		return err
	}
	if err := q.DropGone(ctx, e.revisions.Ids); err != nil {
		return err
	}
	if err := q.FollowRevisions(ctx, e.changed); err != nil {
		return err
	}
	if e.dropOriginals {
		if err := q.DropOriginals(ctx, e.changed); err != nil {
			return err
		}
	}
	return q.RewriteSuspects(ctx, e.suspects)
}

// dropDevices leaves an order to shred: the next start destroys the keys, and the mirror forgets the originals.
func (e *erasedRows) dropDevices(ctx context.Context, q *gitstoresql.Queries) error {
	if err := q.DropRevisions(ctx, e.devices); err != nil {
		return err
	}
	for _, d := range e.devices {
		if err := q.OrderShred(ctx, gitstoresql.OrderShredParams{DeviceID: d, At: e.at}); err != nil {
			return err
		}
	}
	if err := q.DropArtifacts(ctx, e.devices); err != nil {
		return err
	}
	return q.CorrectCovered(ctx, e.covered)
}

// unfinishedErasures are those that branch and packs have not followed.
func (s *store) unfinishedErasures(ctx context.Context) ([]gitstoresql.UnfinishedErasuresRow, error) {
	return s.q.UnfinishedErasures(ctx)
}

func (s *store) finishErasures(ctx context.Context, now time.Time) error {
	return s.q.FinishErasures(ctx, now)
}

// wasErased tells whether a commit was in a repository until an erasure.
func (s *store) wasErased(ctx context.Context, repository string, commit repo.Hash) (bool, error) {
	return s.q.WasErased(ctx, gitstoresql.WasErasedParams{Repository: repository, Old: headText(commit)})
}

// InUse tells whether somebody is connected to a database as a gitstore's pool is: under its application name, which that of the pool that asks is not.
func InUse(ctx context.Context, pool *pgxpool.Pool, name string) (bool, error) {
	n, err := newStore(pool).q.OthersConnected(ctx, name)
	return n > 0, err
}

// devicesNamed finds devices by id, or by where their files lie.
func (s *store) devicesNamed(ctx context.Context, names []string) ([]uuid.UUID, error) {
	paths, err := s.q.ArtifactPaths(ctx)
	if err != nil {
		return nil, err
	}
	var out []uuid.UUID
	for _, name := range names {
		found := map[string]string{}
		id, _ := uuid.Parse(name)
		for _, p := range paths {
			if p.DeviceID == id || isCalled(p.Path, name) {
				found[p.DeviceID.String()] = path.Dir(p.Path)
			}
		}
		if len(found) != 1 {
			return nil, notOne(name, found)
		}
		for id := range found {
			out = append(out, uuid.MustParse(id))
		}
	}
	return out, nil
}

func (s *store) revisionsNamed(ctx context.Context, names []string) ([]gitstoresql.RevisionsByIDsRow, error) {
	var ids []uuid.UUID
	for _, n := range names {
		id, err := uuid.Parse(n)
		if err != nil {
			return nil, fmt.Errorf("there is no revision %q", n)
		}
		ids = append(ids, id)
	}
	rows, err := s.q.RevisionsByIDs(ctx, ids)
	if err == nil && len(rows) != len(ids) {
		err = fmt.Errorf("of the %d revisions there are only %d", len(ids), len(rows))
	}
	return rows, err
}

func (s *store) eachRevision(ctx context.Context, devices []uuid.UUID, do func(gitstoresql.RevisionsInOrderRow) error) error {
	p := gitstoresql.RevisionsInOrderParams{DeviceIds: devices, PageSize: erasePage}
	for {
		rows, err := s.q.RevisionsInOrder(ctx, p)
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			if err := do(r); err != nil {
				return err
			}
		}
		last := rows[len(rows)-1]
		p.AfterDevice, p.AfterArtifact, p.AfterNumber = last.DeviceID, last.Artifact, last.Number
	}
}

// revisionsElsewhere are those of other devices that have one of the texts.
func (s *store) revisionsElsewhere(ctx context.Context, texts map[repo.Hash]changedText, devices []uuid.UUID) ([]gitstoresql.RevisionsElsewhereRow, error) {
	return s.q.RevisionsElsewhere(ctx, gitstoresql.RevisionsElsewhereParams{Blobs: names(texts), DeviceIds: devices})
}

func (s *store) suspectTexts(ctx context.Context, devices []uuid.UUID) ([]gitstoresql.SuspectTextsRow, error) {
	return s.q.SuspectTexts(ctx, devices)
}

// newestOf answers the artifacts that have one of the texts now, of all devices.
func (s *store) newestOf(ctx context.Context, texts map[repo.Hash]changedText) ([]gitstoresql.NewestOfBlobsRow, error) {
	return s.q.NewestOfBlobs(ctx, names(texts))
}

func names(texts map[repo.Hash]changedText) []string {
	out := make([]string, 0, len(texts))
	for h := range texts {
		out = append(out, h.String())
	}
	return out
}

// unauditedErasures are those that the audit trail does not have.
func (s *store) unauditedErasures(ctx context.Context) ([]gitstoresql.UnauditedErasuresRow, error) {
	return s.q.UnauditedErasures(ctx)
}

func (s *store) auditedErasures(ctx context.Context, ids []uuid.UUID) error {
	return s.q.AuditedErasures(ctx, ids)
}
