package agent

import (
	"context"
	"net/netip"

	"github.com/netraven/netraven/device"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/pki"
	"github.com/netraven/netraven/internal/wellknown"
	"github.com/netraven/netraven/jobkind"
)

// jumpOf is the spec of the jump host inside a checked spec, or nil if there is none that job made for this attempt.
func (a *Agent) jumpOf(spec *jobv1.TaskSpec) *jobv1.TaskSpec {
	if spec.GetJump() == nil {
		return nil
	}
	jump, err := pki.VerifySpec(a.identity.authority(), spec.GetJump(), a.now())
	if err != nil {
		a.log.Error("the spec of a jump host is not signed by job", "task", spec.GetTaskId(), "err", err)
		return nil
	}
	if jump.GetKind() != wellknown.Jump || jump.GetAgentId() != spec.GetAgentId() || jump.GetFence() != spec.GetFence() {
		return nil
	}
	return jump
}

// jump is how an attempt gets to its jump host; nil: it has none.
func (a *Agent) jump(w *work) *device.Jump {
	if w.jump == nil {
		return nil
	}
	return &device.Jump{
		Spec:        w.jump,
		Credentials: func(ctx context.Context) (*vaultGrant, error) { return a.credentials(ctx, w, w.spec.GetJump()) },
		Allow:       a.cfg.Policy.allowsBehind,
	}
}

// allowsBehind says whether a jump host may be asked for a connection to a host. An address is held against the rules like one that is dialled
// from here. A name is resolved there, unseen: where networks are named it is allowed only if they are all there are.
func (p Policy) allowsBehind(host string) error {
	if ip, err := netip.ParseAddr(host); err == nil {
		if !p.allows(ip.WithZone("")) {
			return &jobkind.PolicyError{Rule: "this agent's policy does not allow connections to " + ip.String()}
		}
		return nil
	}
	if len(p.Networks) > 0 && !p.allows(netip.IPv4Unspecified()) {
		return &jobkind.PolicyError{Rule: "behind a jump host this agent's policy needs addresses; give the device its address instead of the name " + host}
	}
	return nil
}

// jumped is what the hub is told of the jump host.
func jumped(spec *jobv1.TaskSpec, o jobkind.Outcome) *hubv1.Result_Jump {
	if spec == nil || o.Jump == nil {
		return nil
	}
	there := jobkind.Outcome{HostKey: o.Jump.HostKey, HostKeyPinned: o.Jump.HostKeyPinned}
	if o.Failure.GetStage() == wellknown.Jump { // the failure is the jump host's own
		there.Failure = o.Failure
	}
	return &hubv1.Result_Jump{Outcomes: o.Jump.Credentials, HostKey: o.Jump.HostKey, HostKeyPinned: firstContact(spec, there)}
}
