package app

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"

	"github.com/netraven/netraven/db"
	"github.com/netraven/netraven/internal/keyfile"
)

// parts are what one service is built of.
type parts struct {
	cfg  Config
	name string
	log  *slog.Logger
	pool *pgxpool.Pool
	to   map[string]*grpc.ClientConn
	// metrics is the process's; what a service registers there carries no service's name by itself.
	metrics prometheus.Registerer
}

// key opens the service's key-encryption key, <data>/keys/<service>.key, and makes it at the first start.
func (p *parts) key() (*keyfile.Key, error) {
	return keyfile.Open(filepath.Join(p.cfg.Data, "keys", p.name+".key"))
}

// applicationName is what a service's connections are called in the database.
func applicationName(service string) string { return "netraven-" + service }

// gather makes the parts of a room: a migrated pool, if it has tables, and a connection to each neighbour.
func (h *house) gather(ctx context.Context, r room) (*parts, error) {
	p := &parts{cfg: h.cfg, name: r.name, log: h.log.With("service", r.name), to: map[string]*grpc.ClientConn{}, metrics: h.metrics}
	if r.migrations != nil {
		pool, err := db.Open(ctx, h.databaseURL.Reveal(), db.Options{Schema: r.name, ApplicationName: applicationName(r.name)})
		if err != nil {
			return nil, fmt.Errorf("database of %s: %w", r.name, err)
		}
		h.pools = append(h.pools, pool)
		if err := db.Migrate(ctx, pool, r.name, r.migrations); err != nil {
			return nil, fmt.Errorf("migrations of %s: %w", r.name, err)
		}
		p.pool = pool
	}
	for _, callee := range r.calls {
		conn, err := h.conns.to(r.name, callee)
		if err != nil {
			return nil, err
		}
		p.to[callee] = conn
	}
	return p, nil
}
