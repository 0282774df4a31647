package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/netraven/netraven/db"
	gitstoredb "github.com/netraven/netraven/db/gitstore"
	"github.com/netraven/netraven/internal/keyfile"
	"github.com/netraven/netraven/internal/pgembed"
	"github.com/netraven/netraven/internal/secret"
	"github.com/netraven/netraven/services/gitstore"
)

// ErrServing says that a server has the data open.
var ErrServing = errors.New("a server is running on this data: stop netraven serve first")

// VerifyHistory reads all of the history and its index through and answers what is wrong. It needs the database, and no server may run.
func VerifyHistory(ctx context.Context, cfg Config, log *slog.Logger, say func(part string, done, total int)) (found []gitstore.Finding, err error) {
	err = offline(ctx, cfg, log, func(c gitstore.Config, d gitstore.Deps) error {
		found, err = gitstore.Verify(ctx, c, d, say)
		return err
	})
	return found, err
}

// ReindexHistory makes the index of the history anew from git. It needs the database, and no server may run.
func ReindexHistory(ctx context.Context, cfg Config, log *slog.Logger, prune bool, say func(commits int64)) (out *gitstore.Reindexed, err error) {
	err = offline(ctx, cfg, log, func(c gitstore.Config, d gitstore.Deps) error {
		out, err = gitstore.Reindex(ctx, c, d, prune, say)
		return err
	})
	return out, err
}

// offline does something with the history and its database, and makes sure that nobody else does.
func offline(ctx context.Context, cfg Config, log *slog.Logger, do func(gitstore.Config, gitstore.Deps) error) (err error) {
	url := cfg.DatabaseURL
	if url.Empty() {
		if major, err := pgembed.Major(filepath.Join(cfg.Data, "postgres")); err != nil || major == 0 { // starting it would make one
			return errors.Join(err, fmt.Errorf("there is no database in %s: name the data folder with --data", cfg.Data))
		}
		pg, err := pgembed.Start(ctx, pgembed.Config{DataDir: filepath.Join(cfg.Data, "postgres"), BinDir: cfg.PGBin, Logger: log})
		if _, taken := errors.AsType[*pgembed.InUseError](err); taken {
			return fmt.Errorf("%w (%w)", ErrServing, err)
		}
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, pg.Stop(context.WithoutCancel(ctx))) }()
		url = secret.NewString(pg.URL())
	}
	// No limit on a statement: the whole index is written in some few.
	pool, err := db.Open(ctx, url.Reveal(), db.Options{Schema: "gitstore", ApplicationName: "netraven-offline", StatementTimeout: -1})
	if err != nil {
		return err
	}
	defer pool.Close()
	d := gitstore.Deps{Pool: pool, Log: log}
	busy, err := gitstore.InUse(ctx, pool, applicationName("gitstore"))
	if err != nil {
		return err
	}
	if busy {
		return ErrServing
	}
	if err := db.Migrate(ctx, pool, "gitstore", gitstoredb.Migrations); err != nil {
		return fmt.Errorf("migrations of gitstore: %w", err)
	}
	if cfg.Mirror != "" {
		if d.Key, err = keyfile.Open(filepath.Join(cfg.Data, "keys", "gitstore.key")); err != nil {
			return err
		}
	}
	return do(gitstore.Config{Dir: filepath.Join(cfg.Data, "gitstore"), Mirror: cfg.Mirror}, d)
}
