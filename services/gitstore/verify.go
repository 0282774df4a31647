package gitstore

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/netraven/netraven/services/gitstore/repo"
)

const (
	// verifyFile of the folder is where the passes are.
	verifyFile = "verify.json"
	// verifyEvery is how long after a whole pass the next one begins.
	verifyEvery = 24 * time.Hour
	// verifyRate is how many bytes a second the background reads and rebuilds. A year of 50,000 devices, 3 % of them changed a day, is some 80 GB: less than a day, at less than a tenth of a core
	// (20,000 commits of 25 KB texts: 1.5 GB, 58 MB a second without pauses).
	verifyRate = 4 << 20
	// verifyStep is what the smallest thing to look at counts for.
	verifyStep = 4 << 10
	// verifySave is how much work a kill may cost.
	verifySave = 30 * time.Second
	// mendEvery is how often damage that could not be made good is tried again: the mirror may be back.
	mendEvery = 10 * time.Minute
)

// verifier looks at all that is stored, in passes that go on where a process before ended: the packs, the commits from the head back, the index, and what is newest. What is damaged is made good
// where that can be done (mend.go).
type verifier struct {
	s *Service
	// pace waits for as long as the bytes that were read allow. Nil: never.
	pace func(ctx context.Context, bytes int) error
	// say is told of each part as it goes on. Nil: nobody.
	say func(part string, done, total int)
	// look takes packs that somebody could not read from.
	look chan inRepository
	// early begins a pass before its time.
	early   chan struct{}
	mending sync.Mutex
	verified
}

// watch makes what keeps a second copy of the history and what looks for damage, and makes good what is found at once.
func (s *Service) watch(cfg Config, d Deps) error {
	var err error
	if s.mirror, err = newMirroring(s, cfg, d); err != nil {
		return err
	}
	s.verify = &verifier{s: s, pace: (&pacer{}).take, look: make(chan inRepository, 1), early: make(chan struct{}, 1)}
	s.verify.open(filepath.Join(cfg.Dir, verifyFile), s.now)
	if err := s.verify.register(d.Metrics); err != nil {
		return err
	}
	return s.verify.mendAll(context.Background())
}

// run verifies and mends until ctx ends.
func (v *verifier) run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { v.looking(ctx) })
	defer loops.Wait()
	for {
		wait := time.NewTimer(v.pause())
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-v.early:
			wait.Stop()
		case <-wait.C:
		}
		if err := v.pass(ctx); err != nil && ctx.Err() == nil {
			v.s.log.Error("the history cannot be verified now; it is tried again", "err", err)
			v.postpone()
		}
	}
}

// looking mends what is found damaged outside a pass.
func (v *verifier) looking(ctx context.Context) {
	again := time.NewTicker(mendEvery)
	defer again.Stop()
	for {
		var packs []inRepository
		select {
		case <-ctx.Done():
			return
		case pack := <-v.look:
			packs = []inRepository{pack}
		case <-again.C:
			packs = v.known()
		}
		for _, pack := range packs {
			if err := v.checkPack(ctx, pack, 0, func(int, int) error { return ctx.Err() }); err != nil && ctx.Err() == nil {
				v.s.log.Error("a pack of the history cannot be checked", "pack", pack, "err", err)
			}
		}
	}
}

// suspect has a pack looked at soon; a nil verifier has nobody to do that.
func (v *verifier) suspect(pack inRepository) {
	if v == nil {
		return
	}
	select {
	case v.look <- pack:
	default: // the next read says so again
	}
}

// pass goes on with the pass under way, or begins one. It blocks for as long as everything takes; killed, the next call goes on.
func (v *verifier) pass(ctx context.Context) error {
	parts := []struct {
		name string
		do   func(context.Context) error
	}{{"packs", v.packs}, {"commits", v.commits}, {"revisions", v.revisions}, {"artifacts", v.artifacts}}
	for _, p := range parts {
		if !v.begin(p.name) {
			continue // done by a process before
		}
		if err := p.do(ctx); err != nil {
			return errors.Join(err, v.save())
		}
		v.end(p.name)
	}
	return v.finish()
}

// step notes where the pass is and waits as the pace wants it.
func (v *verifier) step(ctx context.Context, at string, object, bytes int) error {
	if err := v.reach(at, object); err != nil {
		return err
	}
	if v.pace == nil {
		return ctx.Err()
	}
	return v.pace(ctx, max(bytes, verifyStep))
}

// packs checks every pack, in the order of their names: those written meanwhile come in the next pass.
func (v *verifier) packs(ctx context.Context) error {
	var names []inRepository
	for _, r := range v.s.repos.all() {
		files, err := r.PackFiles()
		if err != nil {
			return err
		}
		for _, f := range slices.Concat(files, v.damagedNow(r)) {
			names = append(names, packIn(r.name, filepath.Base(f)))
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	text, object := v.where()
	at := inRepository(text)
	for i, pack := range names {
		v.tell("packs", i, len(names))
		from := 0
		if pack < at {
			continue
		}
		if pack == at {
			from = object
		}
		if err := v.checkPack(ctx, pack, from, func(object, bytes int) error { return v.step(ctx, string(pack), object, bytes) }); err != nil {
			return err
		}
	}
	v.tell("packs", len(names), len(names))
	return nil
}

// checkPack checks a pack; what is damaged is told, mended or noted.
func (v *verifier) checkPack(ctx context.Context, what inRepository, from int, read func(object, bytes int) error) error {
	name, pack := what.split()
	r, err := v.s.repos.get(name)
	if err != nil {
		v.whole(what) // of a folder that is no longer
		return nil
	}
	err = r.CheckPack(ctx, pack, from, read)
	if bad, ok := r.Damaged()[pack]; ok {
		err = &repo.DamageError{Pack: pack, Err: bad}
	}
	var damage *repo.DamageError
	switch {
	case errors.As(err, &damage):
		return v.damaged(ctx, r, damage)
	case err == nil, errors.Is(err, fs.ErrNotExist):
		v.whole(what)
		return nil
	default:
		return err
	}
}

// pacer spreads work over time.
type pacer struct{ owed time.Duration }

// take waits until so many bytes are allowed, in pieces that are worth a wait.
func (p *pacer) take(ctx context.Context, bytes int) error {
	const worth = 100 * time.Millisecond
	p.owed += time.Duration(bytes) * time.Second / verifyRate
	if p.owed < worth {
		return ctx.Err()
	}
	wait := time.NewTimer(p.owed)
	defer wait.Stop()
	p.owed = 0
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-wait.C:
		return nil
	}
}
