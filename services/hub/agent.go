package hub

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/jointoken"
	"github.com/netraven/netraven/internal/secret"
)

const maxTokenSeconds = 7 * 24 * 3600

// ListAgents pages through the agents by name.
func (s *Service) ListAgents(ctx context.Context, req *hubv1.ListAgentsRequest) (*hubv1.ListAgentsResponse, error) {
	return s.store.list(ctx, req, s.deps.Now())
}

// RevokeAgent ends an agent's right to connect: first at auth, which every replica asks, then here.
func (s *Service) RevokeAgent(ctx context.Context, req *hubv1.RevokeAgentRequest) (*hubv1.Agent, error) {
	_, err := s.deps.Certificates.RevokeAgent(ctx, &authv1.RevokeAgentRequest{
		AgentId: req.GetId(), RevokedBy: authn.FromContext(ctx).Actor(),
	})
	if err != nil {
		return nil, err
	}
	s.revoked.add(req.GetId())
	s.sessions.end(req.GetId(), errRevoked)
	return s.store.revoke(ctx, req.GetId(), s.deps.Now())
}

// CreateJoinToken makes a token for an existing gateway and the command to paste there.
func (s *Service) CreateJoinToken(ctx context.Context, req *hubv1.CreateJoinTokenRequest) (*hubv1.JoinToken, error) {
	if req.GetTtlSeconds() < 0 || req.GetTtlSeconds() > maxTokenSeconds {
		return nil, errs.Invalid("ttl_seconds", "OUT_OF_RANGE", "must be at most 604800, seven days")
	}
	if err := s.gatewayExists(ctx, req.GetGatewayId()); err != nil {
		return nil, err
	}
	t, err := s.deps.Certificates.CreateJoinToken(ctx, &authv1.CreateJoinTokenRequest{
		GatewayId: req.GetGatewayId(), TtlSeconds: req.GetTtlSeconds(), CreatedBy: authn.FromContext(ctx).Actor(),
	})
	if err != nil {
		return nil, err
	}
	text := jointoken.Token{Secret: secret.NewString(t.GetToken()), Pin: t.GetAuthorityPin(), GatewayID: t.GetGatewayId()}.Encode()
	return &hubv1.JoinToken{
		GatewayId: t.GetGatewayId(), Token: text, Command: joinCommand(s.cfg.Address, text), ExpiresAt: t.GetExpiresAt(),
	}, nil
}

// joinCommand is what a person pastes at the gateway. The token is in a here-document, so it shows in no list of processes.
func joinCommand(address, token string) string {
	return fmt.Sprintf("netraven-agent --join - --server %s --data /var/lib/netraven-agent <<'TOKEN'\n%s\nTOKEN\n", address, token)
}

func (s *Service) gatewayExists(ctx context.Context, id string) error {
	caps, err := s.deps.Targets.ListGatewayCaps(ctx, &inventoryv1.ListGatewayCapsRequest{})
	if err != nil {
		return err
	}
	for _, g := range caps.GetItems() {
		if g.GetGatewayId() == id {
			return nil
		}
	}
	return errs.New(codes.NotFound, "GATEWAY_NOT_FOUND", "there is no gateway %q", id)
}
