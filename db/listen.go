package db

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// ListenOptions of a Listener. Zero values are usable.
type ListenOptions struct {
	Heartbeat time.Duration // how long the connection may be silent, and how long an answer may take; 0: 5 s, so a dead one is noticed in 10 s
	Debounce  time.Duration // least time between two sends; 0: 10 ms
	Logger    *slog.Logger  // nil: slog.Default
}

// Listener carries wake-ups between the processes of one database by LISTEN and NOTIFY. It holds one connection for listening and one for
// sending, none of them the pool's. A wake-up carries nothing and may be lost, merged with others or repeated: poll as well.
type Listener struct {
	cfg  *pgx.ConnConfig
	opts ListenOptions

	mu        sync.Mutex
	subs      map[string]map[chan struct{}]struct{}
	interrupt context.CancelFunc  // ends the running wait, so that a new channel is listened to
	unsent    map[string]struct{} // channels to notify

	kick chan struct{} // something is unsent
}

// NewListener makes a listener on the database of pool. It connects in Run only.
func NewListener(pool *pgxpool.Pool, opts ListenOptions) *Listener {
	if opts.Heartbeat <= 0 {
		opts.Heartbeat = 5 * time.Second
	}
	if opts.Debounce <= 0 {
		opts.Debounce = 10 * time.Millisecond
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	cfg := pool.Config().ConnConfig
	cfg.RuntimeParams["application_name"] += "-listen"
	return &Listener{cfg: cfg, opts: opts, subs: map[string]map[chan struct{}]struct{}{}, unsent: map[string]struct{}{}, kick: make(chan struct{}, 1)}
}

// Subscribe returns a channel that gets a value after each wake-up of the named PostgreSQL channel (at most one waits in it), and also whenever
// the connection is made anew, because wake-ups may have been missed. It never blocks and works before and during Run. Call cancel
// when done; the channel is not closed.
func (l *Listener) Subscribe(channel string) (wake <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.subs[channel] == nil {
		l.subs[channel] = map[chan struct{}]struct{}{}
	}
	l.subs[channel][c] = struct{}{}
	if l.interrupt != nil {
		l.interrupt()
	}
	return c, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.subs[channel], c)
		if len(l.subs[channel]) == 0 {
			delete(l.subs, channel)
		}
	}
}

// Notify wakes the subscribers of channel in all processes, soon. It never blocks; many calls in a row become one NOTIFY. Call it after the
// commit of what the subscribers shall find.
func (l *Listener) Notify(channel string) {
	l.mu.Lock()
	l.unsent[channel] = struct{}{}
	l.mu.Unlock()
	poke(l.kick)
}

// Run listens and sends until ctx ends, and returns nil then. It reconnects by itself, without an end; subscribers poll meanwhile.
func (l *Listener) Run(ctx context.Context) error {
	var group errgroup.Group
	group.Go(func() error { l.keep(ctx, "listen", l.listen); return nil })
	group.Go(func() error { l.keep(ctx, "notify", l.send); return nil })
	return group.Wait()
}

// keep runs work on a connection, and again on a new one when it fails, with a growing pause.
func (l *Listener) keep(ctx context.Context, name string, work func(context.Context, *pgx.Conn) error) {
	const longest = 2 * time.Second
	wait := 50 * time.Millisecond
	for ctx.Err() == nil {
		began := time.Now()
		err := l.connected(ctx, work)
		if ctx.Err() != nil {
			return
		}
		l.opts.Logger.Warn("database wake-up connection lost, connecting again; polling goes on", "connection", name, "err", err)
		if time.Since(began) > longest {
			wait = 50 * time.Millisecond
		}
		_ = pause(ctx, wait) // the loop's condition sees the end of ctx
		wait = min(2*wait, longest)
	}
}

func (l *Listener) connected(ctx context.Context, work func(context.Context, *pgx.Conn) error) error {
	dialCtx, cancel := context.WithTimeout(ctx, l.opts.Heartbeat)
	defer cancel()
	conn, err := pgx.ConnectConfig(dialCtx, l.cfg)
	if err != nil {
		return err
	}
	defer func() {
		closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closeCtx) // it may be broken, which is why we are here
	}()
	return work(ctx, conn)
}

// listen follows the wanted channels and passes wake-ups on until the connection fails.
func (l *Listener) listen(ctx context.Context, conn *pgx.Conn) error {
	listening := map[string]struct{}{}
	for ctx.Err() == nil {
		waitCtx, cancel := context.WithTimeout(ctx, l.opts.Heartbeat)
		wanted := l.arm(cancel)
		if fresh, err := l.follow(ctx, conn, listening, wanted); err != nil {
			cancel()
			return err
		} else if fresh {
			l.wakeAll()
		}
		note, err := conn.WaitForNotification(waitCtx)
		silent := errors.Is(waitCtx.Err(), context.DeadlineExceeded)
		cancel()
		switch {
		case err == nil:
			l.wake(note.Channel)
		case conn.IsClosed() || !pgconn.Timeout(err) && waitCtx.Err() == nil:
			return err
		case silent:
			// A half-open connection is as silent as an idle one; only an answer tells them apart.
			if err := l.exec(ctx, conn, "SELECT 1"); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

// arm lets Subscribe end the coming wait, and returns the channels wanted now. Both under one lock, so that none is missed.
func (l *Listener) arm(cancel context.CancelFunc) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.interrupt = cancel
	return slices.Sorted(maps.Keys(l.subs))
}

// follow makes the connection listen to exactly the wanted channels, and tells whether one is new.
func (l *Listener) follow(ctx context.Context, conn *pgx.Conn, listening map[string]struct{}, wanted []string) (fresh bool, err error) {
	for _, channel := range wanted {
		if _, ok := listening[channel]; ok {
			continue
		}
		if err := l.exec(ctx, conn, "LISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
			return false, err
		}
		listening[channel] = struct{}{}
		fresh = true
	}
	for channel := range listening {
		if _, ok := slices.BinarySearch(wanted, channel); ok {
			continue
		}
		if err := l.exec(ctx, conn, "UNLISTEN "+pgx.Identifier{channel}.Sanitize()); err != nil {
			return false, err
		}
		delete(listening, channel)
	}
	return fresh, nil
}

// exec runs a statement that must be answered within a heartbeat.
func (l *Listener) exec(ctx context.Context, conn *pgx.Conn, sql string, args ...any) error {
	ctx, cancel := context.WithTimeout(ctx, l.opts.Heartbeat)
	defer cancel()
	_, err := conn.Exec(ctx, sql, args...)
	return err
}

// send sends what is unsent until the connection fails. While there is nothing to send it is not used, and so not checked; a failed send is
// repeated on the next connection.
func (l *Listener) send(ctx context.Context, conn *pgx.Conn) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-l.kick:
		}
		channels := l.takeUnsent()
		if len(channels) == 0 {
			continue
		}
		if err := l.exec(ctx, conn, "SELECT pg_notify(channel, '') FROM unnest($1::text[]) AS channel", channels); err != nil {
			for _, channel := range channels {
				l.Notify(channel)
			}
			return err
		}
		if err := pause(ctx, l.opts.Debounce); err != nil {
			return err
		}
	}
}

func (l *Listener) takeUnsent() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	channels := slices.Sorted(maps.Keys(l.unsent))
	clear(l.unsent)
	return channels
}

func (l *Listener) wake(channel string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.subs[channel] {
		poke(c)
	}
}

func (l *Listener) wakeAll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, subs := range l.subs {
		for c := range subs {
			poke(c)
		}
	}
}

// poke leaves one value in c, unless one waits there already.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
