package gitstore

import (
	"context"
	"sync"
	"time"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/remote"
)

const (
	// pushPause lets the commits of a busy night go together; pushLook comes when nobody said that something changed.
	pushPause = 3 * time.Second
	pushLook  = 10 * time.Minute
	// pushesAtOnce bounds the git processes that make packs.
	pushesAtOnce = 4
)

// pusher brings the history to the remotes, to each on its own. Backups never wait for it. Safe for concurrent use.
type pusher struct {
	s      *Service
	limits remote.Limits
	wake   chan struct{}
	slots  chan struct{}
	// ctx ends the pushes when Run ends.
	ctx   context.Context
	end   context.CancelFunc
	under sync.WaitGroup

	mu      sync.Mutex
	pushes  map[uuid.UUID]*onePush
	watched []gitstoresql.Remote // as last seen, for whoever asks how they fare
}

// onePush is a push under way.
type onePush struct {
	cancel context.CancelFunc
	done   chan struct{}
}

func newPusher(s *Service, limits remote.Limits) *pusher {
	p := &pusher{s: s, limits: limits, wake: make(chan struct{}, 1), slots: make(chan struct{}, pushesAtOnce), pushes: map[uuid.UUID]*onePush{}}
	p.ctx, p.end = context.WithCancel(context.Background())
	return p
}

// changed is told after each commit, and when a remote changed.
func (p *pusher) changed() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run pushes until ctx ends, and then waits for the pushes that it ends.
func (p *pusher) run(ctx context.Context) {
	defer p.stop()
	behind(ctx, p.wake, pushPause, func(ctx context.Context) (next time.Duration, deaf bool) {
		next, err := p.tickOnce(ctx)
		if err != nil && ctx.Err() == nil {
			p.s.log.Error("the remotes cannot be looked at; it is tried again in a minute", "err", err)
			next = time.Minute
		}
		return next, false
	})
}

// stop ends all pushes and lets no other begin.
func (p *pusher) stop() {
	p.mu.Lock()
	p.end()
	p.mu.Unlock()
	p.under.Wait()
}

// tickOnce starts the pushes that are due and answers when to look again.
func (p *pusher) tickOnce(ctx context.Context) (time.Duration, error) {
	rows, err := p.look(ctx)
	if err != nil || len(rows) == 0 {
		return pushLook, err
	}
	heads, _, err := p.s.store.heads(ctx)
	if err != nil {
		return pushLook, err
	}
	next, now := pushLook, p.s.now()
	for _, r := range rows {
		if !r.Enabled || r.Pushed == headText(heads[r.Repository]) && r.Reason == "" {
			continue
		}
		if r.NextTryAt != nil && r.NextTryAt.After(now) {
			next = min(next, r.NextTryAt.Sub(now))
			continue
		}
		p.start(r.ID)
	}
	return next, nil
}

// look reads how the remotes fare.
func (p *pusher) look(ctx context.Context) ([]gitstoresql.Remote, error) {
	if err := p.s.store.noteBehind(ctx, p.s.now()); err != nil {
		return nil, err
	}
	rows, err := p.s.store.allRemotes(ctx)
	if err == nil {
		p.mu.Lock()
		p.watched = rows
		p.mu.Unlock()
	}
	return rows, err
}

// start pushes to a remote, unless a push is under way, and answers when it has ended.
func (p *pusher) start(id uuid.UUID) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if o := p.pushes[id]; o != nil {
		return o.done
	}
	ctx, cancel := context.WithCancel(p.ctx)
	o := &onePush{cancel: cancel, done: make(chan struct{})}
	if ctx.Err() != nil {
		cancel()
		close(o.done)
		return o.done
	}
	p.pushes[id] = o
	p.under.Go(func() {
		defer p.ended(id, o)
		select {
		case p.slots <- struct{}{}:
			defer func() { <-p.slots }()
			p.once(ctx, id)
		case <-ctx.Done():
		}
	})
	return o.done
}

func (p *pusher) ended(id uuid.UUID, o *onePush) {
	o.cancel()
	p.mu.Lock()
	if p.pushes[id] == o {
		delete(p.pushes, id)
	}
	p.mu.Unlock()
	close(o.done)
	p.changed() // what was committed meanwhile, and when the next try is
}

// abandon ends a push under way: its remote is another one now, or none.
func (p *pusher) abandon(id uuid.UUID) {
	p.mu.Lock()
	if o := p.pushes[id]; o != nil {
		o.cancel()
		delete(p.pushes, id)
	}
	p.mu.Unlock()
	p.changed()
}

func (p *pusher) isPushing(id uuid.UUID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pushes[id] != nil
}
