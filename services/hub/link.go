package hub

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx"
	"github.com/netraven/netraven/internal/pki"
)

// link is the agents' side.
type link struct {
	hubv1.UnimplementedLinkServiceServer
	hub *Service
}

// Enroll relays an agent's keys and join token to auth, and notes the agent.
func (l *link) Enroll(ctx context.Context, req *hubv1.EnrollRequest) (*hubv1.EnrollResponse, error) {
	if err := l.hub.handshakes.Wait(ctx); err != nil {
		return nil, errs.New(codes.Unavailable, "BUSY", "too many agents connect at once").Wrap(err)
	}
	cert, err := l.hub.deps.Certificates.EnrollAgent(ctx, &authv1.EnrollAgentRequest{
		Token: req.GetToken(), PublicKey: req.GetPublicKey(), SealKey: req.GetSealKey(), Proof: req.GetProof(),
		Name: req.GetName(), AgentClock: req.GetClock(),
	})
	if err != nil {
		return nil, err
	}
	name := req.GetName()
	if name == "" {
		name = cert.GetAgentId()
	}
	if err := l.hub.store.enroll(ctx, cert.GetAgentId(), cert.GetGatewayId(), clean(name, 255), l.hub.deps.Now()); err != nil {
		return nil, err
	}
	return enrolled(cert), nil
}

// Renew answers a new certificate for the agent of the connection.
func (l *link) Renew(ctx context.Context, _ *hubv1.RenewRequest) (*hubv1.EnrollResponse, error) {
	agent, der, err := caller(ctx)
	if err != nil {
		return nil, err
	}
	cert, err := l.hub.deps.Certificates.RenewAgent(ctx, &authv1.RenewAgentRequest{AgentId: agent.AgentID, Der: der})
	if err != nil {
		return nil, err
	}
	return enrolled(cert), nil
}

// Connect holds an agent's control stream until it ends.
func (l *link) Connect(stream grpc.BidiStreamingServer[hubv1.AgentMessage, hubv1.HubMessage]) error {
	agent, der, err := caller(stream.Context())
	if err != nil {
		return err
	}
	if err := l.hub.handshakes.Wait(stream.Context()); err != nil {
		return errs.New(codes.Unavailable, "BUSY", "too many agents connect at once").Wrap(err)
	}
	if err := l.hub.revoked.admit(stream.Context(), agent.AgentID); err != nil {
		return err
	}
	c, err := newSession(l.hub, stream, agent, der)
	if err != nil {
		return err
	}
	return c.run()
}

// caller answers who calls, by the certificate of the connection, and the certificate itself.
func caller(ctx context.Context) (pki.Agent, []byte, error) {
	cert := grpcx.PeerCertificate(ctx)
	if cert == nil {
		return pki.Agent{}, nil, errs.New(codes.Unauthenticated, "CERTIFICATE_MISSING", "connect with the agent's certificate")
	}
	agent, err := pki.ParseAgent(cert)
	if err != nil {
		return pki.Agent{}, nil, errs.New(codes.PermissionDenied, "CERTIFICATE_INVALID", "this is not an agent's certificate").Wrap(err)
	}
	return agent, cert.Raw, nil
}

func enrolled(c *authv1.AgentCertificate) *hubv1.EnrollResponse {
	return &hubv1.EnrollResponse{
		AgentId: c.GetAgentId(), GatewayId: c.GetGatewayId(), Certificate: c.GetDer(), Authority: c.GetAuthorityDer(), NotAfter: c.GetNotAfter(),
	}
}
