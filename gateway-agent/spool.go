package agent

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
)

const (
	recordEnding  = ".result"
	quarantineDir = "rejected"
	maxCachedSize = 64 << 10 // results up to this are sent from memory
	maxCached     = 256      // so many of them
)

// spool keeps finished results, one file a record, from the end of an attempt until the hub says DURABLE.
//
//	record: waiting -> sending -> dropped | quarantined
//	           ^---------'  (stream cut, RETRY_LATER, NEED_CONTENT)
type spool struct {
	dir   string
	limit int64
	log   *slog.Logger

	mu      sync.Mutex
	records map[attempt]*record
	order   []attempt // of records, oldest first
	bytes   int64
	cached  int
	unsaved int           // records that the disk did not take
	ready   chan struct{} // something may be waiting
}

// record is a result in the spool.
type record struct {
	size int64
	// memory is the result itself: a small one until it has been sent, or one that the disk did not take.
	memory  *hubv1.Result
	saved   bool
	sending bool
	until   time.Time       // when an answer that did not come is given up
	after   time.Time       // not to be sent before
	full    map[string]bool // artifacts that the store wants in full
}

// openSpool reads the names of what an earlier life of the agent left.
func openSpool(dir string, limit int64, log *slog.Logger) (*spool, error) {
	if err := os.MkdirAll(filepath.Join(dir, quarantineDir), 0o700); err != nil {
		return nil, err
	}
	s := &spool{dir: dir, limit: limit, log: log, records: map[attempt]*record{}, ready: make(chan struct{}, 1)}
	files, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".tmp") { // was being written; its attempt is still in the journal
			_ = os.Remove(filepath.Join(dir, f.Name()))
			continue
		}
		a, ok := attemptOfFile(f.Name(), recordEnding)
		info, err := f.Info()
		if !ok || err != nil {
			continue
		}
		s.records[a] = &record{size: info.Size(), saved: true}
		s.order = append(s.order, a)
		s.bytes += info.Size()
	}
	slices.SortFunc(s.order, func(x, y attempt) int { return int(x.fence - y.fence) })
	s.wake()
	return s, nil
}

func (s *spool) path(a attempt) string { return filepath.Join(s.dir, a.file()+recordEnding) }

func (s *spool) wake() {
	select {
	case s.ready <- struct{}{}:
	default:
	}
}

// put keeps a result. It blocks until the result is on disk. Where the disk does not take it, it stays in memory, is tried again, and may
// be sent meanwhile: what the hub takes is as safe as on disk.
func (s *spool) put(r *hubv1.Result) {
	a := attemptOf(r.GetAttempt())
	b, err := encodeRecord(r)
	if err != nil { // a text that is no text: the attempt must end all the same
		s.log.Error("a result cannot be written down", "task", a.task, "err", err)
		r = unreadable(r)
		b, _ = encodeRecord(r)
	}
	err = writeDurable(s.path(a), b)
	if err != nil {
		s.log.Error("a result cannot be written to disk; it stays in memory and no more work is taken", "task", a.task, "err", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.records[a] != nil {
		return
	}
	x := &record{size: int64(len(b)), saved: err == nil}
	if !x.saved {
		x.memory = r
		s.unsaved++
	} else if x.size <= maxCachedSize && s.cached < maxCached {
		x.memory = r
		s.cached++
	}
	s.records[a] = x
	s.order = append(s.order, a)
	s.bytes += x.size
	s.wake()
}

// retry tries again to write what the disk did not take.
func (s *spool) retry() {
	s.mu.Lock()
	var again []*hubv1.Result
	for _, x := range s.records {
		if !x.saved {
			again = append(again, x.memory)
		}
	}
	s.mu.Unlock()
	for _, r := range again {
		a := attemptOf(r.GetAttempt())
		b, _ := encodeRecord(r) // it could be encoded before
		if err := writeDurable(s.path(a), b); err != nil {
			return
		}
		s.saved(a)
	}
}

func (s *spool) saved(a attempt) {
	s.mu.Lock()
	x := s.records[a]
	if x != nil && !x.saved {
		x.saved, x.memory = true, nil
		s.unsaved--
	}
	s.mu.Unlock()
	if x == nil { // acknowledged while it was being written
		_ = os.Remove(s.path(a))
	}
}

// full tells whether the spool takes no more work.
func (s *spool) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unsaved > 0 || s.bytes >= s.limit
}

// has tells whether the attempt's result is here.
func (s *spool) has(a attempt) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[a] != nil
}

// attempts answers what is in the spool, oldest first.
func (s *spool) attempts() []attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.order)
}

// next takes the oldest result that may be sent now. wait is how long until another may be, 0: when something changes.
func (s *spool) next(now time.Time) (a attempt, ok bool, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.order {
		x := s.records[a]
		if x.sending && now.Before(x.until) {
			continue
		}
		if d := x.after.Sub(now); d > 0 {
			if wait == 0 || d < wait {
				wait = d
			}
			continue
		}
		x.sending, x.until = true, now.Add(ackPatience)
		return a, true, 0
	}
	return attempt{}, false, wait
}

// load answers the result as it is to be sent: what is unchanged without its bytes, unless the store asked for them.
func (s *spool) load(a attempt) (*hubv1.Result, error) {
	s.mu.Lock()
	x := s.records[a]
	if x == nil {
		s.mu.Unlock()
		return nil, os.ErrNotExist
	}
	r, full := x.memory, x.full
	if r != nil && x.saved {
		x.memory = nil
		s.cached--
	}
	s.mu.Unlock()
	if r == nil {
		b, err := os.ReadFile(s.path(a))
		if err != nil {
			return nil, err
		}
		if r, err = decodeRecord(b); err != nil {
			return nil, err
		}
	}
	return slim(r, full), nil
}

// again puts a result back, to be sent after a while; with the named artifacts in full.
func (s *spool) again(a attempt, after time.Time, artifacts ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.records[a]
	if x == nil {
		return
	}
	x.sending, x.after = false, after
	if len(artifacts) > 0 && x.full == nil {
		x.full = map[string]bool{}
	}
	for _, name := range artifacts {
		x.full[name] = true
	}
	s.wake()
}

// reset puts back all that was being sent on a stream that is gone.
func (s *spool) reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.records {
		x.sending = false
	}
	s.wake()
}

// uploading gives the answer to a large result the time that an upload may take.
func (s *spool) uploading(a attempt, until time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if x := s.records[a]; x != nil {
		x.until = until
	}
}

// drop removes a record that is durable elsewhere.
func (s *spool) drop(a attempt) {
	if s.forget(a) {
		if err := os.Remove(s.path(a)); err != nil && !errors.Is(err, os.ErrNotExist) {
			s.log.Warn("a sent result is still on disk and will be sent again", "task", a.task, "err", err)
		}
	}
}

// quarantine moves a record away that will never be taken, so that those behind it flow.
func (s *spool) quarantine(a attempt, reason string) {
	if !s.forget(a) {
		return
	}
	s.log.Error("a result was refused for good and is kept apart", "task", a.task, "err", reason)
	if err := os.Rename(s.path(a), filepath.Join(s.dir, quarantineDir, a.file()+recordEnding)); err != nil && !errors.Is(err, os.ErrNotExist) {
		s.log.Error("a refused result cannot be kept apart", "task", a.task, "err", err)
	}
}

func (s *spool) forget(a attempt) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	x := s.records[a]
	if x == nil {
		return false
	}
	delete(s.records, a)
	i := slices.Index(s.order, a) // mostly among the first: the oldest leave first
	s.order = slices.Delete(s.order, i, i+1)
	s.bytes -= x.size
	switch {
	case !x.saved:
		s.unsaved--
	case x.memory != nil:
		s.cached--
	}
	return true
}
