package hub

import (
	"context"
	"sync"
	"time"

	"google.golang.org/grpc/codes"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/errs"
)

// revoked is auth's list of agents that may not connect. Until it has been read once, nobody is let in.
type revoked struct {
	client authv1.CertificateServiceClient

	mu    sync.Mutex
	ids   map[string]bool
	ready chan struct{} // closed once the list has been read
}

func newRevoked(client authv1.CertificateServiceClient) *revoked {
	return &revoked{client: client, ready: make(chan struct{})}
}

// admit answers whether an agent may connect. It waits for the first reading of the list. Errors: PERMISSION_DENIED/AGENT_REVOKED,
// UNAVAILABLE/NOT_READY.
func (r *revoked) admit(ctx context.Context, agentID string) error {
	select {
	case <-r.ready:
	case <-time.After(helloPatience):
		return errs.New(codes.Unavailable, "NOT_READY", "the hub does not know yet which agents are revoked")
	case <-ctx.Done():
		return ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ids[agentID] {
		return errRevoked
	}
	return nil
}

var errRevoked = errs.New(codes.PermissionDenied, "AGENT_REVOKED", "this agent was revoked; join again with a new token and an empty data directory")

// add notes a revocation that this replica has just made, before the next reading.
func (r *revoked) add(agentID string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ids == nil {
		r.ids = map[string]bool{}
	}
	r.ids[agentID] = true
}

func (r *revoked) tickOnce(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, neighbourPatience)
	defer cancel()
	list, err := r.client.ListRevokedAgents(ctx, &authv1.ListRevokedAgentsRequest{})
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ids = make(map[string]bool, len(list.GetAgentIds()))
	for _, id := range list.GetAgentIds() {
		r.ids[id] = true
	}
	select {
	case <-r.ready:
	default:
		close(r.ready)
	}
	return list.GetAgentIds(), nil
}

// watchRevoked cuts the streams of revoked agents, whoever revoked them, until ctx ends.
func (s *Service) watchRevoked(ctx context.Context) error {
	tick := time.NewTicker(revocationPoll)
	defer tick.Stop()
	for {
		ids, err := s.revoked.tickOnce(ctx)
		if err != nil && ctx.Err() == nil {
			s.deps.Log.Warn("the list of revoked agents is old", "err", err)
		}
		for _, id := range ids {
			s.sessions.end(id, errRevoked)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
