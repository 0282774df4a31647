package gitstore

import (
	"context"
	"errors"
	"strconv"

	"github.com/google/uuid"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
)

const (
	// nobody is the author of what no device says who changed it.
	nobody = "netraven"
	// commitTries bounds how often another writer may be faster: an owner before us that has not noticed yet.
	commitTries = 3
)

// commit stores attempts: pack, then database, then ref. Attempts at the same device go in rounds. A round that another writer got ahead of leaves a pack that nothing names, and is made again on top
// of what that one wrote.
func (s *Service) commit(ctx context.Context, attempts []*attempt) error {
	s.writing.Lock()
	defer s.writing.Unlock()
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
	batch, err := s.writePack(ctx, p)
	if err != nil {
		return err
	}
	if err := s.store.record(ctx, p, batch, s.now()); err != nil {
		return err
	}
	s.mirror.changed()
	s.answer(p)
	return s.moveRef(ctx, batch)
}

// moveRef lets the ref follow the database.
func (s *Service) moveRef(ctx context.Context, batch *repo.Batch) error {
	if batch == nil {
		return nil
	}
	// What the database says counts: a ref that could not be moved is moved at the next commit or start.
	if err := s.repo.SetHead(batch.Parent, batch.Head); err != nil {
		s.log.Error("the ref is behind the database", "err", err)
		return s.repo.AdvanceTo(ctx, batch.Head)
	}
	return nil
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

// writePack makes one commit per changed device on top of the database's head, durable but not yet named. It answers nil when nothing changed.
func (s *Service) writePack(ctx context.Context, p *plan) (*repo.Batch, error) {
	if len(p.writes) == 0 {
		return nil, nil //nolint:nilnil // no batch is an answer, not a failure
	}
	head, err := s.store.head(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.place(head, p.writes); err != nil {
		return nil, err
	}
	foreign, err := s.store.othersAt(ctx, p.writes)
	if err != nil {
		return nil, err
	}
	var changes []repo.Change
	var groups [][]*write
	for _, group := range byAttempt(p.writes) {
		change, err := s.change(ctx, group, foreign)
		if err != nil {
			return nil, err
		}
		changes, groups = append(changes, change), append(groups, group)
	}
	batch, err := s.repo.Prepare(ctx, head, changes)
	if err != nil {
		return nil, err
	}
	for i, group := range groups {
		for j, w := range group {
			w.row.CommitHash = batch.Commits[i].Commit.String()
			w.row.Blob = batch.Commits[i].Blobs[len(batch.Commits[i].Blobs)-len(group)+j].String() // the puts come last
		}
	}
	return batch, nil
}

// byAttempt groups writes that lie side by side.
func byAttempt(writes []*write) [][]*write {
	var out [][]*write
	for _, w := range writes {
		if n := len(out); n > 0 && out[n-1][0].attempt == w.attempt {
			out[n-1] = append(out[n-1], w)
		} else {
			out = append(out, []*write{w})
		}
	}
	return out
}

// change is one device's commit: old paths of a renamed device go, new contents come.
func (s *Service) change(ctx context.Context, group []*write, foreign map[string]bool) (repo.Change, error) {
	var c repo.Change
	a := group[0].attempt
	for _, w := range group {
		if err := s.prepare(ctx, w); err != nil {
			return c, err
		}
		if w.old != nil && w.old.Path != w.path && !foreign[w.old.Path] {
			c.Edits = append(c.Edits, repo.Remove(w.old.Path))
		}
	}
	for _, w := range group {
		c.Edits = append(c.Edits, repo.Put(w.path, w.text.masked))
	}
	first := group[0]
	c.When = a.in.GetCollectedAt().AsTime()
	if first.text.author != "" {
		c.Author = repo.Signature{Name: first.text.author, Email: repo.SafeName(first.text.author) + "@" + repo.SafeName(a.in.GetDeviceName()), When: c.When}
	}
	c.Message = repo.Message(repo.Subject(a.in.GetDeviceName(), first.text.in.GetName(), int(first.row.LinesAdded), int(first.row.LinesRemoved)), trailers(group))
	return c, nil
}

func trailers(group []*write) repo.Trailers {
	a := group[0].attempt.in
	t := repo.Trailers{
		{Key: repo.TrailerRun, Value: a.GetRunId()}, {Key: repo.TrailerTask, Value: a.GetTaskId()}, {Key: repo.TrailerDevice, Value: a.GetDeviceId()},
		{Key: repo.TrailerFence, Value: strconv.FormatInt(a.GetFence(), 10)},
	}
	for _, w := range group {
		t = append(t, repo.Trailer{Key: repo.TrailerArtifact, Value: w.text.in.GetName()}, repo.Trailer{Key: repo.TrailerDigest, Value: w.text.digest})
	}
	return append(t, repo.Trailer{Key: repo.TrailerAccepted, Value: group[0].acceptedBy})
}

// prepare fills a revision's row but for what git decides.
func (s *Service) prepare(ctx context.Context, w *write) error {
	w.row = w.newRow()
	if w.old != nil {
		w.row.Number = w.old.Number + 1
		if err := s.readBefore(ctx, w); err != nil {
			return err
		}
	}
	measure(&w.row, w.before, w.text.masked)
	return nil
}

// newRow is a revision's row but for what its text, the one before and git decide.
func (w *write) newRow() gitstoresql.CreateRevisionsParams {
	a := w.attempt
	row := gitstoresql.CreateRevisionsParams{ID: uuid.Must(uuid.NewV7()), DeviceID: a.device, Artifact: w.text.in.GetName(), Number: 1,
		Author: w.text.author, Digest: w.text.digest, RunID: a.run, TaskID: a.task, Fence: a.in.GetFence(), CreatedAt: a.in.GetCollectedAt().AsTime()}
	if row.Author == "" {
		row.Author = nobody
	}
	return row
}
