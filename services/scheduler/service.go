package scheduler

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	schedulerv1 "github.com/netraven/netraven/gen/go/netraven/scheduler/v1"
)

// Config of service scheduler. Every zero value is usable.
type Config struct {
	// TimeZone of the nightly backup, an IANA name; empty: UTC. It counts at the first start only.
	TimeZone string
}

// Validate fills in defaults and refuses what makes no sense.
func (c *Config) Validate() error {
	if c.TimeZone == "" {
		c.TimeZone = "UTC"
	}
	_, err := loadZone(c.TimeZone)
	return err
}

// Deps are what the service stands on.
type Deps struct {
	// Pool reaches the migrated schema scheduler by search_path.
	Pool *pgxpool.Pool
	Log  *slog.Logger
	Now  func() time.Time // nil: time.Now
	Jobs jobv1.JobServiceClient
}

// Service keeps schedules and fires them.
type Service struct {
	schedulerv1.UnimplementedScheduleServiceServer

	config Config
	log    *slog.Logger
	now    func() time.Time
	store  *store
	jobs   jobv1.JobServiceClient
	// changed tells the loop that a schedule may be due earlier than it thought.
	changed chan struct{}
}

// New makes the service. It calls nobody and touches no database yet.
func New(config Config, deps Deps) (*Service, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	switch {
	case deps.Pool == nil:
		return nil, errors.New("scheduler: no database")
	case deps.Jobs == nil:
		return nil, errors.New("scheduler: job is needed")
	}
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	return &Service{config: config, log: deps.Log, now: deps.Now, store: newStore(deps.Pool), jobs: deps.Jobs, changed: make(chan struct{}, 1)}, nil
}

// Register adds the service to a server.
func (s *Service) Register(r grpc.ServiceRegistrar) { schedulerv1.RegisterScheduleServiceServer(r, s) }

// tickEvery is the longest pause between two ticks; nearer times are met by a timer.
const tickEvery = time.Second

// Run fires schedules until ctx ends.
func (s *Service) Run(ctx context.Context) error {
	if err := s.ensureSystemSchedules(ctx); err != nil {
		return err
	}
	for {
		if err := s.tickOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("a tick failed and will be repeated", "err", err)
		}
		timer := time.NewTimer(s.pause(ctx))
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-s.changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// pause is how long nothing will be due.
func (s *Service) pause(ctx context.Context) time.Duration {
	at, err := s.store.nextEvent(ctx)
	if err != nil || at.IsZero() {
		return tickEvery
	}
	return min(max(at.Sub(s.now()), time.Millisecond), tickEvery)
}

// wake makes the loop look again. Never blocks.
func (s *Service) wake() {
	select {
	case s.changed <- struct{}{}:
	default:
	}
}
