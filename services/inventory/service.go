package inventory

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/platforms"
)

// Config is what people set.
type Config struct {
	// Pages are custom platforms from files; each takes the place of a built-in page of its name.
	Pages []*platforms.Page
}

// Deps is what inventory needs of the world.
type Deps struct {
	// Pool is the migrated schema `inventory`.
	Pool *pgxpool.Pool
	// Log takes what operators should know. Nil: slog.Default().
	Log *slog.Logger
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
	// Trust takes audit lines.
	Trust authv1.TrustServiceClient
	// Metrics takes the gauges. Nil: nobody looks at them.
	Metrics prometheus.Registerer
}

// Service is inventory. Safe for concurrent use.
type Service struct {
	inventoryv1.UnimplementedDeviceServiceServer
	inventoryv1.UnimplementedSiteServiceServer
	inventoryv1.UnimplementedGatewayServiceServer
	inventoryv1.UnimplementedTagServiceServer
	inventoryv1.UnimplementedPlatformServiceServer
	inventoryv1.UnimplementedTargetServiceServer

	log    *slog.Logger
	now    func() time.Time
	trust  authv1.TrustServiceClient
	store  *store
	pages  *catalogue
	gauges *gauges
	// kept are the digests of pages that are in the table for sure.
	kept sync.Map
}

// New makes the service.
func New(cfg Config, d Deps) (*Service, error) {
	if d.Pool == nil || d.Trust == nil {
		return nil, errors.New("inventory: a dependency is missing")
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	g, err := newGauges(d.Metrics)
	if err != nil {
		return nil, err
	}
	return &Service{log: d.Log, now: d.Now, trust: d.Trust, store: newStore(d.Pool), pages: newCatalogue(d.Log, cfg.Pages), gauges: g}, nil
}

// Register adds the RPCs to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	inventoryv1.RegisterDeviceServiceServer(r, s)
	inventoryv1.RegisterSiteServiceServer(r, s)
	inventoryv1.RegisterGatewayServiceServer(r, s)
	inventoryv1.RegisterTagServiceServer(r, s)
	inventoryv1.RegisterPlatformServiceServer(r, s)
	inventoryv1.RegisterTargetServiceServer(r, s)
}

// Run counts until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	s.count(ctx)
	return nil
}
