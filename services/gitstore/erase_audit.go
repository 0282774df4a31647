package gitstore

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/authn"
)

const eraseAction = "config.erase"

// auditErasures writes the audit lines of erasures that were carried out while auth did not run. Who did it, only the machine knows; what was erased must not be said again. May be repeated: a line
// has its erasure's id.
func (s *Service) auditErasures(ctx context.Context) error {
	rows, err := s.store.unauditedErasures(ctx)
	if len(rows) == 0 || err != nil {
		return err
	}
	var ids []uuid.UUID
	in := &authv1.AppendAuditRequest{}
	for _, r := range rows {
		ids = append(ids, r.ID)
		in.Lines = append(in.Lines, &authv1.AuditLine{Id: r.ID.String(), At: timestamppb.New(r.RecordedAt), Actor: authn.Principal{Service: "gitstore"}.Actor(),
			ActorName: "netraven gitstore erase", Action: eraseAction, ObjectKind: "repository", ObjectId: r.Repository, Outcome: "OK",
			Details: map[string]string{"old_head": r.OldHead, "new_head": r.NewHead}})
	}
	if _, err := s.trust.AppendAudit(ctx, in); err != nil {
		return err
	}
	return s.store.auditedErasures(ctx, ids)
}
