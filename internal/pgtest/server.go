package pgtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/netraven/netraven/internal/pgembed"
)

// server is the one PostgreSQL of this test process.
type server struct {
	pg        *pgembed.Server
	adminMu   sync.Mutex
	templates templates
}

var shared = sync.OnceValues(startShared)

// need returns the process' server, started by the first test that needs it.
func need(t testing.TB) *server {
	t.Helper()
	srv, err := shared()
	if _, ok := errors.AsType[*pgembed.NotFoundError](err); ok {
		t.Fatalf("this test needs PostgreSQL's server programs, which are not on this machine: run `make postgres`, which fetches them (%v)", err)
	}
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return srv
}

func startShared() (*server, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dir, err := os.MkdirTemp("", "netraven-pgtest-")
	if err != nil {
		return nil, err
	}
	// As root the server runs as another user, who must be let through; the folder below is closed.
	if err := os.Chmod(dir, 0o711); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := removeAtEnd(dir); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	pg, err := pgembed.Start(ctx, pgembed.Config{
		DataDir:  filepath.Join(dir, "pg"),
		BinDir:   os.Getenv("NETRAVEN_PG_BIN"),
		Volatile: true,
		Settings: map[string]string{
			"shared_buffers":  "16MB", // several test processes share a machine
			"max_connections": "100",
			"autovacuum":      "off", // it would use a template while we clone it
			"max_wal_size":    "64MB",
			"wal_level":       "minimal",
			"max_wal_senders": "0",
		},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return nil, err
	}
	return &server{pg: pg, templates: templates{done: map[string]string{}}}, nil
}

// janitor waits for the end of its standard input, that is, of the process that holds the other end of the pipe; then for the server's end,
// which the kernel brings about; then it removes the folder. Every wait is bounded.
const janitor = `
read -r _
n=0
while [ "$n" -lt 200 ] && [ -e "$1/pg/cluster/postmaster.pid" ] && kill -0 "$(head -n 1 "$1/pg/cluster/postmaster.pid")" 2>/dev/null; do
	sleep 0.05
	n=$((n+1))
done
rm -rf "$1"
`

// removeAtEnd starts the janitor. It is in a session of its own, so that Ctrl-C does not end it first, and holds none of our outputs, so
// that `go test` does not wait for it.
func removeAtEnd(dir string) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	cmd := exec.Command("/bin/sh", "-c", janitor, "janitor", dir) //nolint:noctx // it outlives us
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=/usr/bin:/bin"} // a test may have emptied ours
	cmd.Stdin = r
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start the janitor of %s: %w", dir, err)
	}
	lifeline = w
	return r.Close()
}

// lifeline is the pipe's other end. It is never written to and never closed: its end is the process' end.
var lifeline *os.File //nolint:unused // holding it open is its use
