package db_test

import (
	"context"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/db"
	"github.com/netraven/netraven/internal/pgtest"
)

func listener(t *testing.T, pool *pgxpool.Pool, opts db.ListenOptions) *db.Listener {
	t.Helper()
	opts.Logger = slog.New(slog.DiscardHandler)
	l := db.NewListener(pool, opts)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()
	t.Cleanup(func() { cancel(); require.NoError(t, <-done) })
	return l
}

func awaitWake(t *testing.T, wake <-chan struct{}, why string) {
	t.Helper()
	select {
	case <-wake:
	case <-time.After(30 * time.Second):
		t.Fatal("no wake-up: " + why)
	}
}

func TestWakeUpsReachOtherProcesses(t *testing.T) {
	u := pgtest.URL(t)
	here := listener(t, pgtest.Open(t, u, db.Options{}), db.ListenOptions{})
	there := listener(t, pgtest.Open(t, u, db.Options{}), db.ListenOptions{})
	ready, cancelReady := there.Subscribe("job_ready")
	defer cancelReady()
	other, cancelOther := there.Subscribe("other")
	defer cancelOther()
	awaitWake(t, ready, "the first connection wakes, because something may have been missed")
	awaitWake(t, other, "the same")

	here.Notify("job_ready")
	awaitWake(t, ready, "notified")
	pid := "SELECT string_agg(pid::text, ',' ORDER BY pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' OR query LIKE '%pg_notify(%'"
	watch := pgtest.Open(t, u, db.Options{})
	before := text(t, watch, pid)
	late, cancelLate := there.Subscribe("added later")
	defer cancelLate()
	awaitWake(t, late, "a channel added during the wait is followed at once")
	here.Notify("added later")
	awaitWake(t, late, "notified")
	require.Equal(t, before, text(t, watch, pid), "on the same connections")
}

func TestNotifyNeverBlocksAndIsSentOnceConnected(t *testing.T) {
	u := pgtest.URL(t)
	there := listener(t, pgtest.Open(t, u, db.Options{}), db.ListenOptions{})
	wake, cancel := there.Subscribe("busy")
	defer cancel()
	awaitWake(t, wake, "first connection")
	pool := pgtest.Open(t, u, db.Options{})
	here := db.NewListener(pool, db.ListenOptions{})
	for range 10_000 {
		here.Notify("busy")
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- here.Run(ctx) }()
	awaitWake(t, wake, "notified before Run")
	stop()
	require.NoError(t, <-done)
}

func TestCancelledSubscriptionGetsNothing(t *testing.T) {
	l := listener(t, pgtest.Open(t, pgtest.URL(t), db.Options{}), db.ListenOptions{})
	gone, cancel := l.Subscribe("x")
	awaitWake(t, gone, "first connection")
	cancel()
	stays, cancelStays := l.Subscribe("x")
	defer cancelStays()
	l.Notify("x")
	awaitWake(t, stays, "notified")
	select {
	case <-gone:
		t.Fatal("woken after cancel")
	default:
	}
}

// The peer vanishes without closing the connection.
func Test38HalfOpenConnectionIsReplaced(t *testing.T) {
	u := pgtest.URL(t)
	proxy := newProxy(t, u)
	l := listener(t, pgtest.Open(t, proxy.url, db.Options{MaxConns: 1}), db.ListenOptions{Heartbeat: 100 * time.Millisecond})
	wake, cancel := l.Subscribe("job_ready")
	defer cancel()
	awaitWake(t, wake, "first connection")

	before := proxy.accepted.Load()
	proxy.freeze() // the connections so far stay open and carry nothing more
	awaitWake(t, wake, "the new connection wakes, because something may have been missed")
	require.Greater(t, proxy.accepted.Load(), before)
	sender := listener(t, pgtest.Open(t, u, db.Options{}), db.ListenOptions{})
	sender.Notify("job_ready")
	awaitWake(t, wake, "notified over the new connection")
}

// proxy passes connections on to the test server, until it swallows what they carry.
type proxy struct {
	url      string
	accepted atomic.Int64
	mu       sync.Mutex
	frozen   []*atomic.Bool
}

func newProxy(t *testing.T, server string) *proxy {
	t.Helper()
	u, err := url.Parse(server)
	require.NoError(t, err)
	query := u.Query()
	target := filepath.Join(query.Get("host"), ".s.PGSQL."+query.Get("port"))
	listen, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	host, port, err := net.SplitHostPort(listen.Addr().String())
	require.NoError(t, err)
	query.Set("host", host)
	query.Set("port", port)
	u.RawQuery = query.Encode()
	p := &proxy{url: u.String()}
	t.Cleanup(func() { require.NoError(t, listen.Close()) })
	go func() {
		for {
			client, err := listen.Accept()
			if err != nil {
				return
			}
			p.accepted.Add(1)
			p.pass(client, target)
		}
	}()
	return p
}

func (p *proxy) pass(client net.Conn, target string) {
	server, err := net.Dial("unix", target)
	if err != nil {
		_ = client.Close()
		return
	}
	frozen := &atomic.Bool{}
	p.mu.Lock()
	p.frozen = append(p.frozen, frozen)
	p.mu.Unlock()
	pump := func(to, from net.Conn) {
		defer func() { _ = to.Close() }()
		buf := make([]byte, 32<<10)
		for {
			n, err := from.Read(buf)
			if err != nil {
				return
			}
			if frozen.Load() {
				continue
			}
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
	}
	go pump(server, client)
	go pump(client, server)
}

func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.frozen {
		f.Store(true)
	}
}
