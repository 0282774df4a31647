package hub

import (
	"sync"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// attempt is an AttemptRef that can be a map's key.
type attempt struct {
	task  string
	fence int64
}

func attemptOf(r *jobv1.AttemptRef) attempt { return attempt{task: r.GetTaskId(), fence: r.GetFence()} }

func (a attempt) ref() *jobv1.AttemptRef { return &jobv1.AttemptRef{TaskId: a.task, Fence: a.fence} }

// lease is an attempt in the agent's hands.
type lease struct {
	// spec is what was offered on this stream; nil for an attempt that the agent brought along.
	spec     *jobv1.TaskSpec
	accepted bool
	// ended: its result has come in, so the agent has a session free, whatever still happens to the result.
	ended bool
	// cancelled: the agent was told to stop; job need not say so again on this stream.
	cancelled bool
	// What it has written to the task's log so far.
	logLines, logBytes int
}

// leases are the attempts that a stream has offered or resumed.
type leases struct {
	mu       sync.Mutex
	held     map[attempt]*lease
	active   int           // not ended
	capacity int           // sessions the agent can hold; 0 while it takes no more
	changed  chan struct{} // a slot may have become free
}

func newLeases() *leases {
	return &leases{held: map[attempt]*lease{}, changed: make(chan struct{}, 1)}
}

func (l *leases) wake() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

func (l *leases) setCapacity(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.capacity = n
	l.wake()
}

// free answers how many attempts more the agent can take, and those it holds that nobody has cancelled.
func (l *leases) free() (int, []*jobv1.AttemptRef) {
	l.mu.Lock()
	defer l.mu.Unlock()
	refs := make([]*jobv1.AttemptRef, 0, l.active)
	for a, x := range l.held {
		if !x.ended && !x.cancelled {
			refs = append(refs, a.ref())
		}
	}
	return max(0, l.capacity-l.active), refs
}

// few tells whether some sessions of a busy agent are free, but less than a third of them.
func (l *leases) few() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	free := l.capacity - l.active
	return free > 0 && free < l.capacity/gatherShare
}

// offer notes a claimed attempt.
func (l *leases) offer(a attempt, spec *jobv1.TaskSpec) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(a, &lease{spec: spec})
}

// resume notes an attempt that the agent held before this stream.
func (l *leases) resume(r *jobv1.AttemptRef) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(attemptOf(r), &lease{accepted: true})
}

func (l *leases) put(a attempt, x *lease) {
	if l.held[a] == nil {
		l.held[a] = x
		l.active++
	}
}

// accept notes the agent's yes; false: there is no such offer (any more).
func (l *leases) accept(a attempt) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.held[a]
	if x != nil {
		x.accepted = true
	}
	return x != nil
}

// holds tells whether the agent works on the attempt.
func (l *leases) holds(a attempt) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.held[a]
	return x != nil && x.accepted && !x.ended
}

// specOf answers what was offered on this stream, or nil.
func (l *leases) specOf(a attempt) *jobv1.TaskSpec {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.held[a]; x != nil {
		return x.spec
	}
	return nil
}

// end notes that the attempt's result came in.
func (l *leases) end(a attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.held[a]; x != nil && !x.ended {
		x.ended = true
		l.active--
		l.wake()
	}
}

// cancel notes that the agent was told to stop.
func (l *leases) cancel(a attempt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if x := l.held[a]; x != nil {
		x.cancelled = true
	}
}

// drop forgets an attempt and answers what was known of it.
func (l *leases) drop(a attempt) *lease {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.held[a]
	if x == nil {
		return nil
	}
	if !x.ended {
		l.active--
		l.wake()
	}
	delete(l.held, a)
	return x
}

// unanswered drops an offer that was not accepted and tells whether it did.
func (l *leases) unanswered(a attempt) bool {
	l.mu.Lock()
	x := l.held[a]
	expired := x != nil && !x.accepted
	l.mu.Unlock()
	return expired && l.drop(a) != nil
}

// spend takes a line of so many bytes from the attempt's log budget. last: this is the first line that did not fit.
func (l *leases) spend(a attempt, bytes int) (ok, last bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.held[a]
	if x == nil || x.logLines > maxLogLines {
		return false, false
	}
	x.logLines++
	x.logBytes += bytes
	if x.logBytes > maxLogBytes {
		x.logLines = maxLogLines + 1
	}
	return x.logLines <= maxLogLines, x.logLines == maxLogLines+1
}
