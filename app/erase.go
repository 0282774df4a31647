package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/netraven/netraven/db"
	gitstoredb "github.com/netraven/netraven/db/gitstore"
	"github.com/netraven/netraven/internal/pgembed"
	"github.com/netraven/netraven/services/gitstore"
)

// eraseStop bounds stopping the private PostgreSQL.
const eraseStop = time.Minute

// EraseHistory makes the history of a data folder again without something. It refuses while a serve uses the database. It blocks for long, and may be killed and repeated.
func EraseHistory(ctx context.Context, cfg Config, what gitstore.EraseConfig, log *slog.Logger) (out *gitstore.Erased, err error) {
	if cfg.Data, err = filepath.Abs(cfg.Data); err != nil {
		return nil, err
	}
	url := cfg.DatabaseURL.Reveal()
	if url == "" {
		home := filepath.Join(cfg.Data, "postgres")
		if major, err := pgembed.Major(home); err != nil || major == 0 { // starting the private server would make a database where there is none
			return nil, errors.Join(fmt.Errorf("there is no database in %s: name the data folder with --data", cfg.Data), err)
		}
		pg, err := pgembed.Start(ctx, pgembed.Config{DataDir: home, BinDir: cfg.PGBin, Logger: log})
		if _, taken := errors.AsType[*pgembed.InUseError](err); taken {
			return nil, fmt.Errorf("%w: stop serve first", err)
		}
		if err != nil {
			return nil, err
		}
		defer func() {
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), eraseStop)
			defer cancel()
			err = errors.Join(err, pg.Stop(stop))
		}()
		url = pg.URL()
	}
	// One statement may write every row of the index.
	pool, err := db.Open(ctx, url, db.Options{Schema: "gitstore", ApplicationName: "netraven-erase", StatementTimeout: -1})
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	if err := db.Migrate(ctx, pool, "gitstore", gitstoredb.Migrations); err != nil {
		return nil, err
	}
	busy, err := gitstore.InUse(ctx, pool, applicationName("gitstore"))
	if err != nil {
		return nil, err
	}
	if busy {
		return nil, errors.New("a serve with gitstore is connected to this database: stop it first")
	}
	what.Dir = filepath.Join(cfg.Data, "gitstore")
	return gitstore.Erase(ctx, what, gitstore.Deps{Pool: pool, Log: log})
}
