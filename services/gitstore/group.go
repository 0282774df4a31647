package gitstore

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// togetherMost bounds the attempts that are committed as one; a single call may bring more.
const togetherMost = 1000

// line is where calls wait for the writer. Whoever gets it takes along what the others brought, so that one pack, one transaction and one move of the ref serve them all: their
// cost is waiting for the disk, however much they hold.
type line struct {
	mu      sync.Mutex
	waiting []*call
}

// call is what one call has to commit.
type call struct {
	attempts []*attempt
	// done: another call has committed it. alone: it failed together with others, and one that cannot be stored must not keep the others from it. Whoever holds the writer
	// reads and sets them.
	done, alone bool
}

func (l *line) join(attempts []*attempt) *call {
	c := &call{attempts: attempts}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, c)
	return c
}

// leave takes c out of the line, and those who may go with it.
func (l *line) leave(c *call) []*call {
	l.mu.Lock()
	defer l.mu.Unlock()
	together, n := []*call{c}, len(c.attempts)
	l.waiting = slices.DeleteFunc(l.waiting, func(w *call) bool {
		goes := !c.alone && w != c && n+len(w.attempts) <= togetherMost
		if goes {
			together, n = append(together, w), n+len(w.attempts)
		}
		return goes || w == c
	})
	return together
}

// commit stores attempts, with those of the calls that wait too.
func (s *Service) commit(ctx context.Context, attempts []*attempt) error {
	if len(attempts) == 0 {
		return nil
	}
	mine := s.line.join(attempts)
	s.writing.Lock()
	defer s.writing.Unlock()
	if mine.done {
		return nil
	}
	together := s.line.leave(mine)
	var all []*attempt
	for _, c := range together {
		all = append(all, open(c.attempts)...)
	}
	err := s.commitAll(ctx, all)
	for _, c := range together {
		c.done, c.alone = err == nil, err != nil
	}
	if err != nil && len(together) > 1 {
		err = s.commitAll(ctx, open(mine.attempts))
	}
	return err
}

// eachWrite does something with every write, on all processors.
func eachWrite(writes []*write, do func(*write) error) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, w := range writes {
		g.Go(func() error { return do(w) })
	}
	return g.Wait()
}
