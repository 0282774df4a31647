package pgtest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/netraven/netraven/db"
)

// patience bounds every single step, so that a test fails instead of hanging.
const patience = 2 * time.Minute

// New returns a pool on a fresh database of this test alone, with schema made, migrated and on the search_path. Pool and database go with the
// test. It fails the test when no PostgreSQL is on the machine.
func New(t testing.TB, schema string, migrations fs.FS) *pgxpool.Pool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	srv := need(t)
	tmpl, err := srv.template(ctx, schema, migrations)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	return open(t, create(t, srv, tmpl), db.Options{Schema: schema})
}

// URL returns the URL of a fresh, empty database of this test alone.
func URL(t testing.TB) string {
	t.Helper()
	return create(t, need(t), "template0")
}

// Open opens another pool on url, closed with the test, such as a second replica's.
func Open(t testing.TB, url string, opts db.Options) *pgxpool.Pool {
	t.Helper()
	return open(t, url, opts)
}

func open(t testing.TB, url string, opts db.Options) *pgxpool.Pool {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if opts.MaxConns == 0 {
		opts.MaxConns = 8
	}
	pool, err := db.Open(ctx, url, opts)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(pool.Close)
	return pool
}

var databases atomic.Int64

// create makes a database from a template and drops it with the test.
func create(t testing.TB, srv *server, tmpl string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if err := srv.admin(ctx, "CREATE DATABASE %s TEMPLATE %s", name, tmpl); err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := srv.admin(ctx, "DROP DATABASE %s WITH (FORCE)", name); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	return srv.pg.DatabaseURL(name)
}

// templates are made once per content.
type templates struct {
	mu   sync.Mutex
	done map[string]string // digest -> database
}

// template returns the database on which these migrations have run.
func (s *server) template(ctx context.Context, schema string, migrations fs.FS) (string, error) {
	digest, err := digestOf(schema, migrations)
	if err != nil {
		return "", err
	}
	s.templates.mu.Lock()
	defer s.templates.mu.Unlock()
	if name, ok := s.templates.done[digest]; ok {
		return name, nil
	}
	name := fmt.Sprintf("template_%d", databases.Add(1)) // a new name each time: a failed migration leaves its half-made one
	if err := s.admin(ctx, "CREATE DATABASE %s TEMPLATE %s", name, "template0"); err != nil {
		return "", err
	}
	pool, err := db.Open(ctx, s.pg.DatabaseURL(name), db.Options{Schema: schema, MaxConns: 1})
	if err != nil {
		return "", err
	}
	err = db.Migrate(ctx, pool, schema, migrations)
	pool.Close() // a template must have no connections
	if err != nil {
		return "", err
	}
	s.templates.done[digest] = name
	return name, nil
}

func digestOf(schema string, migrations fs.FS) (string, error) {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, schema) // a hash never fails
	err := fs.WalkDir(migrations, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(migrations, path)
		_, _ = fmt.Fprintln(h, path, len(text))
		_, _ = h.Write(text)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

// admin runs one statement about databases on a connection of its own. Statements are serialised: two clones of one template, made
// at once, would find each other in use.
func (s *server) admin(ctx context.Context, statement string, names ...any) error {
	for i, name := range names {
		names[i] = pgx.Identifier{name.(string)}.Sanitize()
	}
	s.adminMu.Lock()
	defer s.adminMu.Unlock()
	conn, err := pgx.Connect(ctx, s.pg.DatabaseURL("postgres"))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	_, err = conn.Exec(ctx, fmt.Sprintf(statement, names...))
	return err
}
