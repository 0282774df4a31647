package agent

import (
	"errors"

	"google.golang.org/protobuf/proto"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/pki"
)

// Reasons for which an attempt is ended from outside.
var (
	errCancelled = errors.New("cancelled")
	errLeaseLost = errors.New("the attempt was given to another")
	errShutdown  = errors.New("the agent is shutting down")
)

// offered answers an offer and begins the attempt if it is taken. It blocks for no device.
func (a *Agent) offered(s *session, o *hubv1.Offer) {
	spec, reason := a.check(o.GetSpec())
	if spec == nil { // forged; the names in it serve only to answer
		spec = &jobv1.TaskSpec{}
		_ = proto.Unmarshal(o.GetSpec().GetSpec(), spec)
	}
	ref := &jobv1.AttemptRef{TaskId: spec.GetTaskId(), Fence: spec.GetFence()}
	var w *work
	if reason == "" {
		w, reason = a.admit(spec, o)
	}
	if reason != "" {
		a.log.Info("offer declined", "task", ref.GetTaskId(), "reason", reason)
	}
	s.send(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_OfferReply{OfferReply: &hubv1.OfferReply{
		Attempt: ref, Accepted: reason == "", Reason: reason,
	}}})
	if w != nil {
		s.send(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Started{Started: &hubv1.Started{Attempt: ref}}})
		go a.work(w)
	}
}

// check answers the spec if job signed it, for this agent, and it is not too late; otherwise why not.
func (a *Agent) check(signed *jobv1.SignedSpec) (*jobv1.TaskSpec, string) {
	spec, err := pki.VerifySpec(a.identity.authority(), signed, a.now())
	if err != nil {
		a.log.Error("an offer is not signed by job; is somebody forging work?", "err", err)
		return nil, "BAD_SIGNATURE"
	}
	me := a.identity.agent()
	switch {
	case spec.GetAgentId() != me.AgentID || spec.GetGatewayId() != me.GatewayID:
		a.log.Error("an offer is for another agent", "task", spec.GetTaskId(), "agent", spec.GetAgentId())
		return spec, "NOT_FOR_ME"
	case !(attempt{task: spec.GetTaskId(), fence: spec.GetFence()}).valid():
		return spec, "BAD_SPEC"
	case !spec.GetDeadline().AsTime().After(a.now()):
		return spec, "EXPIRED"
	case !a.cfg.Policy.allowsKind(spec.GetKind()), spec.GetMutating() && !a.cfg.Policy.allowsMutating():
		return spec, "POLICY"
	case spec.GetJump() != nil && a.jumpOf(spec) == nil:
		return spec, "BAD_SPEC"
	}
	return spec, ""
}

// admit makes the work of a checked spec. Neither work nor reason: the attempt is in hand already, and the answer is yes again.
func (a *Agent) admit(spec *jobv1.TaskSpec, o *hubv1.Offer) (*work, string) {
	kind, ok := a.kinds(spec.GetKind())
	if !ok {
		return nil, "UNKNOWN_KIND"
	}
	page, reason := a.pages.take(spec.GetPageDigest(), o.GetPage())
	if reason != "" {
		return nil, reason
	}
	x := attempt{task: spec.GetTaskId(), fence: spec.GetFence()}
	full := a.spool.full()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.running[x] != nil || a.spool.has(x) {
		return nil, ""
	}
	switch {
	case a.recent.has(x):
		return nil, "ALREADY_DONE"
	case a.draining:
		return nil, "DRAINING"
	case full:
		return nil, "SPOOL_FULL"
	case len(a.running)-a.ending >= a.maxSessions():
		return nil, "BUSY"
	case a.older(x):
		return nil, "BUSY"
	}
	if err := a.journal.begin(x); err != nil {
		a.log.Error("the journal cannot be written", "err", err)
		return nil, "SPOOL_FULL"
	}
	w := newWork(x, kind, spec, o, page)
	w.jump = a.jumpOf(spec)
	a.running[x] = w
	a.attempts.Add(1)
	return w, ""
}

// older ends another attempt at the same task that still runs here, and tells whether there is one. It is called with the lock held.
func (a *Agent) older(x attempt) bool {
	found := false
	for y, w := range a.running {
		if y.task == x.task {
			found = true
			if y.fence < x.fence {
				w.cancel(errLeaseLost)
			}
		}
	}
	return found
}

// cancel ends an attempt; its result is still reported.
func (a *Agent) cancel(x attempt, why error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if w := a.running[x]; w != nil {
		w.cancel(why)
	}
}

// maxRecent is how many finished attempts are remembered, so that a late duplicate of an offer does not begin one again.
const maxRecent = 4096

// recent is a ring of attempts that ended.
type recent struct {
	ring []attempt
	at   int
	set  map[attempt]bool
}

func (r *recent) has(x attempt) bool { return r.set[x] }

func (r *recent) add(x attempt) {
	if r.set == nil {
		r.set = map[attempt]bool{}
	}
	if len(r.ring) < maxRecent {
		r.ring = append(r.ring, x)
	} else {
		delete(r.set, r.ring[r.at])
		r.ring[r.at] = x
		r.at = (r.at + 1) % maxRecent
	}
	r.set[x] = true
}
