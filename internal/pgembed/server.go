package pgembed

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Config says where the private server lives. Only DataDir is required.
type Config struct {
	DataDir    string            // folder of this package alone, made if missing; see the package comment for its layout
	BinDir     string            // folder with postgres and initdb (--pg-bin); empty: look for them
	BundleDirs []string          // folders with fetched binaries; nil: DefaultBundleDirs
	Settings   map[string]string // server parameters on top of ours, such as shared_buffers
	Volatile   bool              // the data may be lost in a crash: no fsync. For data that is thrown away.
	Logger     *slog.Logger      // nil: slog.Default
}

// Server is a running private PostgreSQL.
type Server struct {
	cluster cluster
	lock    *os.File
	process *postmaster
	socket  string
	bin     Binaries
}

// Start brings the private server up and returns when it answers: in well under a second, in about one more on the first start, and after
// a crash as long as recovery takes (bounded by ctx only). It ends or waits for its own stale server first. When it fails, nothing
// is left running. Errors are sentences for an operator; *NotFoundError is one of them.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if cfg.DataDir == "" {
		return nil, errors.New("the private PostgreSQL needs a data directory")
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	c, err := openHome(cfg.DataDir, cfg.Logger)
	if err != nil {
		return nil, err
	}
	lock, err := c.lock()
	if err != nil {
		return nil, err
	}
	s := &Server{cluster: c, lock: lock}
	if err := s.start(ctx, cfg); err != nil {
		_ = lock.Close()
		return nil, err
	}
	return s, nil
}

// start does the steps of Start under the lock.
func (s *Server) start(ctx context.Context, cfg Config) error {
	c := s.cluster
	if err := c.settleUpgrade(ctx); err != nil {
		return err
	}
	major, err := c.major()
	if err != nil {
		return err
	}
	if s.bin, err = find(ctx, c.as, cfg.BinDir, cfg.BundleDirs, major); err != nil {
		var missing *NotFoundError
		if errors.As(err, &missing) && major != 0 {
			missing.DataDir = c.home
		}
		return err
	}
	if err := c.checkReach(ctx, s.bin); err != nil {
		return err
	}
	if err := c.endStale(ctx); err != nil {
		return err
	}
	if major == 0 {
		c.log.Info("making the private PostgreSQL", "data", c.home, "version", s.bin.Major, "programs", s.bin.Dir)
		if err := c.initialise(ctx, s.bin, cfg.Volatile); err != nil {
			return err
		}
	} else if err := c.as.ownAll(c.dir); err != nil {
		return fmt.Errorf("give the database to user %s: %w", c.as.name, err)
	}
	return s.serve(ctx, cfg)
}

// serve runs the server on a cluster that is there.
func (s *Server) serve(ctx context.Context, cfg Config) (err error) {
	c := s.cluster
	if _, err := os.Stat(c.passfile()); err != nil {
		return fmt.Errorf("the private PostgreSQL's password file is missing, restore it from a backup: %w", err)
	}
	if s.socket, err = c.socketDir(); err != nil {
		return err
	}
	if s.process, err = launch(ctx, c, s.bin, serverArgs(c, s.socket, cfg), cfg.Volatile); err != nil {
		c.removeSocketDir()
		return err
	}
	if err := s.ensureDatabase(ctx); err != nil {
		stopCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		return errors.Join(err, s.Stop(stopCtx))
	}
	return nil
}

// URL is the connection URL of NetRaven's database. It holds no password but the name of the file that does, so it may be shown; it works
// for pgx, and for libpq's programs run by the same user.
func (s *Server) URL() string { return s.DatabaseURL(database) }

// DatabaseURL is like URL, for another database of the same server.
func (s *Server) DatabaseURL(name string) string { return s.cluster.url(s.socket, name) }

// Attach answers the URL of the server that another process runs on dataDir (Start said *InUseError), once it is known where that listens. It
// starts nothing and waits for nothing: the server may not answer yet, or no longer.
func Attach(dataDir string) (string, error) {
	home, err := filepath.Abs(dataDir)
	if err != nil {
		return "", err
	}
	if home, err = filepath.EvalSymlinks(home); err != nil {
		return "", err
	}
	c := cluster{home: home, dir: filepath.Join(home, "cluster")}
	socket := filepath.Join(home, "socket")
	if raw, err := os.ReadFile(c.socketNote()); err == nil {
		socket = strings.TrimSpace(string(raw))
	}
	if _, err := os.Stat(filepath.Join(socket, socketName)); err != nil {
		return "", fmt.Errorf("the server of the database in %s takes no connections now: %w", home, err)
	}
	return c.url(socket, database), nil
}

func (c cluster) url(socket, name string) string {
	query := url.Values{"host": {socket}, "port": {"5432"}, "passfile": {c.passfile()}, "sslmode": {"disable"}}
	query.Set("password", "") // present but empty, it keeps a PGPASSWORD of the environment from being used instead of the file
	u := url.URL{Scheme: "postgres", User: url.User(superuser), Path: "/" + name, RawQuery: query.Encode()}
	return u.String()
}

// Pid is the server's process id.
func (s *Server) Pid() int { return s.process.pid }

// Done is closed when the server has ended, whether asked to or not.
func (s *Server) Done() <-chan struct{} { return s.process.done }

// Err says why the server ended although Stop was not called, nil otherwise. Read it after Done.
func (s *Server) Err() error { return s.process.failure() }

// Stop ends the server cleanly (connections are cut, data is checkpointed) and waits. When ctx ends first, the server is ended without the
// checkpoint, which costs only a recovery at the next start. Stop may be repeated.
func (s *Server) Stop(ctx context.Context) error {
	err := s.process.stop(ctx)
	s.cluster.removeSocketDir()
	return errors.Join(err, s.closeLock())
}

func (s *Server) closeLock() error {
	if s.lock == nil { // somebody else's, for longer than this server
		return nil
	}
	if err := s.lock.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// ensureDatabase connects as NetRaven will, and makes the database on the first start.
func (s *Server) ensureDatabase(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.DatabaseURL("postgres"))
	if err != nil {
		return fmt.Errorf("connect to the private PostgreSQL: %w", err)
	}
	var exists bool
	err = conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", database).Scan(&exists)
	if err == nil && !exists {
		_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{database}.Sanitize())
	}
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("make the database: %w", err)
	}
	return nil
}
