package hub

import (
	"context"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/netraven/netraven/internal/errs"
)

const (
	// busyBatch items in one batch say that more will come, idleShare is the part of the delay that is waited otherwise.
	busyBatch = 3
	idleShare = 8
)

// batch collects the items of many streams into few calls to one neighbour, which answers item by item. An item that makes a whole call
// fail is found by sending its companions one by one, so that one poisoned result cannot hold up the others.
type batch[I, O any] struct {
	// call takes 1 to items items and answers as many.
	call func(ctx context.Context, items []I) ([]O, error)
	// size is an item's weight in bytes; nil: nothing weighs anything.
	size func(I) int
	// items and bytes bound one call, delay is how long the first item waits for others. While few come, it is a fraction of it.
	items, bytes int
	delay        time.Duration
	// calls bounds the calls at once.
	calls chan struct{}

	mu     sync.Mutex
	open   []*entry[I, O]
	weight int
	number int // of the batch that is open, so that a timer of an earlier one does nothing
	last   int // items of the batch before
}

type entry[I, O any] struct {
	item I
	out  O
	err  error
	done chan struct{}
}

// do sends an item with others and answers its own answer. It blocks until then or until ctx ends; the item may then still be sent.
func (b *batch[I, O]) do(ctx context.Context, item I) (O, error) {
	e := &entry[I, O]{item: item, done: make(chan struct{})}
	b.add(e)
	select {
	case <-e.done:
		return e.out, e.err
	case <-ctx.Done():
		var none O
		return none, ctx.Err()
	}
}

func (b *batch[I, O]) add(e *entry[I, O]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = append(b.open, e)
	if b.size != nil {
		b.weight += b.size(e.item)
	}
	switch {
	case len(b.open) >= b.items || (b.bytes > 0 && b.weight >= b.bytes):
		go b.flush(b.take())
	case len(b.open) == 1:
		number := b.number
		time.AfterFunc(b.wait(), func() { b.due(number) })
	}
}

// wait is how long the first item of a batch waits: a person who tests one device waits for nobody, and a fleet goes in few calls.
func (b *batch[I, O]) wait() time.Duration {
	if b.last < busyBatch {
		return b.delay / idleShare
	}
	return b.delay
}

func (b *batch[I, O]) due(number int) {
	b.mu.Lock()
	if b.number != number || len(b.open) == 0 {
		b.mu.Unlock()
		return
	}
	entries := b.take()
	b.mu.Unlock()
	b.flush(entries)
}

func (b *batch[I, O]) take() []*entry[I, O] {
	entries := b.open
	b.open, b.weight, b.last = nil, 0, len(b.open)
	b.number++
	return entries
}

func (b *batch[I, O]) flush(entries []*entry[I, O]) {
	b.calls <- struct{}{}
	defer func() { <-b.calls }()
	err := b.send(entries)
	for _, e := range entries {
		e.err = err
		if err != nil && len(entries) > 1 && !away(err) {
			e.err = b.send([]*entry[I, O]{e})
		}
		close(e.done)
	}
}

func (b *batch[I, O]) send(entries []*entry[I, O]) error {
	ctx, cancel := context.WithTimeout(context.Background(), neighbourPatience)
	defer cancel()
	items := make([]I, len(entries))
	for i, e := range entries {
		items[i] = e.item
	}
	out, err := b.call(ctx, items)
	if err == nil && len(out) != len(items) {
		err = fmt.Errorf("%d answers to %d items", len(out), len(items))
	}
	if err != nil {
		return err
	}
	for i, e := range entries {
		e.out = out[i]
	}
	return nil
}

// away tells whether the neighbour, not the item, is the trouble.
func away(err error) bool {
	switch errs.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled:
		return true
	}
	return false
}

// refused tells whether sending the same again is of no use.
func refused(err error) bool {
	switch errs.Code(err) {
	case codes.InvalidArgument, codes.NotFound, codes.FailedPrecondition, codes.OutOfRange, codes.PermissionDenied, codes.Unimplemented:
		return true
	}
	return false
}
