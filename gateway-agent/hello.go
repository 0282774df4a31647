package agent

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// hello answers what the agent holds, in as many messages as it takes, and the aborted attempts that they name.
func (a *Agent) hello() ([]attempt, []*hubv1.Hello) {
	capacity := a.capacity()
	spooled := a.spool.attempts()
	a.mu.Lock()
	aborted := a.aborted
	running := make([]attempt, 0, len(a.running))
	for x := range a.running {
		running = append(running, x)
	}
	a.mu.Unlock()
	first := &hubv1.Hello{
		Version: a.cfg.Version, ProtocolMin: protocol, ProtocolMax: protocol, BootId: a.bootID, Clock: timestamppb.New(a.now()), Capacity: capacity,
	}
	return aborted, paged(first, running, spooled, aborted)
}

// paged spreads attempts over copies of Hello, so that none is larger than a message may be.
func paged(h *hubv1.Hello, running, spooled, aborted []attempt) []*hubv1.Hello {
	hellos := []*hubv1.Hello{h}
	room := refsPerMessage
	spread := func(all []attempt, field func(*hubv1.Hello) *[]*jobv1.AttemptRef) {
		for len(all) > 0 {
			if room == 0 {
				h.More, h, room = true, &hubv1.Hello{}, refsPerMessage
				hellos = append(hellos, h)
			}
			n := min(room, len(all))
			list := field(h)
			*list = append(*list, refs(all[:n])...)
			all, room = all[n:], room-n
		}
	}
	spread(running, func(h *hubv1.Hello) *[]*jobv1.AttemptRef { return &h.Running })
	spread(spooled, func(h *hubv1.Hello) *[]*jobv1.AttemptRef { return &h.Spooled })
	spread(aborted, func(h *hubv1.Hello) *[]*jobv1.AttemptRef { return &h.Aborted })
	return hellos
}

// reported forgets aborted attempts that the hub has passed on to job.
func (a *Agent) reported(aborted []attempt) {
	a.mu.Lock()
	a.aborted = a.aborted[len(aborted):]
	a.mu.Unlock()
	if err := a.journal.end(aborted...); err != nil {
		a.log.Warn("the journal keeps entries that were reported", "err", err)
	}
}

// attach makes the session the one that everybody speaks through, and asks again for what is still waited for.
func (a *Agent) attach(s *session) {
	a.mu.Lock()
	a.session = s
	a.mu.Unlock()
	a.ready.Store(true)
	s.send(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Capacity{Capacity: a.capacity()}})
}

func (a *Agent) detach(s *session) {
	a.mu.Lock()
	if a.session == s {
		a.session = nil
	}
	a.mu.Unlock()
	a.ready.Store(false)
	a.spool.reset()
}

// judge does what job thinks of an attempt that Hello named.
func (a *Agent) judge(s *session, v *hubv1.ResumeVerdict) {
	x := attemptOf(v.GetAttempt())
	switch v.GetVerdict() {
	case jobv1.ResumeAgentResponse_CONTINUE:
		a.ask(s, x)
		a.askProceed(s, x)
	case jobv1.ResumeAgentResponse_ABORT:
		a.cancel(x, errLeaseLost)
	case jobv1.ResumeAgentResponse_DROP_RESULT:
		a.spool.drop(x)
	case jobv1.ResumeAgentResponse_SEND_RESULT: // is being sent anyway
	}
}

// configure takes new limits; they can narrow what the agent was given, not widen it.
func (a *Agent) configure(u *hubv1.ConfigUpdate) {
	a.mu.Lock()
	a.hubMax = int(u.GetMaxSessions())
	a.mu.Unlock()
	go a.sayCapacity()
}

// desire stops what the hub does not want to run. Attempts begun while the message was on its way are not in it: it counts only if the
// hub says that the list is complete.
func (a *Agent) desire(d *hubv1.DesiredState) {
	if !d.GetComplete() {
		return
	}
	wanted := map[attempt]bool{}
	for _, ref := range d.GetAttempts() {
		wanted[attemptOf(ref)] = true
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for x, w := range a.running {
		if !wanted[x] {
			w.cancel(errLeaseLost)
		}
	}
}

// inHand are the attempts that run.
func (a *Agent) inHand() []*jobv1.AttemptRef {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := make([]*jobv1.AttemptRef, 0, len(a.running))
	for x := range a.running {
		out = append(out, x.ref())
	}
	return out
}

// mendSpool tries the disk again where it failed, and tells the hub when the spool became full or has room again.
func (s *session) mendSpool() {
	before := s.agent.spool.full()
	if before {
		s.agent.spool.retry()
	}
	if now := s.agent.spool.full(); now != s.saidFull {
		s.saidFull = now
		s.agent.sayCapacity()
	}
}
