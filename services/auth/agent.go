package auth

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	authsql "github.com/netraven/netraven/gen/sqlc/auth"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/pki"
)

const (
	enrollContext = "netraven enroll v1"
	sealKeySize   = 32
	maxAgentName  = 255
	// maxSkew is how far an agent's clock may be off when it enrols: certificates would not be valid for it, or not for long.
	maxSkew = 10 * time.Minute

	defaultTokenLife = time.Hour
	maxTokenLife     = 7 * 24 * time.Hour
)

// CreateJoinToken makes a one-time token for an agent of a gateway; only its hash is kept.
func (s *Service) CreateJoinToken(ctx context.Context, req *authv1.CreateJoinTokenRequest) (*authv1.JoinToken, error) {
	gateway, err := uuid.Parse(req.GetGatewayId())
	if err != nil {
		return nil, errs.Invalid("gateway_id", "INVALID", "a gateway's id is a UUID")
	}
	life := time.Duration(req.GetTtlSeconds()) * time.Second
	if life == 0 {
		life = defaultTokenLife
	}
	if life < 0 || life > maxTokenLife {
		return nil, errs.Invalid("ttl_seconds", "OUT_OF_RANGE", "a join token lives 1 to 604800 seconds")
	}
	now, token := s.now(), "nrj_"+randomText()
	row := authsql.InsertJoinTokenParams{
		ID: newID(), Hash: tokenHash(token), GatewayID: gateway, CreatedBy: storable(req.GetCreatedBy()), CreatedAt: now, ExpiresAt: now.Add(life),
	}
	line := with(s.line(ctx, "join_token.create", "join_token", row.ID.String(), outcomeOK), map[string]string{
		"gateway": gateway.String(), "created_by": row.CreatedBy,
	})
	if err := s.store.createJoinToken(ctx, row, line); err != nil {
		return nil, err
	}
	return &authv1.JoinToken{
		Id: row.ID.String(), GatewayId: gateway.String(), Token: token, AuthorityPin: pki.Pin(s.authority.cert), ExpiresAt: timestamppb.New(row.ExpiresAt),
	}, nil
}

// EnrollAgent spends a join token on an agent's keys and answers its certificate. A repeat with the same keys answers the same one.
func (s *Service) EnrollAgent(ctx context.Context, req *authv1.EnrollAgentRequest) (*authv1.AgentCertificate, error) {
	public, err := checkEnroll(req)
	if err != nil {
		return nil, err
	}
	agent, err := s.store.enroll(ctx, enrolment{
		token: tokenHash(req.GetToken()), publicKey: req.GetPublicKey(), sealKey: req.GetSealKey(), now: s.now(),
		create: func(gateway uuid.UUID) (authsql.InsertAgentParams, error) { return s.newAgent(gateway, public, req) },
		line:   func(outcome string) *authv1.AuditLine { return s.line(ctx, "agent.enroll", "join_token", "", outcome) },
	})
	if reason := errs.Reason(err); reason == "JOIN_TOKEN_INVALID" || reason == "JOIN_TOKEN_USED" || reason == "JOIN_TOKEN_EXPIRED" {
		s.log.Warn("a join token was refused; the audit trail says whose it is", "reason", reason, "agent", storable(req.GetName()))
	}
	if err != nil {
		return nil, err
	}
	return s.agentCertificate(agent), nil
}

func checkEnroll(req *authv1.EnrollAgentRequest) (ed25519.PublicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(req.GetPublicKey())
	public, ok := parsed.(ed25519.PublicKey)
	if err != nil || !ok {
		return nil, errs.Invalid("public_key", "INVALID", "an agent's public key is Ed25519, PKIX DER")
	}
	if len(req.GetSealKey()) != sealKeySize || bytes.Equal(req.GetSealKey(), make([]byte, sealKeySize)) {
		return nil, errs.Invalid("seal_key", "INVALID", "an agent's seal key is an X25519 public key of 32 bytes")
	}
	message := append([]byte(enrollContext+req.GetToken()), req.GetSealKey()...)
	if !ed25519.Verify(public, message, req.GetProof()) {
		return nil, errs.Invalid("proof", "INVALID", "the proof is not a signature of the public key over token and seal key")
	}
	bad := func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }
	if req.GetName() == "" || len(req.GetName()) > maxAgentName || strings.ContainsFunc(req.GetName(), bad) {
		return nil, errs.Invalid("name", "INVALID", "an agent's name has 1 to 255 characters without control characters")
	}
	return public, nil
}

func (s *Service) newAgent(gateway uuid.UUID, public ed25519.PublicKey, req *authv1.EnrollAgentRequest) (authsql.InsertAgentParams, error) {
	now := s.now()
	if skew := req.GetAgentClock().AsTime().Sub(now); skew.Abs() > maxSkew {
		return authsql.InsertAgentParams{}, errs.New(codes.FailedPrecondition, "CLOCK_SKEW",
			"the agent's clock says %s, the server's %s: set the agent's clock (NTP) and start it again; the token is still good",
			req.GetAgentClock().AsTime().UTC().Format(time.RFC3339), now.UTC().Format(time.RFC3339))
	}
	id := newID()
	agent := pki.Agent{AgentID: id.String(), GatewayID: gateway.String(), SealKey: req.GetSealKey()}
	der, notAfter, err := s.authority.issueAgent(agent, public, now)
	return authsql.InsertAgentParams{
		ID: id, GatewayID: gateway, Name: req.GetName(), PublicKey: req.GetPublicKey(), SealKey: req.GetSealKey(),
		Certificate: der, NotAfter: notAfter, EnrolledAt: now,
	}, err
}

// RenewAgent answers a new certificate for the same agent and the same keys. The old one stays valid, so a lost answer costs nothing.
func (s *Service) RenewAgent(ctx context.Context, req *authv1.RenewAgentRequest) (*authv1.AgentCertificate, error) {
	id, err := agentID(req.GetAgentId())
	if err != nil {
		return nil, err
	}
	now := s.now()
	row, err := s.store.getAgent(ctx, id)
	if err != nil {
		return nil, err
	}
	shown, err := pki.VerifyAgent(s.authority.cert, req.GetDer(), now)
	if err != nil || shown.AgentID != id.String() || !bytes.Equal(shown.SealKey, row.SealKey) {
		return nil, errs.New(codes.PermissionDenied, "AGENT_CERTIFICATE_INVALID", "the certificate shown is not a valid one of this agent").Wrap(err)
	}
	if row.RevokedAt != nil {
		return nil, revoked(id)
	}
	public, err := x509.ParsePKIXPublicKey(row.PublicKey)
	if err != nil {
		return nil, err
	}
	row.Certificate, row.NotAfter, err = s.authority.issueAgent(pki.Agent{AgentID: id.String(), GatewayID: row.GatewayID.String(), SealKey: row.SealKey}, public, now)
	if err != nil {
		return nil, err
	}
	if err := s.store.renewAgent(ctx, row); err != nil {
		return nil, err
	}
	return s.agentCertificate(row), nil
}

// RevokeAgent makes an agent's certificates worthless.
func (s *Service) RevokeAgent(ctx context.Context, req *authv1.RevokeAgentRequest) (*authv1.RevokeAgentResponse, error) {
	id, err := agentID(req.GetAgentId())
	if err != nil {
		return nil, err
	}
	by := storable(req.GetRevokedBy())
	line := with(s.line(ctx, "agent.revoke", "agent", id.String(), outcomeOK), map[string]string{"revoked_by": by})
	return &authv1.RevokeAgentResponse{}, s.store.revokeAgent(ctx, id, by, line)
}

// ListRevokedAgents answers the ids of all revoked agents whose certificates could still be valid.
func (s *Service) ListRevokedAgents(ctx context.Context, _ *authv1.ListRevokedAgentsRequest) (*authv1.ListRevokedAgentsResponse, error) {
	ids, err := s.store.listRevokedAgents(ctx, s.now())
	return &authv1.ListRevokedAgentsResponse{AgentIds: ids}, err
}

func (s *Service) agentCertificate(a authsql.Agent) *authv1.AgentCertificate {
	return &authv1.AgentCertificate{
		AgentId: a.ID.String(), GatewayId: a.GatewayID.String(), Der: a.Certificate, AuthorityDer: s.authority.cert.Raw, NotAfter: timestamppb.New(a.NotAfter),
	}
}

func agentID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil {
		return id, errs.NotFound("agent", text)
	}
	return id, nil
}

func revoked(id uuid.UUID) *errs.Error {
	return errs.New(codes.PermissionDenied, "AGENT_REVOKED", "agent %s was revoked; add it again with a new join token", id)
}
