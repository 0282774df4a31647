package auth

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
	"github.com/netraven/netraven/internal/keyfile"
	"github.com/netraven/netraven/internal/secret"
)

// startTimeout bounds what New does in the database.
const startTimeout = 30 * time.Second

// Config says how auth behaves. The zero value is usable.
type Config struct {
	// AdminPasswordFile is where first start writes the random password of `admin`, mode 0600; it is removed when that password is
	// changed. Empty: first start needs AdminPassword.
	AdminPasswordFile string
	// AdminPassword is `admin`'s password at first start instead of a random one; it need not be changed. Ignored later.
	AdminPassword secret.String
	// AccessTTL is the life of an access token. 0: 10 minutes.
	AccessTTL time.Duration
	// SessionIdle ends a session that is not refreshed. 0: 14 days. A session never lives longer than 90 days.
	SessionIdle time.Duration
	// KeyPeriod is how long a signing key signs. 0: 30 days.
	KeyPeriod time.Duration
	// ParallelHashes bounds the passwords that are hashed at once, 19 MiB each. 0: one a processor.
	ParallelHashes int
}

// Validate says what is wrong with a Config.
func (c Config) Validate() error {
	if c.AccessTTL < 0 || c.AccessTTL > time.Hour {
		return fmt.Errorf("auth: access tokens live at most an hour, not %s", c.AccessTTL)
	}
	if c.SessionIdle < 0 || c.KeyPeriod < 0 || c.ParallelHashes < 0 {
		return errors.New("auth: times and counts must not be negative")
	}
	if c.KeyPeriod != 0 && c.KeyPeriod < 2*retireAfter {
		return fmt.Errorf("auth: a signing key signs for at least %s", 2*retireAfter)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.AccessTTL == 0 {
		c.AccessTTL = 10 * time.Minute
	}
	if c.SessionIdle == 0 {
		c.SessionIdle = 14 * 24 * time.Hour
	}
	if c.KeyPeriod == 0 {
		c.KeyPeriod = 30 * 24 * time.Hour
	}
	return c
}

// Deps is what auth needs of the world.
type Deps struct {
	// Pool is the migrated schema `auth`.
	Pool *pgxpool.Pool
	Log  *slog.Logger
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
	// Key seals the private keys in the database.
	Key *keyfile.Key
}

// Service is auth. Safe for concurrent use.
type Service struct {
	authv1.UnimplementedAuthServiceServer
	authv1.UnimplementedUserServiceServer
	authv1.UnimplementedTrustServiceServer
	authv1.UnimplementedCertificateServiceServer

	cfg       Config
	log       *slog.Logger
	now       func() time.Time
	key       *keyfile.Key
	store     *store
	passwords *hasher
	ring      keyring
	authority *authority
}

// New makes the service. At first start it makes the user `admin`, the signing keys and the authority; it blocks on the database for that,
// at most 30 seconds. May be repeated, also by several replicas at once.
func New(cfg Config, deps Deps) (*Service, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if deps.Pool == nil || deps.Log == nil || deps.Key == nil {
		return nil, errors.New("auth: Pool, Log and Key are needed")
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	s := &Service{cfg: cfg.withDefaults(), log: deps.Log, now: deps.Now, key: deps.Key, store: newStore(deps.Pool), passwords: newHasher(cfg.ParallelHashes)}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := s.firstStart(ctx); err != nil {
		return nil, fmt.Errorf("auth: %w", err)
	}
	return s, nil
}

// Register adds the RPCs to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	authv1.RegisterAuthServiceServer(r, s)
	authv1.RegisterUserServiceServer(r, s)
	authv1.RegisterTrustServiceServer(r, s)
	authv1.RegisterCertificateServiceServer(r, s)
}

// Run rotates signing keys and removes what has expired, until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.janitor(ctx) })
	return g.Wait()
}
