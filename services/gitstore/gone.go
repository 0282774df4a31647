package gitstore

import (
	"bytes"
	"context"

	"github.com/google/uuid"

	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/services/gitstore/sift"
)

// compareBatch revisions are compared with the ones before at once.
const compareBatch = 128

// compareAll notes what revisions took away until no more wait, and lets the index of the newest texts follow in between: after an upgrade there are all of years.
func (s *Service) compareAll(ctx context.Context) error {
	for after, more := uuid.Nil, true; more; {
		var err error
		if after, more, err = s.compareSome(ctx, after); err == nil && more {
			err = s.siftAll(ctx)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// compareSome is one batch of compareAll behind an id; more says that others may wait. A revision that cannot be read stays as it is, so that its artifact's history is always
// read, and is tried again at the next call.
func (s *Service) compareSome(ctx context.Context, after uuid.UUID) (last uuid.UUID, more bool, err error) {
	rows, err := s.store.uncompared(ctx, after, compareBatch)
	if err != nil || len(rows) == 0 {
		return after, false, err
	}
	var p gitstoresql.PutGoneParams
	for _, r := range rows {
		var lines []byte
		if r.Before != "" {
			before, err := s.blob(ctx, r.BeforeRepository, r.Before)
			if err == nil {
				lines, err = s.goneFrom(ctx, before, r.Repository, r.Blob)
			}
			if ctx.Err() != nil {
				return after, false, ctx.Err()
			}
			if err != nil {
				s.log.Debug("a text cannot be read, so that nobody knows what it took away", "device", r.DeviceID, "artifact", r.Artifact, "err", err)
				continue
			}
		}
		p.Compared, p.Blobs = append(p.Compared, r.ID), append(p.Blobs, r.Blob)
		if len(lines) > 0 {
			p.RevisionIds, p.DeviceIds = append(p.RevisionIds, r.ID), append(p.DeviceIds, r.DeviceID)
			p.Artifacts, p.Lines = append(p.Artifacts, r.Artifact), append(p.Lines, lines)
		}
	}
	return rows[len(rows)-1].ID, len(rows) == compareBatch, s.store.putGone(ctx, p)
}

func (s *Service) goneFrom(ctx context.Context, before []byte, repository, blob string) ([]byte, error) {
	text, err := s.blob(ctx, repository, blob)
	return gone(before, text), err
}

// gone are the lines that a text had before and has nowhere any more, each once, without case as the search index has them.
func gone(before, text []byte) []byte {
	has := map[string]struct{}{}
	for line := range bytes.SplitSeq(text, newline) {
		has[string(line)] = struct{}{}
	}
	var out []byte
	for line := range bytes.SplitSeq(before, newline) {
		if _, ok := has[string(line)]; !ok && len(line) > 0 {
			has[string(line)] = struct{}{}
			out = append(append(out, line...), '\n')
		}
	}
	return sift.Fold(out)
}

var newline = []byte("\n")
