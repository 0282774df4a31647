package job

import (
	"context"
	"fmt"
	"hash/fnv"
	"sync"
)

// bells wake who waits for news of a key in this process. A bell rung while nobody listens is not kept: listeners look first and poll besides.
type bells struct {
	mu      sync.Mutex
	waiting map[string]map[chan struct{}]struct{}
}

func gatewayKey(id string) string { return "gateway " + id }
func runKey(id string) string     { return "run " + id }

// listen answers a channel that gets a token when the key rings, at most one at a time, and a function to stop with.
func (b *bells) listen(key string) (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.waiting == nil {
		b.waiting = map[string]map[chan struct{}]struct{}{}
	}
	if b.waiting[key] == nil {
		b.waiting[key] = map[chan struct{}]struct{}{}
	}
	b.waiting[key][c] = struct{}{}
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.waiting[key], c)
		if len(b.waiting[key]) == 0 {
			delete(b.waiting, key)
		}
	}
}

// ring wakes the listeners of the keys. Never blocks.
func (b *bells) ring(keys ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, key := range keys {
		wake(b.waiting[key])
	}
}

func wake(set map[chan struct{}]struct{}) {
	for c := range set {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// Keys are spread over a few database channels, so that a replica listens to a fixed handful and is woken for little that is not its own.
const buckets = 16

func bucketOf(key string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // a hash never fails
	return int(h.Sum32() % buckets)
}

func bucketChannel(i int) string { return fmt.Sprintf("job_wake_%02d", i) }

// ringBucket wakes the listeners of all keys of a bucket.
func (b *bells) ringBucket(channel string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, set := range b.waiting {
		if bucketChannel(bucketOf(key)) == channel {
			wake(set)
		}
	}
}

// ring wakes listeners of the keys here and in the other replicas.
func (s *Service) ring(keys ...string) {
	s.bells.ring(keys...)
	for _, key := range keys {
		if key != foldKey && key != expandKey { // every replica has these loops, one suffices
			s.wake.Notify(bucketChannel(bucketOf(key)))
		}
	}
}

// hear passes on what other replicas ring.
func (s *Service) hear(ctx context.Context, channel string) error {
	woken, done := s.wake.Subscribe(channel)
	defer done()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-woken:
			s.bells.ringBucket(channel)
		}
	}
}
