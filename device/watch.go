package device

import (
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// reason says why a watch closed its connection.
type reason uint8

const (
	open      reason = iota
	cancelled        // the context is over
	silent           // nothing came for too long
	tooLong          // the stage took too long
	done             // the session is over
)

// watch closes a connection when its time is up: that is what ends a blocked read or write, whatever
// the device does. One timer serves the silence and the stage; reads only note the time.
type watch struct {
	conn net.Conn
	born time.Time
	last atomic.Int64 // last sign of life, nanoseconds since born

	mu      sync.Mutex
	timer   *time.Timer
	why     reason
	silence time.Duration // 0: may be silent
	from    time.Time
	most    time.Duration
	hook    func() // called once, when the connection is closed
}

// newWatch watches conn, which must be used for at most most.
func newWatch(conn net.Conn, most time.Duration) *watch {
	w := &watch{conn: conn, born: time.Now(), most: most}
	w.from = w.born
	w.timer = time.AfterFunc(most, w.check)
	return w
}

// touch notes a sign of life.
func (w *watch) touch() { w.last.Store(int64(time.Since(w.born))) }

// begin starts a stage that may take most, with silences of at most silence (0: any).
func (w *watch) begin(most, silence time.Duration) {
	w.touch()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why != open {
		return
	}
	w.from, w.most, w.silence = time.Now(), most, silence
	w.timer.Reset(w.wait())
}

// rest lets any silence pass, because we do not listen. What it returns ends that.
func (w *watch) rest() (listen func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	silence := w.silence
	w.silence = 0
	return func() {
		w.touch()
		w.mu.Lock()
		defer w.mu.Unlock()
		if w.silence = silence; w.why == open {
			w.timer.Reset(w.wait())
		}
	}
}

// wait returns how long nothing needs to be checked.
func (w *watch) wait() time.Duration {
	left := w.most - time.Since(w.from)
	if w.silence > 0 {
		left = min(left, w.silence-time.Since(w.born.Add(time.Duration(w.last.Load()))))
	}
	return left
}

func (w *watch) check() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why != open {
		return
	}
	if left := w.wait(); left > 0 {
		w.timer.Reset(left)
		return
	}
	why := silent
	if time.Since(w.from) >= w.most {
		why = tooLong
	}
	w.shut(why)
}

func (w *watch) shut(why reason) {
	w.why = why
	w.timer.Stop()
	_ = w.conn.Close()
	if w.hook != nil {
		w.hook()
	}
}

// whenShut has f called when the connection is closed, at once if it is. f must not block.
func (w *watch) whenShut(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hook = f; w.why != open {
		f()
	}
}

// close closes the connection for the reason given, unless it is closed already.
func (w *watch) close(why reason) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.why == open {
		w.shut(why)
	}
}

func (w *watch) reason() reason {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.why
}

// limit returns what the present stage may take.
func (w *watch) limit() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.most
}
