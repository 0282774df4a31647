package gitstore

import (
	"context"
	"path"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/authn"
)

const acceptAction = "revision.accept"

// AcceptRevision makes a suspect the current revision. The audit line is durable before.
func (s *Service) AcceptRevision(ctx context.Context, in *gitstorev1.AcceptRevisionRequest) (*gitstorev1.Revision, error) {
	r, err := s.revision(ctx, in.GetId())
	if err != nil {
		return nil, err
	}
	if !r.Suspect {
		return revisionOf(r), nil
	}
	if err := s.audit(ctx, acceptAction, r, "OK"); err != nil {
		return nil, err
	}
	if err := s.accept(ctx, r.ID); err != nil {
		return nil, err
	}
	r, err = s.store.revision(ctx, r.ID)
	return revisionOf(r), err
}

// accept commits a suspect as its attempt would have. One that another call has let in meanwhile is in.
func (s *Service) accept(ctx context.Context, id uuid.UUID) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	kept, err := s.store.suspect(ctx, id)
	if kept == nil || err != nil {
		return err
	}
	now, err := s.store.states(ctx, []uuid.UUID{kept.DeviceID})
	if err != nil {
		return err
	}
	w := acceptedWrite(*kept, now[kept.DeviceID][kept.Artifact])
	w.acceptedBy = authn.FromContext(ctx).Name()
	packs, err := s.writePacks(ctx, &plan{writes: []*write{w}})
	if err != nil {
		return err
	}
	if err := s.store.recordAccepted(ctx, w, *kept, packs); err != nil {
		return err
	}
	s.committed()
	return s.moveRefs(ctx, packs)
}

// acceptedWrite is the suspect as a write that lies where its artifact lies now: it was compared with it, so there is one.
func acceptedWrite(kept gitstoresql.GetSuspectRow, old gitstoresql.Artifact) *write {
	in := &gitstorev1.StoredArtifact{Name: kept.Artifact, Label: kept.Label, Digest: kept.Digest}
	t := text{in: in, masked: kept.Masked, digest: kept.TextDigest, main: true}
	if kept.Author != nobody {
		t.author = kept.Author
	}
	item := &item{RunId: kept.RunID.String(), TaskId: kept.TaskID.String(), Fence: kept.FirstFence, DeviceId: kept.DeviceID.String(),
		DeviceName: path.Base(path.Dir(old.Path)), CollectedAt: timestamppb.New(kept.CreatedAt)}
	return &write{attempt: &attempt{in: item, device: kept.DeviceID, task: kept.TaskID, run: kept.RunID}, text: t, old: &old, path: old.Path, repository: old.Repository, stays: true}
}
