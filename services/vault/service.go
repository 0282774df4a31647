package vault

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/keyfile"
	"github.com/netraven/netraven/internal/pki"
)

// startTimeout bounds what New does in the database.
const startTimeout = 30 * time.Second

// Config says how vault behaves.
type Config struct {
	// RecoveryKeyFile is where the first start leaves the private part of the offline recovery key, mode 0600, for the operator to move away.
	// Needed at first start only.
	RecoveryKeyFile string
}

// Deps is what vault needs of the world.
type Deps struct {
	// Pool is the migrated schema `vault`.
	Pool *pgxpool.Pool
	Log  *slog.Logger
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
	// Key seals data keys. Nil: it is not available, and vault runs degraded.
	Key *keyfile.Key
	// Inventory tells a device's tags.
	Inventory inventoryv1.TargetServiceClient
	// Certificates is auth's authority.
	Certificates authv1.CertificateServiceClient
	// Trust takes audit lines.
	Trust authv1.TrustServiceClient
}

// Service is vault. Safe for concurrent use.
type Service struct {
	vaultv1.UnimplementedCredentialServiceServer
	vaultv1.UnimplementedGrantServiceServer
	vaultv1.UnimplementedSecretServiceServer

	log       *slog.Logger
	now       func() time.Time
	envelope  envelope
	recovery  []byte // public part
	store     *store
	inventory inventoryv1.TargetServiceClient
	signer    *pki.Signer
	trust     *trust
	audit     *auditQueue
}

// New makes the service. At first start it makes the offline recovery key; it blocks on the database for that, at most 30 seconds. May be
// repeated, also by several replicas at once.
func New(cfg Config, deps Deps) (*Service, error) {
	if deps.Pool == nil || deps.Log == nil || deps.Inventory == nil || deps.Certificates == nil || deps.Trust == nil {
		return nil, errors.New("vault: Pool, Log, Inventory, Certificates and Trust are needed")
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	signer, err := pki.NewSigner(deps.Certificates, authv1.IssueCertificateRequest_GRANT_SIGNER, deps.Now)
	if err != nil {
		return nil, err
	}
	s := &Service{
		log: deps.Log, now: deps.Now, envelope: envelope{kek: deps.Key}, store: newStore(deps.Pool), inventory: deps.Inventory, signer: signer,
		trust: newTrust(deps.Certificates, deps.Now), audit: newAuditQueue(deps.Trust, deps.Log),
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := s.firstStart(ctx, cfg.RecoveryKeyFile); err != nil {
		return nil, fmt.Errorf("vault: %w", err)
	}
	if deps.Key == nil {
		s.log.Error("vault runs without its key-encryption key: no credential can be added or opened until it is back and vault restarted")
	}
	return s, nil
}

// Register adds the RPCs to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	vaultv1.RegisterCredentialServiceServer(r, s)
	vaultv1.RegisterGrantServiceServer(r, s)
	vaultv1.RegisterSecretServiceServer(r, s)
}

// Run writes audit lines and frees expired reservations, until ctx ends. Lines that wait then are still written, for five seconds.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.audit.run(ctx) })
	g.Go(func() error { return s.reaper(ctx) })
	return g.Wait()
}
