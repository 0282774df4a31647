package gitstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/netraven/netraven/services/gitstore/repo"
)

const (
	foldEvery = time.Minute
	// maxPacks is how many packs may gather before they are folded: a read looks into each until it finds its object, and a mirror keeps as many.
	maxPacks = 50
)

// folding keeps the number of packs small until ctx ends. Nobody waits for it, and it stops nobody.
func (s *Service) folding(ctx context.Context) {
	ticker := time.NewTicker(foldEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := s.foldOnce(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("packs of the history could not be folded; it is tried again in a minute", "err", err)
		}
	}
}

// foldOnce folds the packs of each repository that has many. It blocks for as long as git needs, and may be repeated.
func (s *Service) foldOnce(ctx context.Context) error {
	var failed []error
	for _, r := range s.repos.all() {
		if r.PackCount() < maxPacks || len(s.verify.damagedNow(r)) > 0 { // git would stumble over the damage
			continue
		}
		f, err := r.Repack(ctx)
		if err != nil {
			if ctx.Err() == nil && errors.Is(err, repo.ErrGit) { // most often it is damage
				s.verify.stumbled()
			}
			failed = append(failed, fmt.Errorf("repository %s: %w", r.name, err))
			continue
		}
		s.log.Info("folded packs of the history", "repository", r.name, "before", f.Before, "after", f.After, "some_are_read", f.Left)
	}
	return errors.Join(failed...)
}
