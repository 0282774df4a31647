package agent

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	"github.com/netraven/netraven/jobkind"
)

const (
	defaultSessions = 256
	defaultSpool    = 1 << 30
	// drainPatience is how long running attempts may go on after Run was told to end, lastWords how long their results may take to
	// leave; both together stay under the 15 s that SIGTERM allows.
	drainPatience = 8 * time.Second
	abortPatience = 2 * time.Second
	lastWords     = 3 * time.Second
)

// Config says who the agent is and what it may use. DataDir and one of Server and Dial are required.
type Config struct {
	// DataDir holds keys, journal and spool; it is made with mode 0700.
	DataDir string
	// Server is the hub's address, host:port.
	Server string
	// Dial connects to the hub instead of Server, for an agent in the server's own process.
	Dial func(ctx context.Context) (net.Conn, error)
	// Join answers the text of a join token. It is called only while there is no identity in DataDir, again after a failure.
	Join func(ctx context.Context) (string, error)
	// Joined is called once the token has been spent and the identity is on disk. Nil: nothing.
	Joined func() error
	// Name is for people. Default: the host's name.
	Name string
	// Version is for people.
	Version string
	// MaxSessions bounds the sessions with devices. Default 256.
	MaxSessions int
	// SpoolLimit is how many bytes of results may wait on disk before no more work is taken. Default 1 GiB.
	SpoolLimit int64
	// Policy is what the people at the gateway allow.
	Policy Policy
}

func (c Config) validate() error {
	switch {
	case c.DataDir == "":
		return errors.New("agent: a data directory is needed")
	case (c.Server == "") == (c.Dial == nil):
		return errors.New("agent: the server's address is needed")
	case c.MaxSessions < 0 || c.SpoolLimit < 0:
		return errors.New("agent: limits must not be negative")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name, _ = os.Hostname()
	}
	if c.MaxSessions == 0 {
		c.MaxSessions = defaultSessions
	}
	if c.Policy.MaxSessions > 0 {
		c.MaxSessions = min(c.MaxSessions, c.Policy.MaxSessions)
	}
	if c.SpoolLimit == 0 {
		c.SpoolLimit = defaultSpool
	}
	if c.Dial == nil {
		server := c.Server
		c.Dial = func(ctx context.Context) (net.Conn, error) {
			return (&net.Dialer{Timeout: dialPatience}).DialContext(ctx, "tcp", server)
		}
	}
	return c
}

// Deps are what the agent works with; all have defaults.
type Deps struct {
	// Log takes what operators should know. Nil: slog.Default().
	Log *slog.Logger
	// Now is the clock of certificates and deadlines. Nil: time.Now.
	Now func() time.Time
	// Kinds finds a kind of job by name. Nil: jobkind.Lookup.
	Kinds func(name string) (jobkind.Kind, bool)
}

// Agent is the program at a gateway.
type Agent struct {
	cfg      Config
	log      *slog.Logger
	now      func() time.Time
	kinds    func(name string) (jobkind.Kind, bool)
	bootID   string
	identity *identity
	spool    *spool
	journal  *journal
	pages    pages

	mu       sync.Mutex
	aborted  []attempt // begun in an earlier life, not reported yet
	session  *session  // the open stream; nil: none
	running  map[attempt]*work
	ending   int // of running: those whose session with the device is over
	recent   recent
	draining bool
	hubMax   int // what the hub allows; 0: no bound
	attempts sync.WaitGroup

	ready atomic.Bool
}

// New opens the data directory. It connects to nobody yet. One agent at a time may use a directory.
func New(cfg Config, deps Deps) (*Agent, error) {
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	if deps.Log == nil {
		deps.Log = slog.Default()
	}
	if deps.Now == nil {
		deps.Now = time.Now
	}
	if deps.Kinds == nil {
		deps.Kinds = jobkind.Lookup
	}
	a := &Agent{
		cfg: cfg, log: deps.Log, now: deps.Now, kinds: deps.Kinds, bootID: uuid.Must(uuid.NewV7()).String(), running: map[attempt]*work{},
	}
	return a, a.openData()
}

func (a *Agent) openData() error {
	if err := os.MkdirAll(a.cfg.DataDir, 0o700); err != nil {
		return err
	}
	var err error
	if a.identity, err = openIdentity(a.cfg.DataDir); err != nil {
		return err
	}
	if a.spool, err = openSpool(filepath.Join(a.cfg.DataDir, "spool"), a.cfg.SpoolLimit, a.log); err != nil {
		return err
	}
	if a.journal, err = openJournal(filepath.Join(a.cfg.DataDir, "journal")); err != nil {
		return err
	}
	for _, x := range a.journal.begun() {
		if a.spool.has(x) { // it ended; only the entry was left
			err = errors.Join(err, a.journal.end(x))
		} else {
			a.aborted = append(a.aborted, x)
			if a.journal.proceeds(x) {
				a.log.Warn("an attempt was ended by a restart when it was about to change its device or had begun to; look at the device", "task", x.task)
			}
		}
	}
	return err
}

// Status is what the agent is doing.
type Status struct {
	AgentID, GatewayID string
	// Connected: the hub has welcomed the agent.
	Connected bool
	// Sessions are attempts that run.
	Sessions int
	// Spooled are results that wait to become durable.
	Spooled int
}

// Ready tells whether the agent is connected.
func (a *Agent) Ready() bool { return a.ready.Load() }

// Status answers what the agent is doing now.
func (a *Agent) Status() Status {
	name := a.identity.agent()
	a.mu.Lock()
	sessions := len(a.running)
	a.mu.Unlock()
	return Status{
		AgentID: name.AgentID, GatewayID: name.GatewayID, Connected: a.Ready(), Sessions: sessions, Spooled: len(a.spool.attempts()),
	}
}

// Run joins where that has not happened yet, then stays connected until ctx ends. Then it takes no more work, lets what runs end, sends
// what it can and returns within 15 s. It returns an error only if the agent can never join, or if another agent uses its directory. Call it once.
func (a *Agent) Run(ctx context.Context) error {
	release, err := lock(a.cfg.DataDir)
	if err != nil {
		return err
	}
	defer release()
	if err := a.enroll(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return fmt.Errorf("joining failed: %w", worded(err))
	}
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	linked := make(chan struct{})
	go func() {
		defer close(linked)
		a.keepLinked(life)
	}()
	<-ctx.Done()
	a.drain()
	stop()
	<-linked
	return nil
}

// drain lets attempts end, then ends them, then waits for results to leave.
func (a *Agent) drain() {
	a.mu.Lock()
	a.draining = true
	a.mu.Unlock()
	a.sayCapacity()
	if !a.idle(drainPatience) {
		a.mu.Lock()
		for _, w := range a.running {
			w.cancel(errShutdown)
		}
		a.mu.Unlock()
		a.idle(abortPatience)
	}
	patience := time.After(lastWords)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for a.Ready() && len(a.spool.attempts()) > 0 {
		select {
		case <-patience:
			return
		case <-tick.C:
		}
	}
}

// idle waits until nothing runs and tells whether that came true in time.
func (a *Agent) idle(patience time.Duration) bool {
	done := make(chan struct{})
	go func() {
		a.attempts.Wait()
		close(done)
	}()
	select {
	case <-done:
		return true
	case <-time.After(patience):
		return false
	}
}

// capacity is what the agent can take, and why it takes nothing if so.
func (a *Agent) capacity() *hubv1.Capacity {
	full := a.spool.full()
	a.mu.Lock()
	defer a.mu.Unlock()
	c := &hubv1.Capacity{MaxSessions: int32(a.maxSessions()), Sessions: int32(len(a.running) - a.ending)}
	switch {
	case a.draining:
		c.MaxSessions, c.Reason = 0, "DRAINING"
	case full:
		c.MaxSessions, c.Reason = 0, "SPOOL_FULL"
	}
	return c
}

// maxSessions is called with the lock held.
func (a *Agent) maxSessions() int {
	if a.hubMax > 0 {
		return min(a.hubMax, a.cfg.MaxSessions)
	}
	return a.cfg.MaxSessions
}

func (a *Agent) sayCapacity() {
	if s := a.link(); s != nil {
		s.send(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Capacity{Capacity: a.capacity()}})
	}
}

// link is the open stream, or nil.
func (a *Agent) link() *session {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.session
}
