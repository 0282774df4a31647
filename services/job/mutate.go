package job

import (
	"context"
	"strconv"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
)

const (
	// mutate is the right to change devices. No schedule has it: a person starts what changes a network.
	mutate = "job.run.mutate"
	// mutatingParam declares, in kinds that have it, that a run may change devices.
	mutatingParam = "mutating"
)

// mutates tells whether a run may change devices.
func mutates(kind *jobv1.JobKind, params *structpb.Struct) bool {
	return kind.GetMutating() || params.GetFields()[mutatingParam].GetBoolValue()
}

func mayMutate(ctx context.Context) error {
	if who := authn.FromContext(ctx); !who.Can(mutate) {
		return errs.New(codes.PermissionDenied, "PERMISSION_DENIED", "%s lacks the permission %s, which changing devices needs", who.Name(), mutate)
	}
	return nil
}

// admitMutating checks the right to start a run that may change devices, and leaves an audit line either way: of a refusal, or, durable before
// there is a run, of the run. Commands are not in the line: they may hold secrets, and are the run's parameters anyway.
func (s *Service) admitMutating(ctx context.Context, run uuid.UUID, r newRun) error {
	denied := mayMutate(ctx)
	outcome := "OK"
	if denied != nil {
		outcome = errs.Reason(denied)
	}
	who := authn.FromContext(ctx)
	details := map[string]string{"kind": r.kind.GetName(), "devices": strconv.Itoa(len(r.selection.GetDeviceIds()))}
	if r.jobID != nil {
		details["job"] = r.jobID.String()
	}
	if r.requestID != "" {
		details["request"] = r.requestID // a repeat of it answers the run that it made first
	}
	if _, err := s.trust.AppendAudit(ctx, &authv1.AppendAuditRequest{Lines: []*authv1.AuditLine{{
		Id: newID().String(), At: timestamppb.New(s.now()), Actor: who.Actor(), ActorName: who.Name(), Action: mutate, ObjectKind: "run",
		ObjectId: run.String(), Outcome: outcome, Details: details,
	}}}); err != nil && denied == nil {
		return errs.New(codes.Unavailable, "AUDIT_UNAVAILABLE", "the audit trail cannot be written, and no run may change devices without; try again").Wrap(err)
	}
	return denied
}
