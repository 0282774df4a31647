package db

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
)

// Options of a pool. Zero values are usable.
type Options struct {
	Schema           string        // the service's schema, put on search_path; empty: the server's default
	ApplicationName  string        // shown in pg_stat_activity; empty: netraven/<schema>
	MaxConns         int32         // 0: pgx's default, the greater of 4 and the number of processors
	StatementTimeout time.Duration // 0: 60 s; negative: none
}

const (
	defaultStatementTimeout = 60 * time.Second
	idleInTransaction       = 30 * time.Second // a transaction that holds locks while its program thinks is a bug
	lockWait                = 15 * time.Second
)

// lookups are the planner's settings for statements that look rows up by key, in tables that fill and empty within minutes. A connection keeps a statement's plan
// until the table is next analyzed, so a scan that was cheap while the table was empty would be run over all of a fleet. Compiling costs more than any statement of
// ours takes.
var lookups = map[string]string{"enable_seqscan": "off", "random_page_cost": "1.1", "jit": "off"}

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

// Open opens a pool on url and checks that the server answers. Every connection has the schema on its search_path, UTC, and limits on
// statements, on lock waits and on idle transactions. The schema need not exist yet. Close the pool when done. Errors name the
// server and the user, never the password.
func Open(ctx context.Context, url string, opts Options) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err) // pgx takes the password out of it
	}
	if opts.Schema != "" && !schemaName.MatchString(opts.Schema) {
		return nil, fmt.Errorf("schema %q: a name is a-z, 0-9 and _", opts.Schema)
	}
	if opts.MaxConns > 0 {
		cfg.MaxConns = opts.MaxConns
	}
	setSession(cfg.ConnConfig, opts)
	cfg.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		pgxuuid.Register(c.TypeMap()) // else each id travels as text, by way of errors
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open database: %w", err)
	}
	return pool, nil
}

func setSession(cfg *pgx.ConnConfig, opts Options) {
	timeout := opts.StatementTimeout
	switch {
	case timeout == 0:
		timeout = defaultStatementTimeout
	case timeout < 0:
		timeout = 0 // PostgreSQL's word for none
	}
	params := cfg.RuntimeParams
	params["timezone"] = "UTC"
	params["statement_timeout"] = millis(timeout)
	params["idle_in_transaction_session_timeout"] = millis(idleInTransaction)
	params["lock_timeout"] = millis(lockWait)
	maps.Copy(params, lookups)
	params["application_name"] = opts.ApplicationName
	if opts.ApplicationName == "" {
		params["application_name"] = "netraven/" + opts.Schema
	}
	if opts.Schema != "" {
		params["search_path"] = pgx.Identifier{opts.Schema}.Sanitize()
	}
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
