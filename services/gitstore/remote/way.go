package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"time"
)

// Limits bound a push. The zero value of each stands for its default.
type Limits struct {
	// Connect bounds name, connection, and the handshake of TLS or SSH. Default 30 s.
	Connect time.Duration
	// Idle ends a push without any progress. Default 2 min: a server may work on a large pack for long, and says so every few seconds.
	Idle time.Duration
	// Whole ends any push. Default 1 h: the first one carries years.
	Whole time.Duration
}

func (l Limits) orDefaults() Limits {
	if l.Connect <= 0 {
		l.Connect = 30 * time.Second
	}
	if l.Idle <= 0 {
		l.Idle = 2 * time.Minute
	}
	if l.Whole <= 0 {
		l.Whole = time.Hour
	}
	return l
}

// way is an open way to a server's receive-pack.
type way interface {
	// refs is what the server says first.
	refs() io.Reader
	// send delivers a whole request and answers the server's report. Once.
	send(request io.Reader) (io.Reader, error)
	// said is what the server said beside the protocol.
	said() string
	close()
}

var errIdle = errors.New("no progress")

// watch ends a push that makes no progress.
type watch struct {
	timer *time.Timer
	idle  time.Duration
}

// watched answers a context that ends after the limits.
func watched(ctx context.Context, l Limits) (context.Context, *watch, context.CancelFunc) {
	ctx, stop := context.WithTimeout(ctx, l.Whole)
	ctx, end := context.WithCancelCause(ctx)
	w := &watch{idle: l.Idle, timer: time.AfterFunc(l.Idle, func() { end(errIdle) })}
	return ctx, w, func() {
		w.timer.Stop()
		end(context.Canceled)
		stop()
	}
}

// progress is told of every byte.
func (w *watch) progress(n int) {
	if n > 0 {
		w.timer.Reset(w.idle)
	}
}

// dial connects; what goes over the connection is progress.
func (w *watch) dial(ctx context.Context, l Limits, address string) (net.Conn, error) {
	c, err := (&net.Dialer{Timeout: l.Connect}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &watchedConn{Conn: c, watch: w}, nil
}

type watchedConn struct {
	net.Conn
	watch *watch
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.watch.progress(n)
	return n, err
}

func (c *watchedConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.watch.progress(n)
	return n, err
}

// watchedReader is a source that is slow by itself: the git program making a pack.
type watchedReader struct {
	io.Reader
	watch *watch
}

func (r *watchedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.watch.progress(n)
	return n, err
}
