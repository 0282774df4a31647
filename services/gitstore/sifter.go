package gitstore

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/netraven/netraven/services/gitstore/repo"
	"github.com/netraven/netraven/services/gitstore/sift"
)

const (
	// indexFolder lies beside the repositories. It may be removed while the service is down: it is made again from them.
	indexFolder = "search"
	// followEvery is how long the index is behind at most, while there is little to do. Until then a text is searched without it.
	followEvery = 2 * time.Second
	// checkEvery is how often the places of texts that are not current any more are given free.
	checkEvery = time.Hour
	// siftBatch texts, or siftBytes of them, are put into the index at once.
	siftBatch = 128
	siftBytes = 32 << 20
)

// followTexts lets the index follow what is committed until ctx ends.
func (s *Service) followTexts(ctx context.Context) {
	follow, check := time.NewTicker(followEvery), time.NewTicker(checkEvery)
	defer follow.Stop()
	defer check.Stop()
	for {
		if err := errors.Join(s.siftAll(ctx), s.compareAll(ctx)); err != nil && ctx.Err() == nil {
			s.log.Warn("the search index cannot follow; what it lacks is searched without it", "err", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-follow.C:
		case <-check.C:
			if err := s.checkIndex(ctx); err != nil && ctx.Err() == nil {
				s.log.Warn("the search index cannot be checked", "err", err)
			}
		}
	}
}

// place is an artifact in the order of all lists of them.
type place struct {
	device uuid.UUID
	name   string
}

// siftAll puts into the index what is not in it yet. What cannot be read stays out, is tried again at the next call, and is told by every search.
func (s *Service) siftAll(ctx context.Context) error {
	var after place
	for {
		rows, err := s.store.unsifted(ctx, after, siftBatch)
		if err != nil || len(rows) == 0 {
			return err
		}
		var texts []sift.Text
		read, size := 0, 0
		for ; read < len(rows) && size < siftBytes; read++ {
			h, err := repo.ParseHash(rows[read].Blob)
			if err != nil {
				return err
			}
			if s.index.Has(sift.Hash(h)) {
				continue
			}
			text, err := s.repos.blob(ctx, rows[read].Repository, rows[read].Blob)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				s.log.Debug("a text cannot be read, so that the search index lacks it", "device", rows[read].DeviceID, "artifact", rows[read].Name, "err", err)
				continue
			}
			texts, size = append(texts, sift.Text{Hash: sift.Hash(h), Content: text}), size+len(text)
		}
		if err := s.index.Put(texts); err != nil {
			return err
		}
		if err := s.store.markSifted(ctx, rows[:read], s.inIndex); err != nil {
			return err
		}
		after = place{rows[read-1].DeviceID, rows[read-1].Name}
	}
}

func (s *Service) inIndex(blob string) bool {
	h, err := repo.ParseHash(blob)
	return err == nil && s.index.Has(sift.Hash(h))
}

// openIndex is checkIndex at start.
func (s *Service) openIndex() error {
	ctx, cancel := context.WithTimeout(context.Background(), stepTime)
	defer cancel()
	return s.checkIndex(ctx)
}

// checkIndex compares index and database, both ways: what the database believes to be in the index and is not (the folder was lost, or the database restored to an
// older moment) is put in again, and what is no current text any more gives its place free. It reads a row of each artifact. Only followTexts and New call it.
func (s *Service) checkIndex(ctx context.Context) error {
	current := make(map[sift.Hash]struct{}, s.index.Len())
	lost := 0
	err := s.store.eachArtifact(ctx, func(blobs []string, sifted []bool) error {
		var missing []string
		for i, b := range blobs {
			h, err := repo.ParseHash(b)
			if err != nil {
				return err
			}
			current[sift.Hash(h)] = struct{}{}
			if sifted[i] && !s.index.Has(sift.Hash(h)) {
				missing = append(missing, b)
			}
		}
		lost += len(missing)
		return s.store.unmarkSifted(ctx, missing)
	})
	if err != nil {
		return err
	}
	if lost > 0 {
		s.log.Info("the search index lacks texts and takes them in again", "texts", lost)
	}
	s.index.Retain(func(h sift.Hash) bool {
		_, ok := current[h]
		return ok
	})
	return nil
}
