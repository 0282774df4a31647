package gitstore

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/keyfile"
	"github.com/netraven/netraven/services/gitstore/remote"
	"github.com/netraven/netraven/services/gitstore/repo"
	"github.com/netraven/netraven/services/gitstore/sift"
)

// Config says where git is.
type Config struct {
	// Dir is the folder of the bare repositories. Required.
	Dir string
	// Mirror is the second place of the history: a folder that exists, or s3://BUCKET/PREFIX?endpoint=URL&region=NAME. Empty: none.
	Mirror string
	// KeepOriginals is how long originals are kept but for the newest of each artifact; 0: for ever. The masked history is always kept.
	KeepOriginals time.Duration
	// Plain leaves texts unmasked: git, its clones and whoever may read revisions show every secret. It holds for what is stored from now on.
	Plain bool
	// Push bounds the pushes to remotes; the zero value is right for use.
	Push remote.Limits
}

// Deps is what gitstore needs of the world. All but Log, Now, FS and Metrics are required, Key only with a mirror.
type Deps struct {
	// Pool is the migrated schema `gitstore`.
	Pool *pgxpool.Pool
	Log  *slog.Logger
	// Now is the clock. Nil: time.Now.
	Now func() time.Time
	// FS writes the repositories. Nil: the operating system.
	FS repo.FS
	// Key is the key file from which comes the key that signs the mirror.
	Key *keyfile.Key
	// Metrics takes the state of the mirror. Nil: nobody asks.
	Metrics prometheus.Registerer

	Grants  vaultv1.GrantServiceClient
	Secrets vaultv1.SecretServiceClient
	Targets inventoryv1.TargetServiceClient
	Trust   authv1.TrustServiceClient
}

// Service is gitstore. Safe for concurrent use.
type Service struct {
	gitstorev1.UnimplementedRevisionServiceServer
	gitstorev1.UnimplementedStoreServiceServer
	gitstorev1.UnimplementedSearchServiceServer
	gitstorev1.UnimplementedCloneServiceServer
	gitstorev1.UnimplementedRemoteServiceServer

	log   *slog.Logger
	now   func() time.Time
	trust authv1.TrustServiceClient
	vault vaultv1.GrantServiceClient
	// secrets keeps how to sign in to remotes.
	secrets vaultv1.SecretServiceClient
	// targets says what people call devices.
	targets inventoryv1.TargetServiceClient
	store   *store
	repos   *repositories
	pages   *pages
	// mirror is nil where none is wanted; restored is nil but at the first start after Restore, until vault has its keys (adopting).
	mirror   *mirroring
	adopting sync.Mutex
	restored *restored
	pusher   *pusher
	// verify looks for damage, and mends it.
	verify *verifier
	// writing is held from reading the newest state to moving the refs: one writer of all repositories, for a transaction may move several heads. Calls wait for it in line.
	writing sync.Mutex
	line    line
	// fetchers are those who clone.
	fetchers fetchers
	// shreds counts the keys that were destroyed since the start.
	shreds atomic.Int64
	// index narrows searches down; searching and searchingHistory bound how many there are at once.
	index                       *sift.Index
	searching, searchingHistory chan struct{}
	// keepOriginals is 0 for ever.
	keepOriginals time.Duration
	plain         bool
}

// New opens the repositories, makes that of all sites at the first start, and brings their refs and the database's heads together. It blocks on disk and database, for long where the
// database was restored and many commits must be indexed again; killed, the next New goes on where this one was.
func New(cfg Config, d Deps) (*Service, error) {
	if cfg.Dir == "" || d.Pool == nil || d.Grants == nil || d.Secrets == nil || d.Targets == nil || d.Trust == nil {
		return nil, errors.New("gitstore: a dependency is missing")
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	if d.Now == nil {
		d.Now = time.Now
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := repo.GitVersion(ctx, ""); err != nil {
		return nil, err
	}
	s := &Service{log: d.Log, now: d.Now, trust: d.Trust, vault: d.Grants, secrets: d.Secrets, targets: d.Targets, store: newStore(d.Pool), pages: newPages(d.Targets, d.Log),
		searching: make(chan struct{}, maxSearches), searchingHistory: make(chan struct{}, maxHistorySearches), keepOriginals: cfg.KeepOriginals, plain: cfg.Plain}
	var err error
	if s.repos, err = openRepositories(ctx, s.store, cfg.Dir, d.FS, d.Log, func() { s.verify.stumbled() }); err != nil {
		return nil, err
	}
	if s.plain {
		s.log.Warn("the history is plain text (history.text): whoever may read revisions or has a clone sees every secret of the devices")
	}
	if s.restored, err = openRestored(filepath.Join(cfg.Dir, restoredDir)); err == nil {
		s.index, err = sift.Open(filepath.Join(cfg.Dir, indexFolder))
	}
	if err == nil {
		err = s.followErasure(context.Background(), cfg.Dir)
	}
	if err == nil {
		err = s.watch(cfg, d)
	}
	if err == nil {
		err = s.verify.follow(context.Background())
	}
	if err == nil {
		err = s.openIndex()
	}
	if err != nil {
		return nil, errors.Join(err, s.repos.close())
	}
	s.pusher = newPusher(s, cfg.Push)
	if err := s.pusher.register(d.Metrics); err != nil {
		return nil, errors.Join(err, s.repos.close())
	}
	return s, nil
}

// Register adds the RPCs to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) {
	gitstorev1.RegisterRevisionServiceServer(r, s)
	gitstorev1.RegisterStoreServiceServer(r, s)
	gitstorev1.RegisterSearchServiceServer(r, s)
	gitstorev1.RegisterCloneServiceServer(r, s)
	gitstorev1.RegisterRemoteServiceServer(r, s)
}

// Health says what is damaged, and how far behind the mirror and the remotes are where there are any.
func (s *Service) Health() map[string]any {
	out := map[string]any{"verify": s.verify.health()}
	if s.mirror != nil {
		out["mirror"] = s.mirror.health()
	}
	if remotes := s.pusher.health(); remotes != nil {
		out["remotes"] = remotes
	}
	return out
}

// committed is called after each commit, for whoever follows behind.
func (s *Service) committed() {
	s.mirror.changed()
	s.pusher.changed()
}

// Run mirrors, pushes, verifies, folds packs, removes what has expired and lets the search index follow until ctx ends, and closes the repositories.
func (s *Service) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	loops.Go(func() { s.adoptSoon(ctx) })
	loops.Go(func() { s.mirror.run(ctx) })
	loops.Go(func() { s.pusher.run(ctx) })
	loops.Go(func() { s.janitor(ctx) })
	loops.Go(func() { s.followTexts(ctx) })
	loops.Go(func() { s.folding(ctx) })
	loops.Go(func() { s.verify.run(ctx) })
	loops.Wait()
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.repos.close()
}
