package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/grpcx"
	"github.com/netraven/netraven/internal/pgembed"
	"github.com/netraven/netraven/internal/secret"
)

// drainTime bounds a stop: SIGTERM ends everything within 15 seconds, the private PostgreSQL included.
const drainTime = 10 * time.Second

// House is a running process of NetRaven: all services, or some.
type House struct{ h *house }

type house struct {
	cfg     Config
	log     *slog.Logger
	metrics *prometheus.Registry
	health  *health

	postgres    *pgembed.Server
	databaseURL secret.String
	pools       []*pgxpool.Pool

	conns    *conns
	verifier *authn.Verifier
	services []running
	doors    *doors
	agent    *localAgent

	failed chan error // the first thing that ended by itself
}

// running is a service and its loops.
type running struct {
	room    room
	service service
	cancel  context.CancelFunc
	done    chan struct{}
}

// Start brings everything up and returns when all services serve. What fails on the way is taken down again. It blocks for as long as the database needs:
// a second at the first start.
func Start(ctx context.Context, cfg Config, log *slog.Logger) (*House, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	h := &house{cfg: cfg, log: log, metrics: prometheus.NewRegistry(), health: &health{reports: map[string]func() map[string]any{}}, failed: make(chan error, 1)}
	h.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if err := h.start(ctx); err != nil {
		h.stop()
		return nil, err
	}
	return &House{h: h}, nil
}

func (h *house) start(ctx context.Context) error {
	// The private PostgreSQL may run as another user and must pass through; what is secret in the folder has its own 0600 or 0700.
	if err := os.MkdirAll(h.cfg.Data, 0o711); err != nil {
		return fmt.Errorf("the data folder cannot be made: %w; choose another with --data, or make it and give it to the user that runs the server", err)
	}
	if err := h.openDatabase(ctx); err != nil {
		return err
	}
	if err := h.openConns(); err != nil {
		return err
	}
	var err error
	if h.doors, err = openDoors(h); err != nil { // addresses first: a port that is taken is told before anything is built
		return err
	}
	for _, r := range catalog {
		if !h.cfg.local(r.name) {
			continue
		}
		if err := h.build(ctx, r); err != nil {
			return err
		}
	}
	h.doors.serve(h)
	h.health.started.Store(true)
	return h.startAgent()
}

func (h *house) openDatabase(ctx context.Context) error {
	h.databaseURL = h.cfg.DatabaseURL
	if h.databaseURL.Empty() {
		pg, err := pgembed.Start(ctx, pgembed.Config{DataDir: filepath.Join(h.cfg.Data, "postgres"), BinDir: h.cfg.PGBin, Logger: h.log})
		if err != nil {
			return err
		}
		h.postgres, h.databaseURL = pg, secret.NewString(pg.URL())
		go h.watchPostgres(pg)
	}
	return nil
}

// watchPostgres ends the process when the private server ends by itself: without it nothing works, and a fresh start recovers.
func (h *house) watchPostgres(pg *pgembed.Server) {
	<-pg.Done()
	if err := pg.Err(); err != nil {
		h.fail(fmt.Errorf("the private PostgreSQL ended: %w", err))
	}
}

func (h *house) openConns() error {
	h.conns = &conns{cfg: h.cfg, mem: grpcx.NewMem()}
	if len(h.cfg.remote()) > 0 {
		var err error
		if h.conns.tls, err = loadCerts(h.cfg.Certs, h.localNames()); err != nil {
			return err
		}
	}
	auth, err := h.conns.to(h.localNames()[0], "auth")
	if err != nil {
		return err
	}
	trust := authv1.NewTrustServiceClient(auth)
	h.verifier = authn.NewVerifier(func(ctx context.Context) (*authv1.Jwks, error) { return trust.GetJwks(ctx, &authv1.GetJwksRequest{}) })
	return nil
}

func (h *house) localNames() []string {
	var names []string
	for _, r := range catalog {
		if h.cfg.local(r.name) {
			names = append(names, r.name)
		}
	}
	return names
}

func (h *house) build(ctx context.Context, r room) error {
	p, err := h.gather(ctx, r)
	if err != nil {
		return err
	}
	s, err := r.build(p)
	if err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	h.doors.register(h, s)
	if r, ok := s.(interface{ Health() map[string]any }); ok {
		h.health.reports[p.name] = r.Health
	}
	run := running{room: r, service: s, done: make(chan struct{})}
	var loop context.Context
	loop, run.cancel = context.WithCancel(context.WithoutCancel(ctx))
	h.services = append(h.services, run)
	go func() {
		defer close(run.done)
		if err := s.Run(loop); err != nil && loop.Err() == nil {
			h.fail(fmt.Errorf("%s: %w", r.name, err))
		}
	}()
	return nil
}

func (h *house) fail(err error) {
	select {
	case h.failed <- err:
	default:
	}
}

// Wait blocks until ctx ends (nil) or until something the process cannot live without ended by itself.
func (h *House) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-h.h.failed:
		return err
	}
}

// Stop drains and closes everything. It blocks for at most 15 seconds and may be called once.
func (h *House) Stop() { h.h.stop() }

// HTTPAddr is where REST is served, with the real port.
func (h *House) HTTPAddr() string { return h.h.doors.httpAddr() }

// GRPCAddr is where users call gRPC, with the real port; empty if nowhere.
func (h *House) GRPCAddr() string { return addrOf(h.h.doors.users) }

// AgentsAddr is where agents connect, with the real port.
func (h *House) AgentsAddr() string { return h.h.doors.agentsAddr() }

// Ready tells whether /readyz answers 200.
func (h *House) Ready() bool { return len(h.h.health.missing()) == 0 }

func (h *house) stop() {
	deadline := time.Now().Add(drainTime)
	h.health.started.Store(false)
	if h.doors != nil {
		h.doors.closeHTTP(deadline)
	}
	if h.agent != nil {
		h.agent.stop(deadline)
	}
	for _, s := range slices.Backward(h.services) { // callers before those they call; the hub ends its streams first
		s.cancel()
		waitUntil(s.done, deadline)
	}
	if h.doors != nil {
		h.doors.closeGRPC(deadline)
	}
	if h.conns != nil {
		h.conns.close()
	}
	for _, p := range h.pools {
		p.Close()
	}
	if h.postgres != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := h.postgres.Stop(ctx); err != nil && !errors.Is(err, context.Canceled) {
			h.log.Warn("the private PostgreSQL did not stop cleanly; the next start recovers it", "err", err)
		}
	}
}

func waitUntil(done <-chan struct{}, deadline time.Time) {
	select {
	case <-done:
	case <-time.After(time.Until(deadline)):
	}
}
