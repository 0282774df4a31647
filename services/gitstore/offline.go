package gitstore

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/netraven/netraven/services/gitstore/repo"
)

// openOffline opens repositories and database for work without a server, and without bringing them together. Of Deps it needs the pool, and the key with a mirror.
func openOffline(ctx context.Context, cfg Config, d Deps) (*Service, error) {
	if cfg.Dir == "" || d.Pool == nil {
		return nil, errors.New("gitstore: a dependency is missing")
	}
	s := &Service{log: d.Log, now: d.Now, store: newStore(d.Pool)}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.now == nil {
		s.now = time.Now
	}
	if _, err := repo.GitVersion(ctx, ""); err != nil {
		return nil, err
	}
	var err error
	if s.repos, err = openRepositories(ctx, s.store, cfg.Dir, d.FS, s.log, nil); err != nil {
		return nil, err
	}
	if err := s.watch(cfg, d); err != nil {
		return nil, errors.Join(err, s.repos.close())
	}
	return s, nil
}

// Verify reads all of the history and its index through, while no server runs, and makes good what can be. It blocks for as long as that takes, says how far each part is (total 0: nobody knows), and
// answers what is wrong.
func Verify(ctx context.Context, cfg Config, d Deps, say func(part string, done, total int)) ([]Finding, error) {
	s, err := openOffline(ctx, cfg, d)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.repos.close() }()
	s.verify.pace, s.verify.say = nil, say
	if err = s.verify.anew(); err == nil {
		err = s.verify.pass(ctx)
	}
	return s.verify.all(), err
}
