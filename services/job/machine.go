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

// change is one locked task on its way through the state machine: the row as it was, as it will be, and what else must happen. Its methods
// (here, and in attempt.go what attempts do) are the only place where states change, but for the two bulk statements (claim, cancel) that SQL makes on its own.
type change struct {
	was, now jobsql.LockTasksRow
	at       time.Time
	// revivable: the attempt was lost, its slot still holds the device.
	revivable bool

	slot slotChange
	over *attemptEnd
	// reported: the agent itself ended the attempt, and hub tells vault.
	reported bool
	// proves: success says that the device takes a login.
	proves bool
	// found is what the reported attempt found out, serialized; nil: nothing.
	found []byte
	// transcript of the reported attempt; nil: none was asked for.
	transcript *jobv1.Transcript
}

// attemptEnd is a row of the attempts' history.
type attemptEnd struct {
	fence   int64
	lost    bool
	failure []byte
	started *time.Time
	number  int16
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
