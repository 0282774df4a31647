package hub

import (
	"context"
	"sync"
	"time"
)

const (
	laneDelay = 20 * time.Millisecond
	laneItems = 100
)

// lane sends the items of one stream to a neighbour in their order, a few at a time. It costs nothing while it is empty: a goroutine
// exists only while there is something to send.
type lane[T any] struct {
	// send takes 1 to laneItems items. What it does about a failure is its own business; it is not called again for them.
	send func(ctx context.Context, items []T)

	mu      sync.Mutex
	queue   []T
	running bool
	waiting []chan struct{} // closed once the queue has been empty
}

// add queues items. It never blocks.
func (l *lane[T]) add(items ...T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queue = append(l.queue, items...)
	if !l.running && len(l.queue) > 0 {
		l.running = true
		go l.run()
	}
}

// size is how many items wait.
func (l *lane[T]) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue)
}

// flushed blocks until what was added before has been sent, or ctx ends.
func (l *lane[T]) flushed(ctx context.Context) {
	l.mu.Lock()
	if !l.running {
		l.mu.Unlock()
		return
	}
	done := make(chan struct{})
	l.waiting = append(l.waiting, done)
	l.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

func (l *lane[T]) run() {
	time.Sleep(laneDelay) // what comes in meanwhile travels along
	for {
		items := l.take()
		if items == nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), neighbourPatience)
		l.send(ctx, items)
		cancel()
	}
}

func (l *lane[T]) take() []T {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		l.running, l.queue = false, nil
		for _, done := range l.waiting {
			close(done)
		}
		l.waiting = nil
		return nil
	}
	n := min(len(l.queue), laneItems)
	items := l.queue[:n:n]
	l.queue = l.queue[n:]
	return items
}
