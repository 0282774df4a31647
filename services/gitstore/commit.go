package gitstore

import (
	"context"
	"errors"

	"github.com/google/uuid"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
)

const (
	// nobody is the author of what no device says who changed it.
	nobody = "netraven"
	// commitTries bounds how often another writer may be faster: an owner before us that has not noticed yet.
	commitTries = 3
)

// commitAll stores attempts: packs, then database, then refs. Attempts at the same device go in rounds. A round that another writer got ahead of leaves packs that nothing
// names, and is made again on top of what that one wrote. s.writing is held.
func (s *Service) commitAll(ctx context.Context, attempts []*attempt) error {
	s.lostKeys(attempts)
	attempts = open(attempts)
	for tries := 1; len(attempts) > 0; {
		err := s.commitRound(ctx, attempts)
		if errors.Is(err, errHeadMoved) && tries < commitTries {
			tries++
			continue
		}
		if err != nil {
			return err
		}
		attempts = open(attempts)
	}
	return nil
}

func (s *Service) commitRound(ctx context.Context, attempts []*attempt) error {
	if err := s.answerKnown(ctx, attempts); err != nil { // the same attempt may have come twice at once
		return err
	}
	attempts = open(attempts)
	devices := make([]uuid.UUID, 0, len(attempts))
	for _, a := range attempts {
		devices = append(devices, a.device)
	}
	now, err := s.store.states(ctx, devices)
	if err != nil {
		return err
	}
	if err := s.compareWith(ctx, attempts, now); err != nil {
		return err
	}
	p := newPlan(attempts, now)
	if err := s.readAllBefore(ctx, p); err != nil {
		return err
	}
	if len(p.done) == 0 {
		return nil
	}
	if err := s.setApart(ctx, p); err != nil {
		return err
	}
	packs, err := s.writePacks(ctx, p)
	if err != nil {
		return err
	}
	if err := s.store.record(ctx, p, packs, s.now()); err != nil {
		return err
	}
	s.committed()
	s.answer(p)
	return s.moveRefs(ctx, packs)
}

// moveRefs lets the refs follow the database.
func (s *Service) moveRefs(ctx context.Context, packs []packed) error {
	var failed []error
	for _, p := range packs {
		// What the database says counts: a ref that could not be moved is moved at the next commit or start.
		if err := p.in.SetHead(p.Parent, p.Head); err != nil {
			s.log.Error("the ref is behind the database", "repository", p.in.name, "err", err)
			failed = append(failed, p.in.AdvanceTo(ctx, p.Head))
		}
	}
	return errors.Join(failed...)
}

// answer decides the attempts of a plan that has been carried out.
func (s *Service) answer(p *plan) {
	made := map[*attempt][]uuid.UUID{}
	for _, w := range p.writes {
		made[w.attempt] = append(made[w.attempt], w.row.ID)
	}
	apart := p.apart()
	for _, a := range p.done {
		var about *gitstorev1.Suspect
		if x := apart[a]; x != nil {
			about = x.about
		}
		a.out = durable(made[a], about)
	}
}

// newRow is a revision's row but for what its text, the one before and git decide.
func (w *write) newRow() gitstoresql.CreateRevisionsParams {
	a := w.attempt
	row := gitstoresql.CreateRevisionsParams{ID: uuid.Must(uuid.NewV7()), DeviceID: a.device, Artifact: w.text.in.GetName(), Number: 1,
		Author: w.text.author, Digest: w.text.digest, Repository: w.repository, RunID: a.run, TaskID: a.task, Fence: a.in.GetFence(), CreatedAt: a.in.GetCollectedAt().AsTime()}
	if row.Author == "" {
		row.Author = nobody
	}
	return row
}
