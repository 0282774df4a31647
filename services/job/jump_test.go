package job

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/wellknown"
)

func bastion() *inventoryv1.Target {
	return &inventoryv1.Target{DeviceId: uuid.NewString(), DeviceName: "bastion", Address: "192.0.2.99", Port: 2222, Tags: []string{"jump"},
		HostKeys: [][]byte{{7}}, Ssh: &inventoryv1.Device_Ssh{Legacy: true}}
}

// claims are what an agent is offered.
func (a *agent) claims(n int) []*jobv1.ClaimTasksResponse_Claim {
	a.h.t.Helper()
	resp, err := a.h.hub.ClaimTasks(a.h.ctx, &jobv1.ClaimTasksRequest{AgentId: a.id, GatewayId: a.gateway, Max: int32(n)})
	require.NoError(a.h.t, err)
	return resp.GetClaims()
}

func TestAnOfferHoldsTheJumpHostWithCredentialsOfItsOwn(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	h.inventory.jump = bastion()
	h.vault.answer = func(item *vaultv1.ReserveCredentialsRequest_Item) *vaultv1.ReserveCredentialsResponse_Item {
		return &vaultv1.ReserveCredentialsResponse_Item{TaskId: item.GetTaskId(), CredentialIds: []string{"of " + item.GetDeviceId()}}
	}
	h.run("backup")
	view := h.agent().claims(1)[0].GetView()
	require.Equal(t, []string{"of " + view.GetDeviceId()}, view.GetCredentialIds())
	require.Len(t, h.vault.asked, 2)
	require.Equal(t, view.GetTaskId(), h.vault.asked[1].GetBesideTaskId())
	require.Equal(t, []string{"jump"}, h.vault.asked[1].GetTags())

	jump := &jobv1.TaskSpec{}
	require.NoError(t, proto.Unmarshal(view.GetJump().GetSpec(), jump))
	require.NotEmpty(t, view.GetJump().GetSignature())
	require.Equal(t, wellknown.Jump, jump.GetKind())
	require.Equal(t, []string{"of " + h.inventory.jump.GetDeviceId()}, jump.GetCredentialIds())
	require.Equal(t, h.vault.asked[1].GetTaskId(), jump.GetTaskId(), "vault finds the reservation by it")
	require.NotEqual(t, view.GetTaskId(), jump.GetTaskId())
	require.Equal(t, view.GetFence(), jump.GetFence())
	require.Equal(t, view.GetAgentId(), jump.GetAgentId())
	require.Equal(t, "192.0.2.99", jump.GetAddress())
	require.EqualValues(t, 2222, jump.GetPort())
	require.True(t, jump.GetLegacyAlgorithms())
	require.Equal(t, [][]byte{{7}}, jump.GetHostKeys())
}

func TestATaskWaitsWithBothItsReservationsOrNone(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	h.inventory.jump = bastion()
	full := true
	h.vault.answer = func(item *vaultv1.ReserveCredentialsRequest_Item) *vaultv1.ReserveCredentialsResponse_Item {
		out := &vaultv1.ReserveCredentialsResponse_Item{TaskId: item.GetTaskId(), CredentialIds: []string{"c"}}
		if full && item.GetBesideTaskId() != "" {
			out.CredentialIds, out.WaitingFor, out.RetryAfter = nil, "hop", timestamppb.New(h.clock.Now().Add(time.Second))
		}
		return out
	}
	run := h.run("backup")
	a := h.agent()
	require.Empty(t, a.claims(1))
	require.Empty(t, h.vault.held, "the device's half was given back")
	require.Len(t, h.vault.freed, 1)
	require.Equal(t, []string{"READY"}, h.states(run.GetId()))

	full = false
	h.clock.add(2 * time.Second)
	require.Len(t, a.claims(1), 1)
	require.Len(t, h.vault.held, 2)
	h.clock.add(time.Minute)
	h.reap()
	require.Empty(t, h.vault.held, "a lapsed offer frees both")
}

func TestAJumpHostThatIsGoneFailsItsDevices(t *testing.T) {
	h := newHouse(t)
	h.inventory.add(1, wellknownLocal)
	h.inventory.jump = &inventoryv1.Target{}
	run := h.run("backup")
	require.Empty(t, h.agent().claims(1))
	f := h.tasks(run.GetId())[0].GetFailure()
	require.Equal(t, "jump", f.GetStage())
	require.Contains(t, f.GetHint(), "disabled or removed")

	h.inventory.jump = bastion()
	h.vault.answer = func(item *vaultv1.ReserveCredentialsRequest_Item) *vaultv1.ReserveCredentialsResponse_Item {
		none := item.GetBesideTaskId() != ""
		out := &vaultv1.ReserveCredentialsResponse_Item{TaskId: item.GetTaskId(), NoCredential: none}
		if !none {
			out.CredentialIds = []string{"c"}
		}
		return out
	}
	run = h.run("backup")
	require.Empty(t, h.agent().claims(1))
	f = h.tasks(run.GetId())[0].GetFailure()
	require.Equal(t, jobv1.Failure_NO_CREDENTIAL, f.GetClass())
	require.Contains(t, f.GetHint(), "jump host")
	require.Empty(t, h.vault.held)
}
