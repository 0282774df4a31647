package job

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"

	"github.com/netraven/netraven/db"
	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/pki"
)

// Config of service job. Every zero value is usable.
type Config struct {
	// Attempts of a task; 0: 3.
	Attempts int
	// SessionBudget is an attempt's time from its claim; 0: 8 minutes.
	SessionBudget time.Duration
	// KeepRuns is how long a run is kept after its end, with its tasks, logs, results and transcripts; 0: 90 days, negative: for ever.
	KeepRuns time.Duration
}

// Validate fills in defaults and refuses what makes no sense.
func (c *Config) Validate() error {
	if c.Attempts == 0 {
		c.Attempts = 3
	}
	if c.SessionBudget == 0 {
		c.SessionBudget = 8 * time.Minute
	}
	if c.KeepRuns == 0 {
		c.KeepRuns = 90 * 24 * time.Hour
	}
	if c.KeepRuns > 0 && c.KeepRuns < 24*time.Hour {
		return errors.New("job: runs are kept for at least 24 h")
	}
	if c.Attempts < 1 || c.Attempts > 10 {
		return errors.New("job: attempts must be 1 to 10")
	}
	if c.SessionBudget < time.Second || c.SessionBudget > 24*time.Hour {
		return errors.New("job: session budget must be 1 s to 24 h")
	}
	return nil
}

// Deps are what the service stands on.
type Deps struct {
	// Pool reaches the migrated schema job by search_path.
	Pool      *pgxpool.Pool
	Log       *slog.Logger
	Now       func() time.Time // nil: the database's clock
	Inventory inventoryv1.TargetServiceClient
	Vault     vaultv1.GrantServiceClient
	// Trust takes audit lines.
	Trust authv1.TrustServiceClient
	// Signer signs specs; its purpose is SPEC_SIGNER.
	Signer *pki.Signer
	Kinds  []Kind
}

// Service is the work queue and its records.
type Service struct {
	jobv1.UnimplementedJobServiceServer
	jobv1.UnimplementedRunServiceServer
	jobv1.UnimplementedDispatchServiceServer

	config    Config
	log       *slog.Logger
	now       func() time.Time
	store     *store
	inventory inventoryv1.TargetServiceClient
	vault     vaultv1.GrantServiceClient
	trust     authv1.TrustServiceClient
	signer    *pki.Signer
	kinds     kinds
	caps      *capCache
	bells     *bells
	wake      *db.Listener
	clock     *databaseClock
	// ticks and movedAfter are the reaper's own.
	ticks      int
	movedAfter uuid.UUID
	// stopped ends long polls and streams when Run ends.
	stopped context.Context
	stop    context.CancelFunc
}

// New makes the service. It calls nobody and touches no database yet.
func New(config Config, deps Deps) (*Service, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	switch {
	case deps.Pool == nil:
		return nil, errors.New("job: no database")
	case deps.Inventory == nil || deps.Vault == nil || deps.Trust == nil:
		return nil, errors.New("job: inventory, vault and auth are needed")
	case deps.Signer == nil:
		return nil, errors.New("job: no signer")
	case len(deps.Kinds) == 0:
		return nil, errors.New("job: no job kinds")
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	store := newStore(deps.Pool)
	clock := &databaseClock{store: store}
	if deps.Now == nil {
		deps.Now = clock.Now
	}
	s := &Service{
		config: config, log: deps.Log, now: deps.Now, clock: clock, store: store, inventory: deps.Inventory, vault: deps.Vault, trust: deps.Trust,
		signer: deps.Signer, kinds: deps.Kinds, caps: &capCache{client: deps.Inventory, now: deps.Now}, bells: &bells{},
		wake: db.NewListener(deps.Pool, db.ListenOptions{Logger: deps.Log}),
	}
	s.stopped, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// Register adds the service's three gRPC services to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	jobv1.RegisterJobServiceServer(r, s)
	jobv1.RegisterRunServiceServer(r, s)
	jobv1.RegisterDispatchServiceServer(r, s)
}

// Run expands runs, reaps what is late and adds up counts until ctx ends; then long polls and streams end too.
func (s *Service) Run(ctx context.Context) error {
	defer s.stop()
	if err := s.store.ensureSystemJobs(ctx, s.now()); err != nil {
		return err
	}
	if err := s.clock.compare(ctx); err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.loop(ctx, "clock", "", clockEvery, s.clock.compare) })
	g.Go(func() error { return s.loop(ctx, "expand", expandKey, time.Second, s.expandAll) })
	g.Go(func() error { return s.loop(ctx, "reap", "", time.Second, s.reapOnce) })
	g.Go(func() error { return s.loop(ctx, "fold", foldKey, time.Second, s.foldOnce) })
	g.Go(func() error { return s.wake.Run(ctx) })
	for i := range buckets {
		g.Go(func() error { return s.hear(ctx, bucketChannel(i)) })
	}
	return g.Wait()
}

// Keys of the service's own loops.
const (
	expandKey = "expand"
	foldKey   = "fold"
)

// loopPause is the least time between two rounds of a loop: what happens meanwhile is done together.
const loopPause = 50 * time.Millisecond

// loop runs one round at the start, at each bell, and at least every `every`. A round that fails is logged and tried again.
func (s *Service) loop(ctx context.Context, name, key string, every time.Duration, round func(context.Context) error) error {
	bell, done := s.bells.listen(key)
	defer done()
	for {
		if err := round(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("a round failed and will be repeated", "loop", name, "err", err)
		}
		if !sleep(ctx, nil, loopPause) || !sleep(ctx, bell, every) {
			return nil
		}
	}
}

// sleep waits for the bell, or as long as said. False: ctx ended.
func sleep(ctx context.Context, bell <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-bell:
	case <-timer.C:
	}
	return true
}
