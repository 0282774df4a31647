package hub

import (
	"context"
	"crypto/x509"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/pki"
)

const (
	retrySoon  = 2 * time.Second  // a neighbour is away
	retryLater = 30 * time.Second // the store is full, or a neighbour fails on this result

	settlePatience = 2 * time.Minute
)

var errNotHeld = errs.New(codes.PermissionDenied, "ATTEMPT_NOT_HELD", "this agent does not hold that attempt")

// result takes a result from the control stream and answers it when it is settled.
func (c *session) result(r *hubv1.Result) {
	a := attemptOf(r.GetAttempt())
	spec := c.leases.specOf(a)
	c.leases.end(a)
	release, ok := c.hub.reserve(int64(proto.Size(r)))
	if !ok {
		c.ack(retryAck(r.GetAttempt(), "BUSY", retrySoon))
		return
	}
	go func() {
		defer release()
		c.events.flushed(c.ctx) // job hears of the start before it hears of the end
		ack := c.hub.settle(c.ctx, c.agent, spec, r)
		c.ack(ack)
	}()
}

// settled forgets an attempt whose result will not come again.
func (c *session) settled(ack *hubv1.ResultAck) {
	if ack.GetOutcome() == hubv1.ResultAck_DURABLE || ack.GetOutcome() == hubv1.ResultAck_REJECT {
		c.leases.drop(attemptOf(ack.GetAttempt()))
	}
}

func (c *session) ack(ack *hubv1.ResultAck) {
	c.settled(ack)
	c.send(&hubv1.HubMessage{Message: &hubv1.HubMessage_ResultAck{ResultAck: ack}})
}

// reserve takes so many bytes of the budget for results on their way; not ok: it is used up.
func (s *Service) reserve(n int64) (release func(), ok bool) {
	if !s.budget.TryAcquire(n) {
		return nil, false
	}
	s.settling.Add(1)
	return func() {
		s.budget.Release(n)
		s.settling.Done()
	}, true
}

// settle brings a result to where it belongs and answers what the agent does with its record. spec is what this stream offered; nil: the
// signed one in the result speaks. It blocks until the result is durable or cannot be now, and may be repeated for the same result.
// What has begun is finished though the stream ends meanwhile: the agent will send the result again and finds it done.
func (s *Service) settle(ctx context.Context, agent pki.Agent, spec *jobv1.TaskSpec, r *hubv1.Result) *hubv1.ResultAck {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settlePatience)
	defer cancel()
	if spec == nil {
		var err error
		if spec, err = s.prove(ctx, agent, r); err != nil {
			return s.ackOf(r, err)
		}
	}
	if cleanResult(r); r.GetSucceeded() {
		r.Failure = nil
	} else if r.GetFailure() == nil {
		r.Failure = &jobv1.Failure{Class: jobv1.Failure_INTERNAL, Stage: "agent", Hint: "the agent gave no reason"}
	}
	return s.results.settle(ctx, &settlement{agentID: agent.AgentID, spec: spec, result: r})
}

// prove answers the spec in a result if job signed it for this agent and this attempt. A signer's certificate lives for a day and a spool
// may be older: the signature counts if the certificate was valid when it ended.
func (s *Service) prove(ctx context.Context, agent pki.Agent, r *hubv1.Result) (*jobv1.TaskSpec, error) {
	root, err := s.serving.authority(ctx)
	if err != nil {
		return nil, err
	}
	now := s.deps.Now()
	if cert, err := x509.ParseCertificate(r.GetSpec().GetCertificate()); err == nil && cert.NotAfter.Before(now) {
		now = cert.NotAfter
	}
	spec, err := pki.VerifySpec(root, r.GetSpec(), now)
	if err != nil {
		return nil, errNotHeld.Wrap(err)
	}
	if spec.GetAgentId() != agent.AgentID || spec.GetTaskId() != r.GetAttempt().GetTaskId() || spec.GetFence() != r.GetAttempt().GetFence() {
		s.deps.Log.Warn("an agent sent a result of an attempt that is not its own", "agent", agent.AgentID, "task", r.GetAttempt().GetTaskId())
		return nil, errNotHeld
	}
	return spec, nil
}

// ackOf answers an error: never again, or later.
func (s *Service) ackOf(r *hubv1.Result, err error) *hubv1.ResultAck {
	if refused(err) {
		return &hubv1.ResultAck{Attempt: r.GetAttempt(), Outcome: hubv1.ResultAck_REJECT, Reason: errs.Reason(err)}
	}
	if away(err) {
		return retryAck(r.GetAttempt(), errs.Reason(err), retrySoon)
	}
	s.deps.Log.Error("a result cannot be settled", "task", r.GetAttempt().GetTaskId(), "err", err)
	return retryAck(r.GetAttempt(), errs.Reason(err), retryLater)
}

func retryAck(ref *jobv1.AttemptRef, reason string, after time.Duration) *hubv1.ResultAck {
	return &hubv1.ResultAck{Attempt: ref, Outcome: hubv1.ResultAck_RETRY_LATER, Reason: reason, RetryAfterMs: int32(after / time.Millisecond)}
}

const (
	maxText  = 4 << 10
	maxWord  = 255
	maxFacts = 64
)

// cleanResult cuts the agent's texts to what the house records.
func cleanResult(r *hubv1.Result) {
	if f := r.GetFailure(); f != nil {
		f.Stage, f.Credential = clean(f.GetStage(), maxWord), clean(f.GetCredential(), maxWord)
		f.DeviceSaid, f.Hint = clean(f.GetDeviceSaid(), maxText), clean(f.GetHint(), maxText)
	}
	facts := make(map[string]string, min(len(r.GetFacts()), maxFacts))
	for k, v := range r.GetFacts() {
		if len(facts) < maxFacts {
			facts[clean(k, maxWord)] = clean(v, maxText)
		}
	}
	r.Facts = facts
	cleanFound(r.GetFound())
	if t := r.GetTranscript(); t != nil {
		all := len(t.GetText())
		t.Text = clean(t.GetText(), maxTranscript)
		t.Truncated = t.GetTruncated() || len(t.GetText()) < all
	}
}
