package hub

import (
	"context"
	"crypto/sha256"

	"google.golang.org/protobuf/proto"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/wellknown"
)

// credentialRequest asks vault to seal an attempt's credentials to the agent of this stream. vault checks the spec's signature and the
// agent's certificate itself; what comes back is ciphertext.
func (c *session) credentialRequest(r *hubv1.CredentialRequest) {
	c.beside(func() {
		hash := sha256.Sum256(r.GetSpec().GetSpec())
		reply := &hubv1.CredentialGrant{Attempt: r.GetAttempt(), SpecSha256: hash[:]}
		grant, err := c.sealGrant(r)
		if err != nil {
			reply.Refused = errs.Reason(err)
			c.log.Warn("no credentials for an attempt", "task", r.GetAttempt().GetTaskId(), "err", err)
		} else {
			reply.Grant = grant
		}
		c.send(&hubv1.HubMessage{Message: &hubv1.HubMessage_CredentialGrant{CredentialGrant: reply}})
	})
}

func (c *session) sealGrant(r *hubv1.CredentialRequest) (*vaultv1.SealedGrant, error) {
	a := attemptOf(r.GetAttempt())
	spec := &jobv1.TaskSpec{}
	if err := proto.Unmarshal(r.GetSpec().GetSpec(), spec); err != nil {
		return nil, errNotHeld.Wrap(err)
	}
	// The spec of a jump host has a task of its own and the attempt's fence, which no other attempt has.
	if !c.leases.holds(a) || spec.GetTaskId() != a.task && spec.GetKind() != wellknown.Jump || spec.GetFence() != a.fence {
		return nil, errNotHeld
	}
	select {
	case c.hub.seals <- struct{}{}:
		defer func() { <-c.hub.seals }()
	case <-c.ctx.Done():
		return nil, context.Cause(c.ctx)
	}
	ctx, cancel := context.WithTimeout(c.ctx, neighbourPatience)
	defer cancel()
	return c.hub.deps.Grants.SealGrant(ctx, &vaultv1.SealGrantRequest{Spec: r.GetSpec(), AgentCertificate: c.cert})
}
