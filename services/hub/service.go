package hub

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"
	"google.golang.org/grpc"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

const (
	// MaxStreams is for the agents' server: what one agent's connection may have open at once.
	MaxStreams = 16
	// MaxRecv is for the agents' server: the largest message it takes, which is one part of an upload.
	MaxRecv = maxChunk + maxMessage

	maxMessage        = 64 << 10 // on the control stream
	maxChunk          = 256 << 10
	handshakesPerSec  = 300
	sealsAtOnce       = 128
	revocationPoll    = 3 * time.Second
	drainPatience     = 5 * time.Second
	neighbourPatience = 30 * time.Second
)

// Config says how the hub behaves; the zero value is usable.
type Config struct {
	// Heartbeat is the interval that agents are told. Default 15 s, 1 s to 60 s. Either side closes after three silent ones.
	Heartbeat time.Duration
	// InlineLimit is up to how many bytes a result may travel on the control stream. Default 32 KiB, at most 48 KiB.
	InlineLimit int
	// ResultLimit is the largest result. Default and most 64 MiB.
	ResultLimit int
	// ResultBudget bounds the bytes of all results that are on their way through this replica. Default 256 MiB.
	ResultBudget int64
	// Address is what agents dial, as join commands show it. Default 127.0.0.1:9443.
	Address string
}

// Validate answers what is wrong with the configuration, or nil.
func (c Config) Validate() error {
	switch {
	case c.Heartbeat != 0 && (c.Heartbeat < time.Second || c.Heartbeat > time.Minute):
		return errors.New("hub: heartbeat must be 1s to 60s")
	case c.InlineLimit < 0 || c.InlineLimit > 48<<10:
		return errors.New("hub: inline limit must be at most 48 KiB")
	case c.ResultLimit < 0 || c.ResultLimit > 64<<20:
		return errors.New("hub: result limit must be at most 64 MiB")
	case c.ResultBudget < 0:
		return errors.New("hub: result budget must not be negative")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Heartbeat == 0 {
		c.Heartbeat = 15 * time.Second
	}
	if c.InlineLimit == 0 {
		c.InlineLimit = 32 << 10
	}
	if c.ResultLimit == 0 {
		c.ResultLimit = 64 << 20
	}
	if c.ResultBudget == 0 {
		c.ResultBudget = 256 << 20
	}
	c.ResultBudget = max(c.ResultBudget, int64(c.ResultLimit)) // one large result must always fit
	if c.Address == "" {
		c.Address = "127.0.0.1:9443"
	}
	return c
}

// Deps are what the hub needs. All but Log and Now are required.
type Deps struct {
	// Pool is the hub's schema, migrated.
	Pool *pgxpool.Pool
	// Log takes what operators should know. Nil: slog.Default().
	Log *slog.Logger
	// Now is the clock of rows and certificates. Nil: time.Now.
	Now func() time.Time

	Certificates authv1.CertificateServiceClient
	Dispatch     jobv1.DispatchServiceClient
	Grants       vaultv1.GrantServiceClient
	Store        gitstorev1.StoreServiceClient
	Targets      inventoryv1.TargetServiceClient
}

func (d Deps) validate() error {
	if d.Pool == nil || d.Certificates == nil || d.Dispatch == nil || d.Grants == nil || d.Store == nil || d.Targets == nil {
		return errors.New("hub: a dependency is missing")
	}
	return nil
}

// Service is the hub.
type Service struct {
	hubv1.UnimplementedAgentServiceServer

	cfg      Config
	deps     Deps
	store    *store
	serving  *serving
	sessions *sessions
	revoked  *revoked
	pages    *pages
	results  *results

	handshakes *rate.Limiter
	budget     *semaphore.Weighted // bytes of results on their way
	seals      chan struct{}
	settling   sync.WaitGroup // results on their way
}

// New makes a hub. It calls nobody yet.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := errors.Join(cfg.Validate(), deps.validate()); err != nil {
		return nil, err
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	serving, err := newServing(deps.Certificates, deps.Now)
	if err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	return &Service{
		cfg: cfg, deps: deps, store: newStore(deps.Pool), serving: serving,
		sessions: newSessions(), revoked: newRevoked(deps.Certificates), pages: newPages(deps.Targets), results: newResults(deps),
		handshakes: rate.NewLimiter(handshakesPerSec, handshakesPerSec), budget: semaphore.NewWeighted(cfg.ResultBudget),
		seals: make(chan struct{}, sealsAtOnce),
	}, nil
}

// Register adds the services for people: AgentService.
func (s *Service) Register(r grpc.ServiceRegistrar) { hubv1.RegisterAgentServiceServer(r, s) }

// RegisterLink adds the agents' side to the server of the agents' port, which has TLSConfig as credentials, MaxStreams and MaxRecv.
func (s *Service) RegisterLink(r grpc.ServiceRegistrar) {
	hubv1.RegisterLinkServiceServer(r, &link{hub: s})
}

// TLSConfig is for the agents' port: TLS 1.3, a server certificate that renews itself, and agents' certificates verified where given. It
// does not block; the certificate is asked for at the first handshake.
func (s *Service) TLSConfig() *tls.Config { return s.serving.config() }

// Run blocks until ctx ends. Then it tells agents to connect elsewhere, ends their streams and lets results on their way arrive.
func (s *Service) Run(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.watchRevoked(gctx) })
	g.Go(func() error {
		<-gctx.Done()
		s.drain()
		return nil
	})
	return g.Wait()
}

// drain ends every stream; a stream is never left to GracefulStop, which would wait for it for ever.
func (s *Service) drain() {
	s.sessions.drain()
	done := make(chan struct{})
	go func() {
		s.sessions.wait()
		s.settling.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(drainPatience):
		s.deps.Log.Warn("streams or results are left behind; agents send them again")
	}
}
