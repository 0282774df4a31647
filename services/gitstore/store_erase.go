package gitstore

import (
	"context"
	"errors"
	"fmt"
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
	id        uuid.UUID
	at        time.Time
	old       repo.Hash
	made      *repo.Rewritten
	revisions gitstoresql.RewriteRevisionsParams
	// changed are the revisions among them whose text is another.
	changed  []uuid.UUID
	suspects gitstoresql.RewriteSuspectsParams
	// whole: all that there is of the devices goes. dropOriginals: the originals of the changed revisions do.
	whole, dropOriginals bool
	devices              []uuid.UUID
}

// recordErasure moves the head to the new history and lets the index follow, in one transaction. errHeadMoved when the head is not where the new history began.
func (s *store) recordErasure(ctx context.Context, e *erasedRows) error {
	ctx, cancel := context.WithTimeout(ctx, eraseTime)
	defer cancel()
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		q := s.q.WithTx(tx)
		n, err := q.MoveHead(ctx, gitstoresql.MoveHeadParams{Name: repository, Old: headText(e.old), Next: headText(e.made.Head)})
		if err != nil {
			return err
		}
		if n == 0 {
			return errHeadMoved
		}
		if err := e.renameCommits(ctx, q); err != nil {
			return err
		}
		if e.whole {
			if err := e.dropDevices(ctx, q); err != nil {
				return err
			}
		} else if err := e.rewriteRows(ctx, q); err != nil {
			return err
		}
		return q.RecordErasure(ctx, gitstoresql.RecordErasureParams{ID: e.id, Repository: repository, OldHead: headText(e.old), NewHead: headText(e.made.Head), At: e.at})
	})
}

func (e *erasedRows) renameCommits(ctx context.Context, q *gitstoresql.Queries) error {
	var p gitstoresql.RecordErasedCommitsParams
	for old, next := range e.made.Commits {
		p.Olds, p.News = append(p.Olds, headText(old)), append(p.News, headText(next))
	}
	if err := q.RecordErasedCommits(ctx, p); err != nil {
		return err
	}
	return q.RenameCommits(ctx)
}

func (e *erasedRows) rewriteRows(ctx context.Context, q *gitstoresql.Queries) error {
	if err := q.RewriteRevisions(ctx, e.revisions); err != nil {
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
	return q.DropArtifacts(ctx, e.devices)
}

// unfinishedErasure is the one that branch and packs have not followed; nil: they have.
func (s *store) unfinishedErasure(ctx context.Context) (*gitstoresql.UnfinishedErasureRow, error) {
	row, err := s.q.UnfinishedErasure(ctx, repository)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil //nolint:nilnil // none is the usual answer
	}
	return &row, err
}

func (s *store) finishErasures(ctx context.Context, now time.Time) error {
	return s.q.FinishErasures(ctx, gitstoresql.FinishErasuresParams{At: now, Repository: repository})
}

// wasErased tells whether a commit was in the history until an erasure.
func (s *store) wasErased(ctx context.Context, commit repo.Hash) (bool, error) {
	return s.q.WasErased(ctx, headText(commit))
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
		found := map[uuid.UUID]string{}
		id, _ := uuid.Parse(name)
		for _, p := range paths {
			if p.DeviceID == id || matches(p.Path, name) {
				found[p.DeviceID] = p.Path
			}
		}
		if len(found) != 1 {
			return nil, fmt.Errorf("%d devices of the history are called %q %v: name one by its id, or as SITE/NAME", len(found), name, found)
		}
		for id := range found {
			out = append(out, id)
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

// newestOf answers the artifacts that have one of the texts now.
func (s *store) newestOf(ctx context.Context, texts map[repo.Hash]changedText, devices []uuid.UUID) ([]string, error) {
	rows, err := s.q.NewestOfBlobs(ctx, gitstoresql.NewestOfBlobsParams{Blobs: names(texts), DeviceIds: devices})
	out := make([]string, len(rows))
	for i, r := range rows {
		out[i] = r.DeviceID.String() + "/" + r.Name
	}
	return out, err
}

func names(texts map[repo.Hash]changedText) []string {
	out := make([]string, 0, len(texts))
	for h := range texts {
		out = append(out, h.String())
	}
	return out
}
