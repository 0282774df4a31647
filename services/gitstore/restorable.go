package gitstore

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/seal"
)

// readSecret is the right to unmasked configurations.
const readSecret = "config.read_secret"

// restorable opens the original of a revision. The audit line is durable before anything is opened; a refusal leaves one too.
func (s *Service) restorable(ctx context.Context, r gitstoresql.Revision) ([]byte, error) {
	who := authn.FromContext(ctx)
	if !who.Can(readSecret) {
		if err := s.audit(ctx, readSecret, r, "PERMISSION_DENIED"); err != nil {
			return nil, err
		}
		return nil, errs.New(codes.PermissionDenied, "PERMISSION_DENIED", "%s lacks the permission %s; view=masked needs none", who.Name(), readSecret)
	}
	if err := s.audit(ctx, readSecret, r, "OK"); err != nil {
		return nil, err
	}
	o, err := s.store.original(ctx, r.ID)
	if err != nil {
		return nil, err
	}
	if o == nil {
		return nil, s.notKept(ctx, r.DeviceID, r.CreatedAt)
	}
	keys, err := s.dataKeys(ctx, &vaultv1.GetDataKeysRequest{DeviceIds: []string{o.DeviceID.String()}})
	if err != nil {
		return nil, err
	}
	if len(keys.GetItems()) != 1 {
		return nil, errors.New("vault answered no key")
	}
	aad := seal.ArtifactAAD{DeviceID: o.DeviceID.String(), Artifact: o.Artifact, TaskID: o.TaskID.String(), Fence: o.Fence}
	text, err := seal.OpenArtifact(keys.GetItems()[0].GetSealKey(), aad, o.Sealed, maxOriginal)
	if err != nil { // shredded while this call ran, or restored from a mirror that had not followed
		if at, e := s.store.shreddedAt(ctx, r.DeviceID); e == nil && !at.IsZero() {
			return nil, s.notKept(ctx, r.DeviceID, r.CreatedAt)
		}
		return nil, errs.New(codes.DataLoss, "ORIGINAL_NOT_OPENED", "the original of this revision is damaged, or under a key that this server lacks because its keys or its database were lost; "+
			"netraven recover opens it from the mirror of then with the recovery key of then").Wrap(err)
	}
	return text, nil
}

// audit writes a durable line about what the caller does to a revision.
func (s *Service) audit(ctx context.Context, action string, r gitstoresql.Revision, outcome string) error {
	return s.auditLine(ctx, action, "revision", r.ID.String(), outcome, map[string]string{"device": r.DeviceID.String(), "artifact": r.Artifact})
}

// auditLine writes a durable line about what the caller does.
func (s *Service) auditLine(ctx context.Context, action, kind, id, outcome string, details map[string]string) error {
	who := authn.FromContext(ctx)
	_, err := s.trust.AppendAudit(ctx, &authv1.AppendAuditRequest{Lines: []*authv1.AuditLine{{
		Id: uuid.Must(uuid.NewV7()).String(), At: timestamppb.New(s.now()), Actor: who.Actor(), ActorName: who.Name(), Action: action, ObjectKind: kind,
		ObjectId: id, Outcome: outcome, Details: details,
	}}})
	return err
}
