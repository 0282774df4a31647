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

// nobody is the author of what no device says who changed it.
const nobody = "netraven"

// commit stores attempts: pack, then database, then ref. Attempts at the same device go in rounds.
func (s *Service) commit(ctx context.Context, attempts []*attempt) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.lostKeys(attempts)
	attempts = open(attempts)
	for len(attempts) > 0 {
		if err := s.commitRound(ctx, attempts); err != nil {
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
	foreign, err := s.store.othersAt(ctx, p.writes)
	if err != nil {
		return nil, err
	}
	var changes []repo.Change
	var groups [][]*write
	for _, group := range byAttempt(p.writes) {
		change, err := s.change(ctx, head, group, foreign)
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
func (s *Service) change(ctx context.Context, head repo.Hash, group []*write, foreign map[string]bool) (repo.Change, error) {
	var c repo.Change
	a := group[0].attempt
	for _, w := range group {
		if err := s.prepare(ctx, head, w); err != nil {
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
func (s *Service) prepare(ctx context.Context, head repo.Hash, w *write) error {
	w.row = w.newRow()
	if w.old != nil {
		w.row.Number = w.old.Number + 1
		if err := s.readBefore(ctx, w); err != nil {
			return err
		}
	} else if err := s.avoidTwin(head, w); err != nil {
		return err
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

// readBefore reads the newest text before, once.
func (s *Service) readBefore(ctx context.Context, w *write) error {
	if w.before != nil {
		return nil
	}
	var err error
	w.before, err = s.blob(ctx, w.old.Blob)
	return err
}

// measure fills what a revision's row says about its text and the one before.
func measure(row *gitstoresql.CreateRevisionsParams, before, masked []byte) {
	added, removed := repo.Stat(before, masked)
	row.Size, row.LinesAdded, row.LinesRemoved = int32(min(len(masked), maxOriginal*2)), int32(min(added, 1<<30)), int32(min(removed, 1<<30))
}

// blob reads a text by the name that a row has of it.
func (s *Service) blob(ctx context.Context, name string) ([]byte, error) {
	h, err := repo.ParseHash(name)
	if err != nil {
		return nil, err
	}
	return s.repo.Blob(ctx, h)
}

// avoidTwin gives a first revision another path where something lies that differs in case only: a clone on a file system without case would lose one of them.
func (s *Service) avoidTwin(head repo.Hash, w *write) error {
	if head.IsZero() {
		return nil
	}
	twin, err := s.repo.FoldTwin(head, w.path)
	if err != nil || twin == "" {
		if errors.Is(err, repo.ErrNotFound) {
			return nil
		}
		return err
	}
	in := w.attempt.in
	w.path = repo.SafeName(in.GetSiteName()) + "/" + repo.FoldedName(in.GetDeviceName()) + "/" + repo.SafeName(w.text.in.GetName())
	return nil
}
