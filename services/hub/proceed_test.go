package hub_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

func TestOnlyJobLetsAnAttemptProceed(t *testing.T) {
	h := newHouse(t)
	p := h.join()
	p.connect(hello(2))
	c, other := p.task(1), p.task(2)
	ask := func(c *jobv1.ClaimTasksResponse_Claim) *hubv1.ProceedReply {
		p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_ProceedRequest{ProceedRequest: &hubv1.ProceedRequest{Attempt: refOf(c)}}})
		return next(p, (*hubv1.HubMessage).GetProceedReply)
	}
	p.give(c)
	next(p, (*hubv1.HubMessage).GetOffer)
	p.accept(c)
	require.True(t, ask(c).GetProceed())
	require.Equal(t, jobv1.ReportAttemptsRequest_Event_PROCEED, h.job.events[len(h.job.events)-1].GetKind(), "job has noted it")
	require.False(t, ask(other).GetProceed(), "this agent does not hold it")
	h.job.mu.Lock()
	h.job.stale = true
	h.job.mu.Unlock()
	reply := ask(c)
	require.Equal(t, "false LEASE_LOST", fmt.Sprint(reply.GetProceed(), " ", reply.GetReason()))
}
