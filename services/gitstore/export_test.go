package gitstore

import (
	"context"
	"fmt"
	"path"
	"runtime"
	"time"

	"github.com/google/uuid"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/grep"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// TickOnce is what Run does once an hour, SiftAll and CompareAll every two seconds, CheckIndex once an hour.
var (
	TickOnce   = (*Service).tickOnce
	SiftAll    = (*Service).siftAll
	CompareAll = (*Service).compareAll
	CheckIndex = (*Service).checkIndex
	FoldOnce   = (*Service).foldOnce
)

// Tagger is how secrets are tagged in masked text.
var Tagger = tagger

// ClonesOfOne is how many clones one user may run.
const ClonesOfOne = clonesOfOne

// Fetching is how many clones a user runs now.
func Fetching(s *Service, user string) int {
	s.fetchers.mu.Lock()
	defer s.fetchers.mu.Unlock()
	return s.fetchers.of[user]
}

// MaxPacks is how many packs gather before they are folded.
const MaxPacks = maxPacks

// PageTime is how long a page of hits may take.
const PageTime = pageTime

// Fill commits texts, each of another device and in one commit with the others, without seal and mask. A device's id comes from its name.
func (s *Service) Fill(ctx context.Context, n int, text func(i int) (at string, masked []byte)) error {
	in, err := s.repos.get(repository)
	if err != nil {
		return err
	}
	heads, _, err := s.store.heads(ctx)
	if err != nil {
		return err
	}
	head := heads[repository]
	change := repo.Change{Message: "fill", When: time.Unix(1_700_000_000, 0)}
	var state gitstoresql.PutArtifactsParams
	for i := range n {
		at, masked := text(i)
		change.Edits = append(change.Edits, repo.Put(at, masked))
		addState(&state, gitstoresql.Artifact{DeviceID: DeviceID(path.Base(path.Dir(at))), Name: path.Base(at), Repository: repository, Path: at, RevisionID: uuid.Must(uuid.NewV7()), Number: 1})
	}
	batch, err := in.Prepare(ctx, head, []repo.Change{change})
	if err != nil {
		return err
	}
	for i, b := range batch.Commits[0].Blobs {
		state.Blobs[i] = b.String()
	}
	if err := moveHeads(ctx, s.store.q, headsMoved([]packed{{in: in, Batch: batch}})); err != nil {
		return err
	}
	if err := s.store.q.PutArtifacts(ctx, state); err != nil {
		return err
	}
	return in.SetHead(head, batch.Head)
}

// DeviceID is the id that Fill gives a device.
func DeviceID(name string) uuid.UUID { return uuid.NewSHA1(uuid.Nil, []byte(name)) }

// FillHistory commits a further version of some devices' texts, without seal and mask.
func (s *Service) FillHistory(ctx context.Context, first, n int, number int32, text func(i int) (name string, masked []byte)) error {
	err := s.Fill(ctx, n, func(i int) (string, []byte) {
		name, masked := text(first + i)
		return fmt.Sprintf("site%03d/%s/running.cfg", (first+i)/1000, name), masked
	})
	if err != nil {
		return err
	}
	var rows []gitstoresql.CreateRevisionsParams
	var devices []uuid.UUID
	for i := first; i < first+n; i++ {
		name, _ := text(i)
		devices = append(devices, DeviceID(name))
	}
	now, err := s.store.states(ctx, devices)
	if err != nil {
		return err
	}
	for _, device := range devices {
		a := now[device]["running.cfg"]
		rows = append(rows, gitstoresql.CreateRevisionsParams{ID: uuid.Must(uuid.NewV7()), DeviceID: device, Artifact: a.Name, Number: number, Blob: a.Blob, Repository: a.Repository,
			CreatedAt: time.Unix(1_700_000_000, 0).AddDate(0, int(number), 0)})
	}
	_, err = s.store.q.CreateRevisions(ctx, rows)
	return err
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

// LinesOfEach searches texts as revisions in a row.
func LinesOfEach(p *grep.Pattern, texts ...[]byte) (all [][]grep.Line, err error) {
	q, last := &search{pattern: p}, version{}
	for _, text := range texts {
		last.all, err = q.linesSince(context.Background(), last, text)
		if err != nil {
			return nil, err
		}
		all, last.text = append(all, last.all), text
	}
	return all, nil
}

// MirrorOnce is one round of the mirror.
func (s *Service) MirrorOnce(ctx context.Context) error { return s.mirror.once(ctx) }

// VerifyOnce is a whole pass, or the rest of one, without pauses.
func (s *Service) VerifyOnce(ctx context.Context) ([]Finding, error) {
	s.verify.pace = nil
	err := s.verify.pass(ctx)
	return s.verify.all(), err
}

// VerifyUntil is a pass that is cut off after some steps; it answers how many there were.
func (s *Service) VerifyUntil(ctx context.Context, most int) (steps int, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.verify.pace = func(ctx context.Context, _ int) error {
		if steps++; steps == most {
			cancel()
		}
		return ctx.Err()
	}
	err = s.verify.pass(ctx)
	return steps, err
}

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

// PushDue is one look at the remotes, and waits for the pushes that it started.
func PushDue(ctx context.Context, s *Service) error {
	_, err := s.pusher.tickOnce(ctx)
	s.pusher.under.Wait()
	return err
}

// Hold keeps the writer, so that calls gather in line, until they are as many; then it lets them go on.
func (s *Service) Hold(calls int, start func()) {
	s.writing.Lock()
	defer s.writing.Unlock()
	start()
	for {
		s.line.mu.Lock()
		n := len(s.line.waiting)
		s.line.mu.Unlock()
		if n == calls {
			return
		}
		runtime.Gosched()
	}
}

// KnownDamage names the packs that are damaged, each behind its repository.
func (s *Service) KnownDamage() []string {
	out := []string{}
	for _, at := range s.verify.known() {
		out = append(out, string(at))
	}
	return out
}

// VerifyIsDue tells whether a pass begins now.
func VerifyIsDue(s *Service) bool { return s.verify.pause() == 0 }
