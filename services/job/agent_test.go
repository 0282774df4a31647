package job

import (
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/wellknown"
)

// agent is a hub that speaks for one agent.
type agent struct {
	h           *house
	id, gateway string
}

func (h *house) agent() *agent {
	return &agent{h: h, id: uuid.NewString(), gateway: wellknown.LocalGatewayID}
}

func (a *agent) claim(n int) []*jobv1.AttemptRef {
	a.h.t.Helper()
	resp, err := a.h.hub.ClaimTasks(a.h.ctx, &jobv1.ClaimTasksRequest{AgentId: a.id, GatewayId: a.gateway, Max: int32(n)})
	require.NoError(a.h.t, err)
	var refs []*jobv1.AttemptRef
	for _, claim := range resp.GetClaims() {
		refs = append(refs, &jobv1.AttemptRef{TaskId: claim.GetView().GetTaskId(), Fence: claim.GetView().GetFence()})
	}
	return refs
}

func (a *agent) report(kind jobv1.ReportAttemptsRequest_Event_Kind, refs ...*jobv1.AttemptRef) []bool {
	a.h.t.Helper()
	req := &jobv1.ReportAttemptsRequest{AgentId: a.id}
	for _, ref := range refs {
		req.Events = append(req.Events, &jobv1.ReportAttemptsRequest_Event{Attempt: ref, Kind: kind})
	}
	resp, err := a.h.hub.ReportAttempts(a.h.ctx, req)
	require.NoError(a.h.t, err)
	return resp.GetApplied()
}

// begin accepts and starts.
func (a *agent) begin(refs ...*jobv1.AttemptRef) []bool {
	a.h.t.Helper()
	a.report(jobv1.ReportAttemptsRequest_Event_ACCEPTED, refs...)
	return a.report(jobv1.ReportAttemptsRequest_Event_STARTED, refs...)
}

func (a *agent) finish(class jobv1.Failure_Class, refs ...*jobv1.AttemptRef) []*jobv1.FinishAttemptsResponse_Item {
	a.h.t.Helper()
	req := &jobv1.FinishAttemptsRequest{AgentId: a.id}
	for _, ref := range refs {
		item := &jobv1.FinishAttemptsRequest_Item{Attempt: ref, Succeeded: class == jobv1.Failure_UNSPECIFIED}
		if !item.Succeeded {
			item.Failure = &jobv1.Failure{Class: class, Stage: "login", DeviceSaid: "% no\x00"}
		}
		req.Items = append(req.Items, item)
	}
	resp, err := a.h.hub.FinishAttempts(a.h.ctx, req)
	require.NoError(a.h.t, err)
	return resp.GetItems()
}

func (a *agent) resume(running, spooled []*jobv1.AttemptRef) []jobv1.ResumeAgentResponse_Verdict {
	a.h.t.Helper()
	resp, err := a.h.hub.ResumeAgent(a.h.ctx, &jobv1.ResumeAgentRequest{AgentId: a.id, Running: running, Spooled: spooled})
	require.NoError(a.h.t, err)
	var out []jobv1.ResumeAgentResponse_Verdict
	for _, item := range resp.GetItems() {
		out = append(out, item.GetVerdict())
	}
	return out
}
