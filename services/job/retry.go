package job

import (
	"math/rand/v2"
	"slices"
	"time"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// Fixed times of the protocol with hubs and agents.
const (
	offerWindow  = 10 * time.Second
	leaseTime    = 120 * time.Second
	slotGrace    = 60 * time.Second
	declinePause = 5 * time.Second
	lapsePause   = time.Second
	noAgentAfter = 24 * time.Hour
)

// patience is how long to wait before the second attempt, by what went wrong. What is not here is not tried again: another try would end
// the same way (ALGORITHM, REJECTED, OUTPUT_LIMIT), lock an account (AUTH, PRIVILEGE), or needs a person (HOST_KEY, SUSPECT, POLICY).
var patience = map[jobv1.Failure_Class]time.Duration{
	jobv1.Failure_UNREACHABLE: 20 * time.Second,
	jobv1.Failure_TIMEOUT:     20 * time.Second,
	jobv1.Failure_PROMPT:      15 * time.Second,
	jobv1.Failure_INCOMPLETE:  15 * time.Second,
	jobv1.Failure_BUSY:        60 * time.Second,
	jobv1.Failure_CANCELLED:   5 * time.Second, // not by us: the agent shut down
	jobv1.Failure_LEASE_LOST:  5 * time.Second,
	jobv1.Failure_STORE:       30 * time.Second,
	jobv1.Failure_INTERNAL:    30 * time.Second,
}

// noFaultOfTheDevice are the failures after which also a kind that is tried once is tried again: they answer nothing about the device.
var noFaultOfTheDevice = []jobv1.Failure_Class{jobv1.Failure_CANCELLED, jobv1.Failure_LEASE_LOST, jobv1.Failure_STORE, jobv1.Failure_INTERNAL}

// retryPolicy says whether a task of a kind whose attempt of that number failed is tried again, and after how long.
type retryPolicy func(kind string, class jobv1.Failure_Class, attempt int16) (time.Duration, bool)

// retry is the house's policy: twice as long each time, give or take a quarter, so that devices that failed together do not come back
// together.
func (s *Service) retry(kind string, class jobv1.Failure_Class, attempt int16) (time.Duration, bool) {
	base, ok := patience[class]
	if !ok || int(attempt) >= s.config.Attempts || s.kinds.once(kind) && !slices.Contains(noFaultOfTheDevice, class) {
		return 0, false
	}
	pause := base << max(0, attempt-1)
	return pause*3/4 + rand.N(pause/2), true
}
