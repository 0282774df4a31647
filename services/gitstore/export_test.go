package gitstore

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// TickOnce is what Run does once an hour, SiftAll every two seconds, CheckIndex once an hour.
var (
	TickOnce   = (*Service).tickOnce
	SiftAll    = (*Service).siftAll
	CheckIndex = (*Service).checkIndex
	FoldOnce   = (*Service).foldOnce
)

// PageTime is how long a page of hits may take.
const PageTime = pageTime

// Fill commits a text for each of some devices, without seal and mask.
func (s *Service) Fill(ctx context.Context, first, n int, text func(i int) (name string, masked []byte)) error {
	head, err := s.store.head(ctx)
	if err != nil {
		return err
	}
	var changes []repo.Change
	var state gitstoresql.PutArtifactsParams
	for i := first; i < first+n; i++ {
		name, masked := text(i)
		path := fmt.Sprintf("site%03d/%s/running.cfg", i/1000, name)
		changes = append(changes, repo.Change{Edits: []repo.Edit{repo.Put(path, masked)}, Message: "fill", When: time.Unix(1_700_000_000, 0)})
		addState(&state, gitstoresql.Artifact{DeviceID: uuid.NewSHA1(uuid.Nil, []byte(name)), Name: "running.cfg", Path: path, RevisionID: uuid.Must(uuid.NewV7()), Number: 1})
	}
	batch, err := s.repo.Prepare(ctx, head, changes)
	if err != nil {
		return err
	}
	for i, c := range batch.Commits {
		state.Blobs[i] = c.Blobs[0].String()
	}
	if _, err := s.store.q.MoveHead(ctx, gitstoresql.MoveHeadParams{Name: repository, Old: headText(head), Next: headText(batch.Head)}); err != nil {
		return err
	}
	if err := s.store.q.PutArtifacts(ctx, state); err != nil {
		return err
	}
	return s.repo.SetHead(head, batch.Head)
}

// Candidates is how many texts a search for a literal would read.
func (s *Service) Candidates(ctx context.Context, in string) (int, error) {
	q, err := newSearch(&gitstorev1.SearchConfigsRequest{Q: in})
	if err != nil {
		return 0, err
	}
	blobs, all, err := s.candidates(ctx, q.pattern.Need())
	if all {
		return -1, err
	}
	return len(blobs), err
}

// MirrorOnce is one round of the mirror.
func (s *Service) MirrorOnce(ctx context.Context) error { return s.mirror.once(ctx) }

// MirrorLag is what the metric says.
func (s *Service) MirrorLag() time.Duration { return s.mirror.lag() }

// Broken has Erase end with an error after a step.
func Broken(cfg EraseConfig, after string, err error) EraseConfig {
	cfg.broken = func(step string) error {
		if step == after {
			return err
		}
		return nil
	}
	return cfg
}
