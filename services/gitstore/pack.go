package gitstore

import (
	"context"
	"maps"
	"slices"
	"strconv"

	"github.com/netraven/netraven/services/gitstore/repo"
)

// packed is what is on disk of one repository and not named yet.
type packed struct {
	in *bare
	*repo.Batch
}

// packing gathers the commits of one repository.
type packing struct {
	in      *bare
	head    repo.Hash
	changes []repo.Change
	// groups are the writes that each change puts; none where it only takes away.
	groups [][]*write
	// taken are the files and folders of what was placed (folded -> as it is), sizes how much lies in folders of head.
	taken map[string]string
	sizes map[string]int
}

// writePacks makes one commit per changed device on top of the database's heads, in one pack for each repository, durable but not yet named. It answers none when nothing
// changed.
func (s *Service) writePacks(ctx context.Context, p *plan) ([]packed, error) {
	writes := p.commits()
	if len(writes) == 0 {
		return nil, nil
	}
	work, err := s.beginPacks(ctx, writes)
	if err != nil {
		return nil, err
	}
	for _, w := range writes { // one after the other: ids are in the order of the revisions, and each place depends on those before
		w.row = w.newRow()
		if err := work[w.repository].place(ctx, w); err != nil {
			return nil, err
		}
	}
	if err := eachWrite(writes, func(w *write) error { return s.prepare(ctx, w) }); err != nil {
		return nil, err
	}
	others, err := s.store.othersAt(ctx, writes)
	if err != nil {
		return nil, err
	}
	for _, group := range byAttempt(writes) {
		if err := s.change(ctx, work, group, others); err != nil {
			return nil, err
		}
	}
	var out []packed
	for _, name := range slices.Sorted(maps.Keys(work)) {
		w := work[name]
		if len(w.changes) == 0 {
			continue
		}
		batch, err := w.in.Prepare(ctx, w.head, w.changes)
		if err != nil {
			return nil, err
		}
		w.name(batch)
		out = append(out, packed{in: w.in, Batch: batch})
	}
	return out, nil
}

// beginPacks opens the repositories that writes come to or leave, and reads where they are.
func (s *Service) beginPacks(ctx context.Context, writes []*write) (map[string]*packing, error) {
	work := map[string]*packing{}
	for _, w := range writes {
		for _, name := range w.repositories() {
			if work[name] != nil {
				continue
			}
			in, err := s.repos.need(ctx, name)
			if err != nil {
				return nil, err
			}
			work[name] = &packing{in: in, taken: map[string]string{}, sizes: map[string]int{}}
		}
	}
	heads, err := s.store.headsOf(ctx, slices.Collect(maps.Keys(work)))
	for name, w := range work {
		w.head = heads[name]
	}
	return work, err
}

// name fills what git decides into the rows.
func (k *packing) name(batch *repo.Batch) {
	for i, group := range k.groups {
		made := batch.Commits[i]
		for j, w := range group {
			w.row.CommitHash = made.Commit.String()
			w.row.Blob = made.Blobs[len(made.Blobs)-len(group)+j].String() // the puts come last
		}
	}
}

// byAttempt groups writes by their attempts, which come in the order of their first write.
func byAttempt(writes []*write) [][]*write {
	var out [][]*write
	at := map[*attempt]int{}
	for _, w := range writes {
		i, ok := at[w.attempt]
		if !ok {
			i = len(out)
			at[w.attempt], out = i, append(out, nil)
		}
		out[i] = append(out[i], w)
	}
	return out
}

// change is one device's commit: old paths of a renamed device go, new contents come. A device that comes from another repository leaves that with a commit of its own.
func (s *Service) change(ctx context.Context, work map[string]*packing, group []*write, others others) error {
	first := group[0]
	a, here := first.attempt, work[first.repository]
	gone := map[string][]repo.Edit{}
	for _, w := range group {
		if w.old == nil || w.old.Repository == w.repository && w.old.Path == w.path {
			continue
		}
		ours, err := others.leave(ctx, work[w.old.Repository], w.old)
		if err != nil {
			return err
		}
		if ours {
			gone[w.old.Repository] = append(gone[w.old.Repository], repo.Remove(w.old.Path))
		}
	}
	c := repo.Change{Edits: gone[first.repository], When: a.in.GetCollectedAt().AsTime()}
	delete(gone, first.repository)
	for _, w := range group {
		c.Edits = append(c.Edits, repo.Put(w.path, w.text.masked))
	}
	if first.text.author != "" && !first.remasks { // who changed the device did not change the page
		c.Author = repo.Signature{Name: first.text.author, Email: repo.SafeName(first.text.author) + "@" + repo.SafeName(a.in.GetDeviceName()), When: c.When}
	}
	c.Message = repo.Message(first.subject(), trailers(group))
	here.changes, here.groups = append(here.changes, c), append(here.groups, group)
	for _, name := range slices.Sorted(maps.Keys(gone)) {
		left := repo.Change{Edits: gone[name], When: c.When, Message: repo.Message(a.in.GetDeviceName()+": kept in another repository from now on", attemptTrailers(a.in))}
		work[name].changes, work[name].groups = append(work[name].changes, left), append(work[name].groups, nil)
	}
	return nil
}

// subject is the first line of a commit that begins with a write.
func (w *write) subject() string {
	s := repo.Subject(w.attempt.in.GetDeviceName(), w.text.in.GetName(), int(w.row.LinesAdded), int(w.row.LinesRemoved))
	if w.remasks {
		s += ", by a changed platform page alone"
	}
	return s
}

// attemptTrailers say which attempt a commit came from.
func attemptTrailers(in *item) repo.Trailers {
	return repo.Trailers{
		{Key: repo.TrailerRun, Value: in.GetRunId()}, {Key: repo.TrailerTask, Value: in.GetTaskId()}, {Key: repo.TrailerDevice, Value: in.GetDeviceId()},
		{Key: repo.TrailerFence, Value: strconv.FormatInt(in.GetFence(), 10)}, {Key: repo.TrailerTrigger, Value: in.GetTrigger()},
	}
}

func trailers(group []*write) repo.Trailers {
	t := attemptTrailers(group[0].attempt.in)
	for _, w := range group {
		t = append(t, repo.Trailer{Key: repo.TrailerArtifact, Value: w.text.in.GetName()}, repo.Trailer{Key: repo.TrailerDigest, Value: w.text.digest})
		if w.moved || w.old != nil && w.old.Repository != w.repository {
			t = append(t, repo.Trailer{Key: repo.TrailerEarlier, Value: strconv.Itoa(int(w.old.Number)) + " " + w.old.TextDigest})
		}
		if w.remasks {
			t = append(t, repo.Trailer{Key: repo.TrailerRemasked, Value: strconv.Itoa(int(w.old.Number))})
		}
	}
	return append(t, repo.Trailer{Key: repo.TrailerAccepted, Value: group[0].acceptedBy})
}

// prepare completes a revision's row but for what git decides.
func (s *Service) prepare(ctx context.Context, w *write) error {
	if w.old != nil {
		if w.row.Number = w.old.Number; !w.remasks {
			w.row.Number++
		}
		if err := s.readBefore(ctx, w); err != nil {
			return err
		}
	}
	if w.moved {
		w.text.masked = w.before
	}
	if c := w.text.beside; w.old != nil && c.before != nil && c.blob == w.old.Blob {
		sized(&w.row, w.text.masked, c.added, c.removed)
		return nil
	}
	measure(&w.row, w.before, w.text.masked)
	return nil
}
