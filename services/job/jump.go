package job

import (
	"context"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	jobsql "github.com/netraven/netraven/gen/sqlc/job"
	"github.com/netraven/netraven/internal/wellknown"
)

// jumpSpace makes the ids under which vault reserves what a task uses at its jump host.
var jumpSpace = uuid.MustParse("0199c0de-4a55-7d00-9c1b-6a756d700000")

// jumpTask is the id of a task's part at its jump host.
func jumpTask(task uuid.UUID) uuid.UUID { return uuid.NewSHA1(jumpSpace, task[:]) }

// jumpItem asks for the credentials of a task's jump host; nil: it has none.
func (o *offering) jumpItem(row jobsql.ClaimReadyRow) *vaultv1.ReserveCredentialsRequest_Item {
	host := o.targets[row.DeviceID.String()].GetJumpHost()
	if host == nil {
		return nil
	}
	return &vaultv1.ReserveCredentialsRequest_Item{
		TaskId: jumpTask(row.ID).String(), Fence: row.Fence, DeviceId: host.GetDeviceId(), Tags: host.GetTags(),
		Deadline: timestamppb.New(o.deadline), BesideTaskId: row.ID.String(),
	}
}

// jumpLost refuses a task whose jump host is gone or disabled; it tells whether it did.
func (o *offering) jumpLost(row jobsql.ClaimReadyRow, t *inventoryv1.Target) bool {
	if t.GetJumpHostId() == "" || t.GetJumpHost() != nil {
		return false
	}
	o.refuse(row, failed, &jobv1.Failure{Class: jobv1.Failure_UNREACHABLE, Stage: wellknown.Jump,
		Hint: "the jump host that this device is reached through was disabled or removed; enable it, or give the device another one"})
	return true
}

// sealJump puts the jump host's spec into the device's, signed on its own: vault seals a grant for each.
func (o *offering) sealJump(ctx context.Context, spec *jobv1.TaskSpec) error {
	host := o.targets[spec.GetDeviceId()].GetJumpHost()
	if host == nil {
		return nil
	}
	jump := &jobv1.TaskSpec{
		AgentId: spec.GetAgentId(), GatewayId: spec.GetGatewayId(), RunId: spec.GetRunId(), TaskId: jumpTask(uuid.MustParse(spec.GetTaskId())).String(),
		Fence: spec.GetFence(), Attempt: spec.GetAttempt(), Kind: wellknown.Jump, DeviceId: host.GetDeviceId(), CredentialIds: o.jumpCredentials[spec.GetTaskId()],
		Deadline: spec.GetDeadline(),
	}
	aim(jump, host)
	var err error
	spec.Jump, err = o.s.signer.SignSpec(ctx, jump)
	return err
}

// unreserve frees what one half of an attempt got while the other has to wait.
func (o *offering) unreserve(ctx context.Context, refs []*jobv1.AttemptRef) {
	if err := o.s.freeCredentials(ctx, refs); err != nil {
		o.s.log.Warn("credentials of attempts that have to wait stay reserved until their deadline", "attempts", len(refs), "err", err)
	}
}

// maxFreed is how many attempts vault takes in one call.
const maxFreed = 1000

// freeCredentials frees what vault reserved for attempts, at their jump hosts too.
func (s *Service) freeCredentials(ctx context.Context, refs []*jobv1.AttemptRef) error {
	var items []*vaultv1.ReportUseRequest_Item
	for _, ref := range refs {
		items = append(items, &vaultv1.ReportUseRequest_Item{TaskId: ref.GetTaskId(), Fence: ref.GetFence()})
		if task, err := uuid.Parse(ref.GetTaskId()); err == nil {
			items = append(items, &vaultv1.ReportUseRequest_Item{TaskId: jumpTask(task).String(), Fence: ref.GetFence()})
		}
	}
	for part := range slices.Chunk(items, maxFreed) {
		if _, err := s.vault.ReportUse(ctx, &vaultv1.ReportUseRequest{Items: part}); err != nil {
			return err
		}
	}
	return nil
}
