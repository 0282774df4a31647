package job

import (
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	jobsql "github.com/netraven/netraven/gen/sqlc/job"
)

// States of tasks and runs, as the database spells them: the names of the contract's enums.
const (
	scheduled     = "SCHEDULED"
	ready         = "READY"
	offered       = "OFFERED"
	leased        = "LEASED"
	running       = "RUNNING"
	retryWait     = "RETRY_WAIT"
	succeeded     = "SUCCEEDED"
	failed        = "FAILED"
	cancelled     = "CANCELLED"
	expired       = "EXPIRED"
	skipped       = "SKIPPED"
	indeterminate = "INDETERMINATE"
	pending       = "PENDING"
	expanding     = "EXPANDING"
	paused        = "PAUSED"
)

// slotChange says what becomes of the device slot of an attempt.
type slotChange int

const (
	keepSlot slotChange = iota
	leaseSlot
	freeSlot
)

// change is one locked task on its way through the state machine: the row as it was, as it will be, and what else must happen. Its methods are
// the only place where states change, but for the two bulk statements (claim, cancel) that SQL makes on its own.
type change struct {
	was, now jobsql.LockTasksRow
	at       time.Time
	// revivable: the attempt was lost, its slot still holds the device.
	revivable bool

	slot slotChange
	over *attemptEnd
	// reported: the agent itself ended the attempt, and hub tells vault.
	reported bool
}

// attemptEnd is a row of the attempts' history.
type attemptEnd struct {
	fence   int64
	lost    bool
	failure []byte
	started *time.Time
	number  int16
}

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

// decline gives an offer back; the agent said why.
func (c *change) decline(agent uuid.UUID, fence int64, reason string) bool {
	if !c.holds(agent, fence) || c.now.StartedAt != nil {
		return false
	}
	c.putBack(c.at.Add(declinePause), reason)
	return true
}

// finish ends an attempt as its agent reports it.
func (c *change) finish(agent uuid.UUID, item *jobv1.FinishAttemptsRequest_Item, retry func(class jobv1.Failure_Class, attempt int16) (time.Duration, bool)) bool {
	fence := item.GetAttempt().GetFence()
	if !c.holds(agent, fence) {
		return false
	}
	c.begin()
	c.reported = true
	if item.GetSucceeded() {
		c.end(succeeded, nil)
		c.now.Changed = item.GetChanged()
		return true
	}
	failure := item.GetFailure()
	if failure == nil {
		failure = &jobv1.Failure{Class: jobv1.Failure_INTERNAL, Stage: "agent", Hint: "the agent gave no reason"}
	}
	pause, again := retry(failure.GetClass(), c.now.Attempt)
	switch {
	case c.cancelling() && failure.GetClass() == jobv1.Failure_CANCELLED:
		c.end(cancelled, failure)
	case again && !c.cancelling() && !c.now.Mutating:
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
func (c *change) lose(retry func(jobv1.Failure_Class, int16) (time.Duration, bool)) {
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
func (c *change) drop(fence int64, retry func(jobv1.Failure_Class, int16) (time.Duration, bool)) {
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
func (c *change) abandon(retry func(jobv1.Failure_Class, int16) (time.Duration, bool), why *jobv1.Failure) {
	switch c.now.State {
	case offered, leased:
		c.putBack(c.at, "")
		return
	case running:
	default:
		return
	}
	pause, again := retry(why.GetClass(), c.now.Attempt)
	switch {
	case c.now.Mutating:
		why.Hint += "; check by hand what was changed on the device"
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

// cancel ends a task that waits or is offered, and marks one that runs to be stopped.
func (c *change) cancel() {
	switch c.now.State {
	case scheduled, ready, retryWait, offered:
		c.slot = freeSlot
		if c.now.State != offered {
			c.slot = keepSlot
		}
		c.now.State, c.now.FinishedAt, c.now.Fence = cancelled, &c.at, 0
		c.now.WaitingFor, c.now.NotBefore = "", nil
	case leased, running:
		c.now.Stop = true
	}
}

// due ends a wait.
func (c *change) due() {
	if c.now.State != scheduled && c.now.State != retryWait {
		return
	}
	if c.cancelling() {
		c.cancel()
		return
	}
	c.now.State, c.now.NotBefore, c.now.WaitingFor = ready, nil, ""
}

// expire gives up a task that no agent came for.
func (c *change) expire() {
	if c.now.State == ready {
		c.end(expired, &jobv1.Failure{Class: jobv1.Failure_NO_AGENT, Stage: "queue",
			Hint: "no agent of the device's gateway asked for work for a day; check that one is running and connected"})
		c.slot, c.over = keepSlot, nil
	}
}

// giveBack undoes a claim that came to nothing, for now.
func (c *change) giveBack(fence int64, until time.Time, why string) {
	if c.now.State == offered && c.now.Fence == fence {
		c.putBack(until, why)
	}
}

// moveTo undoes a claim and queues the task at the gateway that reaches its device now.
func (c *change) moveTo(fence int64, gateway uuid.UUID) {
	if c.now.State == offered && c.now.Fence == fence {
		c.now.GatewayID = gateway
		c.putBack(c.at, "")
	}
}

// rebind queues a waiting task at the gateway that reaches its device now.
func (c *change) rebind(gateway uuid.UUID) {
	if c.now.State == ready {
		c.now.GatewayID = gateway
	}
}

// refuse ends a claimed task that cannot be offered at all.
func (c *change) refuse(fence int64, state string, failure *jobv1.Failure) {
	if c.now.State == offered && c.now.Fence == fence {
		c.end(state, failure)
		c.over = nil
	}
}

func (c *change) cancelling() bool { return c.now.Stop || c.now.RunCancelled }

// putBack makes the task READY again, without counting an attempt; cancelled ones end.
func (c *change) putBack(until time.Time, why string) {
	c.slot = freeSlot
	if c.cancelling() {
		c.now.State, c.now.FinishedAt, c.now.Fence = cancelled, &c.at, 0
		return
	}
	c.now.State, c.now.Fence, c.now.WaitingFor = ready, 0, why
	if until.After(c.at) {
		c.now.NotBefore = &until
	}
}

func (c *change) retryAt(when time.Time, failure *jobv1.Failure) {
	c.record(failure)
	c.now.State, c.now.NotBefore, c.now.Failure = retryWait, &when, marshal(failure)
	c.now.Fence, c.slot = 0, freeSlot
}

func (c *change) end(state string, failure *jobv1.Failure) {
	c.record(failure)
	c.now.State, c.now.Failure, c.now.FinishedAt = state, marshal(failure), &c.at
	c.now.WaitingFor, c.now.NotBefore = "", nil
	c.now.Fence, c.slot = 0, freeSlot
}

func (c *change) record(failure *jobv1.Failure) {
	c.over = &attemptEnd{fence: c.now.Fence, failure: marshal(failure), started: c.now.StartedAt, number: c.now.Attempt}
}

func marshal(f *jobv1.Failure) []byte {
	if f == nil {
		return nil
	}
	b, err := proto.Marshal(f)
	if err != nil || len(b) == 0 {
		return []byte{8, byte(jobv1.Failure_INTERNAL)} // a Failure of class INTERNAL: text that is not UTF-8 cannot travel
	}
	return b
}
