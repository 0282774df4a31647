package db

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

// lockPoll is how often a replica looks whether another one has finished migrating. It asks instead of waiting inside the server, because
// a waiting statement holds a snapshot, which some migrations would wait for in turn.
const lockPoll = 50 * time.Millisecond

// Migrate brings a schema up to date, making it if it is missing. fsys holds NNNNN_name.sql files at its top or in migrations/. It blocks
// while another process migrates the same schema, may be repeated, and does nothing to a schema that is newer than fsys. It uses
// connections of its own (the pool only tells where), without the pool's limits on statements. When a migration fails, it is
// undone whole, earlier ones stay, and the error names its file.
func Migrate(ctx context.Context, pool *pgxpool.Pool, schema string, fsys fs.FS) error {
	return MigrateTo(ctx, pool, schema, fsys, goose.MaxVersion)
}

// MigrateTo is like Migrate and goes no further than version. It never goes down.
func MigrateTo(ctx context.Context, pool *pgxpool.Pool, schema string, fsys fs.FS, version int64) (err error) {
	if !schemaName.MatchString(schema) {
		return fmt.Errorf("migrate: schema %q: a name is a-z, 0-9 and _", schema)
	}
	files, err := migrationFiles(fsys)
	if err != nil {
		return fmt.Errorf("migrate schema %s: %w", schema, err)
	}
	cfg := pool.Config().ConnConfig
	setSession(cfg, Options{Schema: schema, ApplicationName: "netraven-migrate/" + schema, StatementTimeout: -1})
	handle := stdlib.OpenDB(*cfg)
	defer func() { err = errors.Join(err, handle.Close()) }()

	conn, err := handle.Conn(ctx)
	if err != nil {
		return fmt.Errorf("migrate schema %s: %w", schema, err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if err := lockSchema(ctx, conn, schema); err != nil {
		return fmt.Errorf("migrate schema %s: wait for another process that migrates it: %w", schema, err)
	}
	defer func() { err = errors.Join(err, unlockSchema(context.WithoutCancel(ctx), conn, schema)) }()

	if _, err := conn.ExecContext(ctx, "CREATE SCHEMA IF NOT EXISTS "+pgx.Identifier{schema}.Sanitize()); err != nil {
		return fmt.Errorf("make schema %s: %w", schema, err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, handle, files,
		goose.WithTableName(schema+".goose_version"), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrate schema %s: %w", schema, err)
	}
	if _, err := provider.UpTo(ctx, version); err != nil {
		var partial *goose.PartialError
		if errors.As(err, &partial) && partial.Failed != nil && partial.Failed.Source != nil {
			return fmt.Errorf("migrate schema %s: %s failed and was undone: %w", schema, partial.Failed.Source.Path, partial.Err)
		}
		return fmt.Errorf("migrate schema %s: %w", schema, err)
	}
	return nil
}

// HasVersion tells whether fsys holds the migration that makes version.
func HasVersion(fsys fs.FS, version int64) (bool, error) {
	files, err := migrationFiles(fsys)
	if err != nil {
		return false, err
	}
	names, err := fs.Glob(files, "*.sql")
	for _, name := range names {
		if v, err := goose.NumericComponent(name); err == nil && v == version {
			return true, nil
		}
	}
	return false, err
}

// migrationFiles finds the files and refuses one that would run outside a transaction.
func migrationFiles(fsys fs.FS) (fs.FS, error) {
	names, err := fs.Glob(fsys, "*.sql")
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		if fsys, err = fs.Sub(fsys, "migrations"); err != nil {
			return nil, err
		}
		if names, err = fs.Glob(fsys, "*.sql"); err != nil {
			return nil, err
		}
	}
	if len(names) == 0 {
		return nil, errors.New("no migrations")
	}
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, err
		}
		if bytes.Contains(text, []byte("+goose NO TRANSACTION")) {
			return nil, fmt.Errorf("%s: NO TRANSACTION is not allowed: a failure half-way could not be undone", name)
		}
	}
	return fsys, nil
}

// lockKey is the schema's advisory lock; the prefix keeps it apart from other uses of such locks.
func lockKey(schema string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte("netraven migrate " + schema)) // never fails
	return int64(h.Sum64())
}

func lockSchema(ctx context.Context, conn *sql.Conn, schema string) error {
	for {
		var locked bool
		if err := conn.QueryRowContext(ctx, "SELECT pg_try_advisory_lock($1)", lockKey(schema)).Scan(&locked); err != nil || locked {
			return err
		}
		if err := pause(ctx, lockPoll); err != nil {
			return err
		}
	}
}

func unlockSchema(ctx context.Context, conn *sql.Conn, schema string) error {
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_unlock($1)", lockKey(schema)); err != nil {
		return fmt.Errorf("unlock schema %s: %w", schema, err)
	}
	return nil
}

// pause waits for d or for the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
