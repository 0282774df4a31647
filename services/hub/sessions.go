package hub

import (
	"sync"

	"google.golang.org/grpc/codes"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	"github.com/netraven/netraven/internal/errs"
)

var (
	errReplaced = errs.New(codes.Aborted, "SESSION_REPLACED", "a newer stream of this agent took over")
	errDraining = errs.New(codes.Unavailable, "DRAINING", "this hub is shutting down; connect again")
)

// sessions are the streams that this replica holds, one for each agent.
type sessions struct {
	mu       sync.Mutex
	byAgent  map[string]*session
	draining bool
	open     sync.WaitGroup
}

func newSessions() *sessions { return &sessions{byAgent: map[string]*session{}} }

// add makes c the agent's session and ends the one before. Errors: UNAVAILABLE/DRAINING.
func (s *sessions) add(c *session) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return errDraining
	}
	if old := s.byAgent[c.agent.AgentID]; old != nil {
		old.end(errReplaced)
	}
	s.byAgent[c.agent.AgentID] = c
	s.open.Add(1)
	return nil
}

// remove forgets c, unless a newer session has taken its place already.
func (s *sessions) remove(c *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byAgent[c.agent.AgentID] == c {
		delete(s.byAgent, c.agent.AgentID)
	}
	s.open.Done()
}

// get answers the agent's session here, or nil.
func (s *sessions) get(agentID string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byAgent[agentID]
}

// end cuts the agent's stream, if it is here.
func (s *sessions) end(agentID string, why error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.byAgent[agentID]; c != nil {
		c.end(why)
	}
}

// drain lets nobody in any more and ends every stream, each with a Drain first.
func (s *sessions) drain() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	for _, c := range s.byAgent {
		c.send(&hubv1.HubMessage{Message: &hubv1.HubMessage_Drain{Drain: &hubv1.Drain{Reason: "the hub is shutting down"}}})
		c.end(errDraining)
	}
}

// wait blocks until every stream has ended.
func (s *sessions) wait() { s.open.Wait() }
