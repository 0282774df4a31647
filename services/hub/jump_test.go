package hub_test

import (
	"context"
	"crypto/sha256"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

// jumping is a claim of a device behind a jump host.
func (p *peer) jumping(fence int64) (*jobv1.ClaimTasksResponse_Claim, *jobv1.TaskSpec) {
	c := p.task(fence)
	jump := &jobv1.TaskSpec{AgentId: p.name.AgentID, GatewayId: p.name.GatewayID, TaskId: uuid.NewString(), Fence: fence, Kind: "jump", DeviceId: uuid.NewString(),
		CredentialIds: []string{"j"}, TrustFirstKey: true, Deadline: c.GetView().GetDeadline()}
	var err error
	c.View.Jump, err = p.h.specs.SignSpec(context.Background(), jump)
	require.NoError(p.h.t, err)
	c.Spec, err = p.h.specs.SignSpec(context.Background(), c.GetView())
	require.NoError(p.h.t, err)
	return c, jump
}

func TestAnAttemptAsksForTheCredentialsOfItsJumpHostToo(t *testing.T) {
	h := newHouse(t)
	p := h.join()
	p.connect(hello(10))
	c, _ := p.jumping(1)
	p.give(c)
	require.NotNil(t, next(p, (*hubv1.HubMessage).GetOffer))
	p.accept(c)
	ask := func(attempt *jobv1.AttemptRef, spec *jobv1.SignedSpec) *hubv1.CredentialGrant {
		p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_CredentialRequest{CredentialRequest: &hubv1.CredentialRequest{Attempt: attempt, Spec: spec}}})
		return next(p, (*hubv1.HubMessage).GetCredentialGrant)
	}
	for _, spec := range []*jobv1.SignedSpec{c.GetView().GetJump(), c.GetSpec()} {
		grant := ask(refOf(c), spec)
		require.NotNil(t, grant.GetGrant(), grant.GetRefused())
		hash := sha256.Sum256(spec.GetSpec())
		require.Equal(t, hash[:], grant.GetSpecSha256(), "the answer says to which question")
	}
	other, _ := p.jumping(2)
	require.Equal(t, "ATTEMPT_NOT_HELD", ask(refOf(c), other.GetView().GetJump()).GetRefused(), "of another attempt")
	require.Equal(t, "ATTEMPT_NOT_HELD", ask(refOf(other), other.GetView().GetJump()).GetRefused(), "of an attempt that is not held")
}

func TestWhatHappenedAtAJumpHostIsReportedAsIts(t *testing.T) {
	h := newHouse(t)
	p := h.join()
	p.connect(hello(1))
	c, jump := p.jumping(1)
	r := backup(c)
	r.Jump = &hubv1.Result_Jump{HostKey: []byte("hop key"), HostKeyPinned: true,
		Outcomes: []*jobv1.CredentialOutcome{{CredentialId: "j", Result: jobv1.CredentialOutcome_WORKED}}}
	require.Equal(t, hubv1.ResultAck_DURABLE, p.send(r).GetOutcome())

	var seen *inventoryv1.ReportObservationsRequest_Item
	for _, o := range h.targets.seen {
		if o.GetDeviceId() == jump.GetDeviceId() {
			seen = o
		}
	}
	require.Equal(t, "hop key", string(seen.GetHostKey()))
	require.True(t, seen.GetHostKeyPinned())
	require.True(t, seen.GetSeen())
	require.False(t, seen.GetBackedUp())
	require.Empty(t, seen.GetFacts())
	var used *vaultv1.ReportUseRequest_Item
	for _, u := range h.vault.used {
		if u.GetTaskId() == jump.GetTaskId() {
			used = u
		}
	}
	require.Equal(t, "j", used.GetOutcomes()[0].GetCredentialId())
	require.Len(t, h.vault.used, 2)

	// An attempt that never came to its jump host frees what was reserved there.
	c, jump = p.jumping(2)
	r = backup(c)
	r.Succeeded, r.Failure = false, &jobv1.Failure{Class: jobv1.Failure_CANCELLED}
	require.Equal(t, hubv1.ResultAck_DURABLE, p.send(r).GetOutcome())
	require.Equal(t, jump.GetTaskId(), h.vault.used[3].GetTaskId())
	require.Empty(t, h.vault.used[3].GetOutcomes())
	require.Len(t, h.targets.seen, 3)
}
