package hub

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
)

const (
	maxBacklog = 10_000 // events or log lines that wait for job
	maxBeside  = 6_000  // questions that wait for a neighbour: a few more than an agent can have sessions
)

var errFlood = errs.New(codes.ResourceExhausted, "TOO_MANY_MESSAGES", "the agent says more than can be recorded")

// handle takes one message. It never blocks: what needs a neighbour goes on beside the stream.
func (c *session) handle(whole *hubv1.AgentMessage) {
	if size := proto.Size(whole); size > maxMessage {
		c.oversize(whole, size)
		return
	}
	switch m := whole.GetMessage().(type) {
	case nil: // a later protocol's
		c.unsupported(unknownField(whole))
	case *hubv1.AgentMessage_Capacity:
		c.setCapacity(m.Capacity)
	case *hubv1.AgentMessage_OfferReply:
		c.offerReply(m.OfferReply)
	case *hubv1.AgentMessage_Started:
		c.event(m.Started.GetAttempt(), jobv1.ReportAttemptsRequest_Event_STARTED, "")
	case *hubv1.AgentMessage_Progress:
		// Where an attempt is matters to those who watch it; job has no place for it yet.
	case *hubv1.AgentMessage_LogBatch:
		c.logBatch(m.LogBatch)
	case *hubv1.AgentMessage_CredentialRequest:
		c.credentialRequest(m.CredentialRequest)
	case *hubv1.AgentMessage_ProceedRequest:
		c.proceedRequest(m.ProceedRequest)
	case *hubv1.AgentMessage_Result:
		c.result(m.Result)
	case *hubv1.AgentMessage_HostKeyObserved:
		c.hostKeyObserved(m.HostKeyObserved)
	case *hubv1.AgentMessage_Heartbeat:
		c.heartbeat(m.Heartbeat)
	case *hubv1.AgentMessage_Unsupported:
		c.log.Warn("the agent did not understand a message", "field", m.Unsupported.GetFieldNumber())
	case *hubv1.AgentMessage_Hello:
		c.end(errs.New(codes.InvalidArgument, "HELLO_UNEXPECTED", "Hello comes once, first"))
	}
	if c.events.size() > maxBacklog || c.lines.size() > maxBacklog {
		c.end(errFlood)
	}
}

// beside answers a question without holding up the stream.
func (c *session) beside(answer func()) {
	if c.asked.Add(1) > maxBeside {
		c.asked.Add(-1)
		c.end(errFlood)
		return
	}
	go func() {
		defer c.asked.Add(-1)
		answer()
	}()
}

// oversize refuses what is too large for the control stream. A result is refused for good, so that it does not come again and again.
func (c *session) oversize(m *hubv1.AgentMessage, size int) {
	if r := m.GetResult(); r != nil {
		c.ack(&hubv1.ResultAck{Attempt: r.GetAttempt(), Outcome: hubv1.ResultAck_REJECT, Reason: "TOO_LARGE"})
		return
	}
	c.end(errs.New(codes.ResourceExhausted, "TOO_LARGE", "a message of %d bytes; the most is %d", size, maxMessage))
}

func (c *session) unsupported(field int32) {
	c.send(&hubv1.HubMessage{Message: &hubv1.HubMessage_Unsupported{Unsupported: &hubv1.Unsupported{FieldNumber: field}}})
}

func (c *session) setCapacity(k *hubv1.Capacity) {
	c.running.Store(max(0, k.GetSessions()))
	n := int(k.GetMaxSessions())
	if k.GetReason() != "" {
		c.log.Info("the agent takes no more work", "reason", clean(k.GetReason(), 64))
		n = 0
	}
	c.leases.setCapacity(n)
}

// offerReply takes the agent's yes or no. A yes is the lease.
func (c *session) offerReply(r *hubv1.OfferReply) {
	a := attemptOf(r.GetAttempt())
	if r.GetAccepted() {
		c.leases.accept(a)
		// An offer that was taken back is reported too: job judges by the fence, and its answer tells the agent to stop.
		c.event(r.GetAttempt(), jobv1.ReportAttemptsRequest_Event_ACCEPTED, "")
		return
	}
	x := c.leases.drop(a)
	if x == nil {
		return
	}
	if r.GetReason() == "NEED_PAGE" {
		c.paged.forget(x.spec.GetPageDigest())
	}
	c.event(r.GetAttempt(), jobv1.ReportAttemptsRequest_Event_DECLINED, clean(r.GetReason(), 64))
	c.hub.results.release(a, x.spec)
}

// proceedRequest lets a mutating attempt begin only if job says that its fence is the task's, and has noted that it began.
func (c *session) proceedRequest(r *hubv1.ProceedRequest) {
	a := attemptOf(r.GetAttempt())
	c.beside(func() {
		ctx, cancel := context.WithTimeout(c.ctx, neighbourPatience)
		defer cancel()
		reply := &hubv1.ProceedReply{Attempt: r.GetAttempt(), Reason: "LEASE_LOST"}
		if c.leases.holds(a) {
			c.events.flushed(ctx)
			resp, err := c.hub.deps.Dispatch.ReportAttempts(ctx, &jobv1.ReportAttemptsRequest{
				AgentId: c.agent.AgentID,
				Events:  []*jobv1.ReportAttemptsRequest_Event{{Attempt: a.ref(), Kind: jobv1.ReportAttemptsRequest_Event_PROCEED}},
			})
			reply.Proceed = err == nil && len(resp.GetApplied()) == 1 && resp.GetApplied()[0]
		}
		if reply.Proceed {
			reply.Reason = ""
		}
		c.send(&hubv1.HubMessage{Message: &hubv1.HubMessage_ProceedReply{ProceedReply: reply}})
	})
}

// heartbeat answers a sign of life and prolongs the leases that it names.
func (c *session) heartbeat(h *hubv1.Heartbeat) {
	c.send(&hubv1.HubMessage{Message: &hubv1.HubMessage_HeartbeatAck{HeartbeatAck: &hubv1.HeartbeatAck{Sequence: h.GetSequence()}}})
	c.running.Store(int32(len(h.GetRunning())))
	for _, ref := range h.GetRunning() {
		c.event(ref, jobv1.ReportAttemptsRequest_Event_HELD, "")
	}
}

// hostKeyObserved tells inventory of a key that is not among the accepted ones.
func (c *session) hostKeyObserved(h *hubv1.HostKeyObserved) {
	spec := c.leases.specOf(attemptOf(h.GetAttempt()))
	if spec == nil || len(h.GetHostKey()) == 0 {
		return // the result brings the key as well
	}
	c.beside(func() {
		_, err := c.hub.results.observe.do(context.WithoutCancel(c.ctx), &inventoryv1.ReportObservationsRequest_Item{
			DeviceId: spec.GetDeviceId(), ObservedAt: timestamppb.New(c.hub.deps.Now()), HostKey: h.GetHostKey(),
		})
		if err != nil {
			c.log.Warn("a host key is not recorded", "device", spec.GetDeviceId(), "err", err)
		}
	})
}

// event queues what happened to an attempt for job.
func (c *session) event(ref *jobv1.AttemptRef, kind jobv1.ReportAttemptsRequest_Event_Kind, reason string) {
	c.events.add(&jobv1.ReportAttemptsRequest_Event{Attempt: ref, Kind: kind, Reason: reason})
}

// sendEvents reports events; the agent stops what job says is over for it.
func (c *session) sendEvents(ctx context.Context, events []*jobv1.ReportAttemptsRequest_Event) {
	resp, err := c.hub.deps.Dispatch.ReportAttempts(ctx, &jobv1.ReportAttemptsRequest{AgentId: c.agent.AgentID, Events: events})
	if err != nil {
		// Heartbeats say what is held again and again, and a result speaks for itself.
		c.log.Warn("events of attempts are not reported", "count", len(events), "err", err)
		return
	}
	for i, applied := range resp.GetApplied() {
		if i >= len(events) || applied || events[i].GetKind() == jobv1.ReportAttemptsRequest_Event_DECLINED {
			continue
		}
		c.leases.drop(attemptOf(events[i].GetAttempt()))
		c.cancelAttempt(events[i].GetAttempt(), "LEASE_LOST")
	}
}

// unknownField is the number of the first field that this program does not know, or 0.
func unknownField(m proto.Message) int32 {
	number, _, n := protowire.ConsumeField(m.ProtoReflect().GetUnknown())
	if n < 0 {
		return 0
	}
	return int32(number)
}
