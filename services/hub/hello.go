package hub

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
)

const (
	protocol  = 1
	maxHellos = 64 // pages of one Hello: more attempts than any agent holds
)

// hello reads the pages of the agent's Hello as one. Errors: INVALID_ARGUMENT/HELLO_EXPECTED, FAILED_PRECONDITION/PROTOCOL_UNSUPPORTED.
func (c *session) hello() (*hubv1.Hello, error) {
	patience := time.NewTimer(helloPatience)
	defer patience.Stop()
	var first *hubv1.Hello
	for range maxHellos {
		var m *hubv1.AgentMessage
		select {
		case m = <-c.in:
		case <-patience.C:
			return nil, errs.New(codes.DeadlineExceeded, "HELLO_EXPECTED", "no Hello came")
		case <-c.ctx.Done():
			return nil, context.Cause(c.ctx)
		}
		h := m.GetHello()
		if h == nil {
			return nil, errs.New(codes.InvalidArgument, "HELLO_EXPECTED", "a stream begins with Hello")
		}
		if first == nil {
			first = h
		} else {
			first.Running = append(first.Running, h.GetRunning()...)
			first.Spooled = append(first.Spooled, h.GetSpooled()...)
			first.Aborted = append(first.Aborted, h.GetAborted()...)
		}
		if !h.GetMore() {
			return first, speaks(first)
		}
	}
	return nil, errs.New(codes.InvalidArgument, "HELLO_EXPECTED", "Hello never ends")
}

func speaks(h *hubv1.Hello) error {
	if h.GetProtocolMin() > protocol || h.GetProtocolMax() < protocol {
		return errs.New(codes.FailedPrecondition, "PROTOCOL_UNSUPPORTED",
			"the agent speaks protocols %d to %d, this server speaks %d; upgrade the older of the two", h.GetProtocolMin(), h.GetProtocolMax(), protocol)
	}
	return nil
}

// open takes the agent's row, lets job judge what the agent holds, and welcomes it.
func (c *session) open(h *hubv1.Hello) error {
	c.version = clean(h.GetVersion(), 64)
	c.setCapacity(h.GetCapacity())
	ctx, cancel := context.WithTimeout(c.ctx, neighbourPatience)
	defer cancel()
	epoch, err := c.hub.store.connect(ctx, c, c.hub.deps.Now())
	if err != nil {
		return err
	}
	c.lastSeen = time.Now()
	if err := c.reportAborted(ctx, h.GetAborted()); err != nil {
		return err
	}
	verdicts, err := c.hub.deps.Dispatch.ResumeAgent(ctx, &jobv1.ResumeAgentRequest{
		AgentId: c.agent.AgentID, Running: h.GetRunning(), Spooled: h.GetSpooled(),
	})
	if err != nil {
		return err
	}
	c.send(&hubv1.HubMessage{Message: &hubv1.HubMessage_Welcome{Welcome: &hubv1.Welcome{
		SessionId: c.id.String(), Epoch: epoch, Protocol: protocol, HeartbeatSeconds: int32(c.hub.cfg.Heartbeat / time.Second),
		InlineLimit: int32(c.hub.cfg.InlineLimit), ResultLimit: int32(c.hub.cfg.ResultLimit), Clock: timestamppb.New(c.hub.deps.Now()),
	}}})
	for _, v := range verdicts.GetItems() {
		if v.GetVerdict() == jobv1.ResumeAgentResponse_CONTINUE {
			c.leases.resume(v.GetAttempt())
		}
		c.send(&hubv1.HubMessage{Message: &hubv1.HubMessage_ResumeVerdict{ResumeVerdict: &hubv1.ResumeVerdict{
			Attempt: v.GetAttempt(), Verdict: v.GetVerdict(),
		}}})
	}
	c.log.Info("agent connected", "session", c.id, "epoch", epoch, "version", c.version,
		"running", len(h.GetRunning()), "spooled", len(h.GetSpooled()), "aborted", len(h.GetAborted()))
	return nil
}

// reportAborted ends the attempts that died with the agent program, so that their devices are free at once.
func (c *session) reportAborted(ctx context.Context, aborted []*jobv1.AttemptRef) error {
	for len(aborted) > 0 {
		n := min(len(aborted), laneItems)
		req := &jobv1.FinishAttemptsRequest{AgentId: c.agent.AgentID}
		for _, ref := range aborted[:n] {
			req.Items = append(req.Items, &jobv1.FinishAttemptsRequest_Item{
				Attempt: ref, FinishedAt: timestamppb.New(c.hub.deps.Now()),
				Failure: &jobv1.Failure{Class: jobv1.Failure_LEASE_LOST, Stage: "agent", Hint: "the agent program was restarted during the attempt"},
			})
		}
		if _, err := c.hub.deps.Dispatch.FinishAttempts(ctx, req); err != nil {
			return err
		}
		aborted = aborted[n:]
	}
	return nil
}
