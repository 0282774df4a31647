package job

import (
	"github.com/google/uuid"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// lookAtTheDevice ends the hint of a failure after which nobody knows what was changed.
const lookAtTheDevice = "; check by hand what was changed on the device"

// holds tells whether the attempt may still decide the task: its agent holds it, or it was lost and nobody has claimed since.
func (c *change) holds(agent uuid.UUID, fence int64) bool {
	if fence == 0 || c.now.Fence != fence || c.now.AgentID == nil || *c.now.AgentID != agent {
		return false
	}
	switch c.now.State {
	case offered, leased, running:
		return true
	case ready, retryWait:
		return c.revivable
	}
	return false
}

// lease turns an offer into a lease, renews one, or takes a lost attempt up again.
func (c *change) lease(agent uuid.UUID, fence int64) bool {
	if !c.holds(agent, fence) || c.cancelling() && c.now.State != leased && c.now.State != running {
		return false
	}
	c.slot = leaseSlot
	if c.now.State == leased || c.now.State == running {
		return true
	}
	c.now.State, c.now.NotBefore, c.now.WaitingFor = leased, nil, ""
	if c.now.StartedAt != nil { // lost while it ran
		c.now.State, c.now.Failure = running, nil
	}
	return true
}

// start counts the attempt, once.
func (c *change) start(agent uuid.UUID, fence int64) bool {
	if !c.lease(agent, fence) {
		return false
	}
	c.begin()
	return true
}

func (c *change) begin() {
	if c.now.StartedAt == nil {
		c.now.Attempt++
		c.now.StartedAt = &c.at
	}
	c.now.State = running
}

// proceed lets an attempt begin to change its device. From here on nothing brings the task back into the queue.
func (c *change) proceed(agent uuid.UUID, fence int64) bool {
	if !c.now.Mutating || c.cancelling() || !c.start(agent, fence) {
		return false
	}
	c.now.Proceeded = true
	return true
}

// neverHere are reasons for which an agent will not take a mutating task however often it is offered.
var neverHere = map[string]string{
	"POLICY":               "the policy file of the gateway's agent does not allow it to change devices (effects)",
	"MUTATING_UNSUPPORTED": "the gateway's agent is of a version that cannot change devices; upgrade it",
}

// decline gives an offer back; the agent said why.
func (c *change) decline(agent uuid.UUID, fence int64, reason string) bool {
	if !c.holds(agent, fence) || c.now.StartedAt != nil {
		return false
	}
	if why := neverHere[reason]; why != "" && c.now.Mutating && !c.cancelling() {
		c.end(failed, &jobv1.Failure{Class: jobv1.Failure_POLICY, Stage: "agent", Hint: why})
		c.over = nil
		return true
	}
	c.putBack(c.at.Add(declinePause), reason)
	return true
}

// finish ends an attempt as its agent reports it.
func (c *change) finish(agent uuid.UUID, item *jobv1.FinishAttemptsRequest_Item, retry retryPolicy) bool {
	fence := item.GetAttempt().GetFence()
	if !c.holds(agent, fence) {
		return false
	}
	c.begin()
	c.reported, c.found, c.transcript = true, packResult(item.GetResult()), keptTranscript(item.GetTranscript())
	if item.GetSucceeded() {
		c.end(succeeded, nil)
		c.now.Changed = item.GetChanged()
		return true
	}
	failure := item.GetFailure()
	if failure == nil {
		failure = &jobv1.Failure{Class: jobv1.Failure_INTERNAL, Stage: "agent", Hint: "the agent gave no reason"}
	}
	pause, again := retry(c.now.Kind, failure.GetClass(), c.now.Attempt)
	switch {
	case c.cancelling() && failure.GetClass() == jobv1.Failure_CANCELLED:
		c.end(cancelled, failure)
	case c.now.Proceeded && failure.GetClass() == jobv1.Failure_LEASE_LOST: // it stopped somewhere in between
		failure.Hint += lookAtTheDevice
		c.end(indeterminate, failure)
	case again && !c.cancelling() && !c.now.Proceeded:
		c.retryAt(c.at.Add(pause), failure)
	default:
		c.end(failed, failure)
	}
	return true
}

// lapse takes back an offer that was not accepted in time.
func (c *change) lapse() {
	if c.now.State == offered {
		c.putBack(c.at.Add(lapsePause), "the agent did not answer the last offer")
	}
}

// lose takes back a lease without news. The slot stays: the session may still be open, and its agent may yet report.
func (c *change) lose(retry retryPolicy) {
	fence := c.now.Fence
	c.abandon(retry, &jobv1.Failure{Class: jobv1.Failure_LEASE_LOST, Stage: "agent", Hint: "the agent stopped reporting; its gateway may be offline"})
	c.slot = keepSlot
	if c.over != nil {
		c.over.lost = true
	}
	if c.now.State == ready || c.now.State == retryWait {
		c.now.Fence = fence
	}
}

// drop takes back an attempt of which its agent, which is connected, knows nothing any more: the session is over.
func (c *change) drop(fence int64, retry retryPolicy) {
	if c.now.Fence != fence {
		return
	}
	c.slot = freeSlot
	switch c.now.State {
	case offered, leased, running:
		c.abandon(retry, &jobv1.Failure{Class: jobv1.Failure_LEASE_LOST, Stage: "agent", Hint: "the agent restarted during the attempt"})
		c.slot = freeSlot
	case ready, retryWait:
		c.now.Fence = 0
	}
}

// abandon decides what becomes of a live attempt that nobody will report on.
func (c *change) abandon(retry retryPolicy, why *jobv1.Failure) {
	switch c.now.State {
	case offered, leased:
		c.putBack(c.at, "")
		return
	case running:
	default:
		return
	}
	pause, again := retry(c.now.Kind, why.GetClass(), c.now.Attempt)
	switch {
	case c.now.Proceeded:
		why.Hint += lookAtTheDevice
		c.end(indeterminate, why)
	case c.cancelling():
		c.end(cancelled, why)
	case again:
		c.retryAt(c.at.Add(pause), why)
	default:
		why.Class = jobv1.Failure_POISON
		why.Hint = "every attempt ended with the agent going away; look at the agent's log before trying again"
		c.end(failed, why)
	}
}
