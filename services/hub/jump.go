package hub

import (
	"context"
	"errors"
	"time"

	"google.golang.org/protobuf/proto"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

// jumpOf is the spec of the jump host that is inside a device's, or nil. The device's spec is proven, and so is what it holds.
func jumpOf(spec *jobv1.TaskSpec) *jobv1.TaskSpec {
	if spec.GetJump() == nil {
		return nil
	}
	jump := &jobv1.TaskSpec{}
	if err := proto.Unmarshal(spec.GetJump().GetSpec(), jump); err != nil {
		return nil
	}
	return jump
}

// reportJump tells inventory and vault what happened at the jump host.
func (s *results) reportJump(ctx context.Context, x *settlement) error {
	jump := jumpOf(x.spec)
	if jump == nil {
		return nil
	}
	var errs []error
	if r := x.result.GetJump(); len(r.GetHostKey()) > 0 {
		_, err := s.observe.do(ctx, x.jumpObservation(jump, s.now()))
		errs = append(errs, s.tolerate(err, x))
	}
	if len(jump.GetCredentialIds()) > 0 {
		_, err := s.use.do(ctx, &vaultv1.ReportUseRequest_Item{
			TaskId: jump.GetTaskId(), Fence: jump.GetFence(), DeviceId: jump.GetDeviceId(), Outcomes: x.result.GetJump().GetOutcomes(),
		})
		errs = append(errs, s.tolerate(err, x))
	}
	return errors.Join(errs...)
}

func (x *settlement) jumpObservation(jump *jobv1.TaskSpec, now time.Time) *inventoryv1.ReportObservationsRequest_Item {
	r := x.result.GetJump()
	item := &inventoryv1.ReportObservationsRequest_Item{DeviceId: jump.GetDeviceId(), ObservedAt: observedAt(x.result, now), HostKey: r.GetHostKey(),
		HostKeyPinned: r.GetHostKeyPinned() && (jump.GetTrustFirstKey() || jump.GetNewHostKeyUntil() != nil)}
	for _, o := range r.GetOutcomes() {
		item.Seen = item.Seen || o.GetResult() == jobv1.CredentialOutcome_WORKED
	}
	return item
}
