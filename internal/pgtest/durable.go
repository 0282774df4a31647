package pgtest

import (
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/netraven/netraven/db"
	"github.com/netraven/netraven/internal/pgembed"
)

// Durable is New on a server of this benchmark alone, set as a house sets its own: every commit is synced to disk.
func Durable(b *testing.B, schema string, migrations fs.FS) *pgxpool.Pool {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	dir := b.TempDir()
	// As root the server runs as another user, who must be let through.
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o711); err != nil { //nolint:gosec // see above
			b.Fatalf("pgtest: %v", err)
		}
	}
	pg, err := pgembed.Start(ctx, pgembed.Config{DataDir: filepath.Join(dir, "pg"), BinDir: os.Getenv("NETRAVEN_PG_BIN"), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatalf("pgtest: %v", err)
	}
	b.Cleanup(func() {
		if err := pg.Stop(context.Background()); err != nil {
			b.Errorf("pgtest: %v", err)
		}
	})
	pool := open(b, pg.URL(), db.Options{Schema: schema})
	if err := db.Migrate(ctx, pool, schema, migrations); err != nil {
		b.Fatalf("pgtest: %v", err)
	}
	return pool
}
