package auth

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/hex"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	authsql "github.com/netraven/netraven/gen/sqlc/auth"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/internal/pki"
	"github.com/netraven/netraven/internal/seal"
	"github.com/netraven/netraven/internal/wellknown"
)

func hexOf(b []byte) string { return hex.EncodeToString(b) }

func insertable(h *house, name string) authsql.InsertAccountParams {
	return authsql.InsertAccountParams{ID: newID(), Username: name, PasswordHash: h.svc.passwords.nobody, CreatedAt: h.now()}
}

func (h *house) certificates(caller string) authv1.CertificateServiceClient {
	return authv1.NewCertificateServiceClient(grpctest.Serve(h.t, caller, nil, h.svc))
}

func (h *house) root() *x509.Certificate {
	a, err := h.svc.GetAuthority(h.t.Context(), nil)
	require.NoError(h.t, err)
	root, err := x509.ParseCertificate(a.GetDer())
	require.NoError(h.t, err)
	require.Equal(h.t, a.GetPin(), pki.Pin(root))
	return root
}

// candidate makes what a new agent sends.
func (h *house) candidate(token string) *authv1.EnrollAgentRequest {
	h.t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	require.NoError(h.t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(h.t, err)
	_, sealKey, err := seal.NewAgentKey()
	require.NoError(h.t, err)
	return &authv1.EnrollAgentRequest{
		Token: token, PublicKey: der, SealKey: sealKey, Name: "branch-7", AgentClock: timestamppb.New(h.now()),
		Proof: ed25519.Sign(key, append([]byte("netraven enroll v1"+token), sealKey...)),
	}
}

func (h *house) joinToken(hub authv1.CertificateServiceClient) *authv1.JoinToken {
	h.t.Helper()
	token, err := hub.CreateJoinToken(h.t.Context(), &authv1.CreateJoinTokenRequest{GatewayId: wellknown.LocalGatewayID, CreatedBy: "ann"})
	require.NoError(h.t, err)
	return token
}

func TestAnAgentEnrolsRenewsAndIsRevoked(t *testing.T) {
	h := withAdmin(t)
	hub, ctx := h.certificates("hub"), t.Context()
	token := h.joinToken(hub)
	require.Equal(t, h.now().Add(time.Hour).Unix(), token.GetExpiresAt().AsTime().Unix())
	require.Equal(t, pki.Pin(h.root()), token.GetAuthorityPin())
	req := h.candidate(token.GetToken())
	cert, err := hub.EnrollAgent(ctx, req)
	require.NoError(t, err)
	agent, err := pki.VerifyAgent(h.root(), cert.GetDer(), h.now())
	require.NoError(t, err)
	require.Equal(t, pki.Agent{AgentID: cert.GetAgentId(), GatewayID: wellknown.LocalGatewayID, SealKey: req.GetSealKey()}, agent)

	h.pass(4 * 24 * time.Hour)
	renewed, err := hub.RenewAgent(ctx, &authv1.RenewAgentRequest{AgentId: cert.GetAgentId(), Der: cert.GetDer()})
	require.NoError(t, err)
	require.True(t, renewed.GetNotAfter().AsTime().After(cert.GetNotAfter().AsTime()))
	_, err = pki.VerifyAgent(h.root(), cert.GetDer(), h.now())
	require.NoError(t, err, "FAILURES 53: the old certificate is still good")
	again, err := hub.RenewAgent(ctx, &authv1.RenewAgentRequest{AgentId: cert.GetAgentId(), Der: cert.GetDer()})
	require.NoError(t, err)
	require.Equal(t, cert.GetAgentId(), again.GetAgentId())

	for range 2 {
		_, err = hub.RevokeAgent(ctx, &authv1.RevokeAgentRequest{AgentId: cert.GetAgentId(), RevokedBy: "ann"})
		require.NoError(t, err)
	}
	list, err := hub.ListRevokedAgents(ctx, &authv1.ListRevokedAgentsRequest{})
	require.NoError(t, err)
	require.Equal(t, []string{cert.GetAgentId()}, list.GetAgentIds())
	_, err = hub.RenewAgent(ctx, &authv1.RenewAgentRequest{AgentId: cert.GetAgentId(), Der: again.GetDer()})
	refused(t, err, codes.PermissionDenied, "AGENT_REVOKED")
	_, err = hub.EnrollAgent(ctx, req)
	refused(t, err, codes.PermissionDenied, "AGENT_REVOKED")
	h.pass(8 * 24 * time.Hour)
	list, err = hub.ListRevokedAgents(ctx, &authv1.ListRevokedAgentsRequest{})
	require.NoError(t, err)
	require.Empty(t, list.GetAgentIds(), "its certificates have ended")

	for _, id := range []string{"x", newID().String()} {
		_, err = hub.RevokeAgent(ctx, &authv1.RevokeAgentRequest{AgentId: id})
		refused(t, err, codes.NotFound, "AGENT_NOT_FOUND")
		_, err = hub.RenewAgent(ctx, &authv1.RenewAgentRequest{AgentId: id})
		refused(t, err, codes.NotFound, "AGENT_NOT_FOUND")
	}
	require.Equal(t, []string{"OK"}, h.audited("agent.revoke"))
	require.Equal(t, []string{"OK"}, h.audited("join_token.create"))
}

func TestRenewTakesOnlyTheAgentsOwnCertificate(t *testing.T) {
	h := withAdmin(t)
	hub, ctx := h.certificates("hub"), t.Context()
	a, err := hub.EnrollAgent(ctx, h.candidate(h.joinToken(hub).GetToken()))
	require.NoError(t, err)
	b, err := hub.EnrollAgent(ctx, h.candidate(h.joinToken(hub).GetToken()))
	require.NoError(t, err)
	for _, der := range [][]byte{nil, []byte("x"), b.GetDer(), h.root().Raw} {
		_, err = hub.RenewAgent(ctx, &authv1.RenewAgentRequest{AgentId: a.GetAgentId(), Der: der})
		refused(t, err, codes.PermissionDenied, "AGENT_CERTIFICATE_INVALID")
	}
	h.pass(8 * 24 * time.Hour)
	_, err = hub.RenewAgent(ctx, &authv1.RenewAgentRequest{AgentId: a.GetAgentId(), Der: a.GetDer()})
	refused(t, err, codes.PermissionDenied, "AGENT_CERTIFICATE_INVALID")
}

// FAILURES 51: a join token that is used with another key is refused, and the trail says whose token it is.
func TestFailure51JoinTokenReplayedWithAnotherKey(t *testing.T) {
	h := withAdmin(t)
	hub, ctx := h.certificates("hub"), t.Context()
	token := h.joinToken(hub)
	_, err := hub.EnrollAgent(ctx, h.candidate(token.GetToken()))
	require.NoError(t, err)
	_, err = hub.EnrollAgent(ctx, h.candidate(token.GetToken()))
	refused(t, err, codes.PermissionDenied, "JOIN_TOKEN_USED")
	require.Equal(t, []string{"OK", "JOIN_TOKEN_USED"}, h.audited("agent.enroll"))
	var owner, object string
	require.NoError(t, h.pool.QueryRow(ctx, "SELECT details->>'created_by', object_id FROM audit_line WHERE outcome = 'JOIN_TOKEN_USED'").Scan(&owner, &object))
	require.Equal(t, "ann", owner)
	require.Equal(t, token.GetId(), object)
	require.Contains(t, h.log.String(), "JOIN_TOKEN_USED")
	require.NotContains(t, h.log.String(), token.GetToken())
}

// FAILURES 52: the answer to an enrolment was lost; the same keys get the same certificate, also when they ask at once.
func TestFailure52EnrolReplyLost(t *testing.T) {
	h := withAdmin(t)
	hub, ctx := h.certificates("hub"), t.Context()
	req := h.candidate(h.joinToken(hub).GetToken())
	got := make([]*authv1.AgentCertificate, 4)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i], _ = hub.EnrollAgent(ctx, req) })
	}
	wg.Wait()
	h.pass(2 * time.Hour) // the token has expired, but it is theirs
	last, err := hub.EnrollAgent(ctx, req)
	require.NoError(t, err)
	for _, c := range got {
		require.Equal(t, last.GetDer(), c.GetDer())
		require.Equal(t, last.GetAgentId(), c.GetAgentId())
	}
	require.Equal(t, []string{"OK"}, h.audited("agent.enroll"))
}

// FAILURES 43: a clock that is a year off is told so, both clocks shown, and the token is still good.
func TestFailure43ClockSkew(t *testing.T) {
	h := withAdmin(t)
	hub, ctx := h.certificates("hub"), t.Context()
	req := h.candidate(h.joinToken(hub).GetToken())
	for _, off := range []time.Duration{-365 * 24 * time.Hour, 11 * time.Minute} {
		req.AgentClock = timestamppb.New(h.now().Add(off))
		_, err := hub.EnrollAgent(ctx, req)
		refused(t, err, codes.FailedPrecondition, "CLOCK_SKEW")
		require.Contains(t, errs.From(err).Message(), h.now().Add(off).UTC().Format(time.RFC3339))
		require.Contains(t, errs.From(err).Message(), h.now().UTC().Format(time.RFC3339))
	}
	req.AgentClock = timestamppb.New(h.now().Add(-9 * time.Minute))
	_, err := hub.EnrollAgent(ctx, req)
	require.NoError(t, err)
}

func TestEnrolRefusals(t *testing.T) {
	h := withAdmin(t)
	hub, ctx := h.certificates("hub"), t.Context()
	token := h.joinToken(hub).GetToken()
	for name, spoil := range map[string]func(*authv1.EnrollAgentRequest){
		"no key":         func(r *authv1.EnrollAgentRequest) { r.PublicKey = nil },
		"short seal key": func(r *authv1.EnrollAgentRequest) { r.SealKey = r.SealKey[:31] },
		"zero seal key":  func(r *authv1.EnrollAgentRequest) { r.SealKey = make([]byte, 32) },
		"wrong proof":    func(r *authv1.EnrollAgentRequest) { r.Proof = make([]byte, 64) },
		"no name":        func(r *authv1.EnrollAgentRequest) { r.Name = "" },
		"hostile name":   func(r *authv1.EnrollAgentRequest) { r.Name = "a\x1b[2J" },
	} {
		t.Run(name, func(t *testing.T) {
			req := h.candidate(token)
			spoil(req)
			_, err := hub.EnrollAgent(ctx, req)
			refused(t, err, codes.InvalidArgument, "FIELD_INVALID")
		})
	}
	_, err := hub.EnrollAgent(ctx, h.candidate("nrj_guess"))
	refused(t, err, codes.PermissionDenied, "JOIN_TOKEN_INVALID")
	h.pass(61 * time.Minute)
	_, err = hub.EnrollAgent(ctx, h.candidate(token))
	refused(t, err, codes.PermissionDenied, "JOIN_TOKEN_EXPIRED")
	for _, r := range []*authv1.CreateJoinTokenRequest{{GatewayId: "x"}, {GatewayId: wellknown.LocalGatewayID, TtlSeconds: -1}, {GatewayId: wellknown.LocalGatewayID, TtlSeconds: 604801}} {
		_, err = hub.CreateJoinToken(ctx, r)
		refused(t, err, codes.InvalidArgument, "FIELD_INVALID")
	}
}

func TestSignersGetOnlyTheirOwnPurpose(t *testing.T) {
	h := withAdmin(t)
	ctx := t.Context()
	signer, err := pki.NewSigner(h.certificates("job"), authv1.IssueCertificateRequest_SPEC_SIGNER, h.now)
	require.NoError(t, err)
	signed, err := signer.SignSpec(ctx, &jobv1.TaskSpec{TaskId: "t"})
	require.NoError(t, err)
	spec, err := pki.VerifySpec(h.root(), signed, h.now())
	require.NoError(t, err)
	require.Equal(t, "t", spec.GetTaskId())
	_, err = pki.VerifySpec(h.root(), signed, h.now().Add(25*time.Hour))
	require.Error(t, err)

	public, _, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(t, err)
	for caller, purpose := range map[string]authv1.IssueCertificateRequest_Purpose{
		"hub": authv1.IssueCertificateRequest_SPEC_SIGNER, "job": authv1.IssueCertificateRequest_GRANT_SIGNER, "vault": authv1.IssueCertificateRequest_UNSPECIFIED,
	} {
		_, err := h.certificates(caller).IssueCertificate(ctx, &authv1.IssueCertificateRequest{Purpose: purpose, PublicKey: der})
		refused(t, err, codes.PermissionDenied, "PURPOSE_NOT_YOURS")
	}
	_, err = h.certificates("hub").IssueCertificate(ctx, &authv1.IssueCertificateRequest{Purpose: authv1.IssueCertificateRequest_HUB_SERVER, PublicKey: []byte("x")})
	refused(t, err, codes.InvalidArgument, "PUBLIC_KEY_INVALID")
	c, err := h.certificates("hub").IssueCertificate(ctx, &authv1.IssueCertificateRequest{Purpose: authv1.IssueCertificateRequest_HUB_SERVER, PublicKey: der})
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(c.GetDer())
	require.NoError(t, err)
	roots := x509.NewCertPool()
	roots.AddCert(h.root())
	_, err = cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: pki.HubName, CurrentTime: h.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	require.NoError(t, err)
	_, err = pki.VerifyAgent(h.root(), c.GetDer(), h.now())
	require.Error(t, err)
}

// FAILURES 59 and 97: neither a dump of the database nor the log holds anything that opens a door.
func TestFailure59And97NoSecretInDumpOrLog(t *testing.T) {
	h := withAdmin(t)
	hub, ctx := h.certificates("hub"), t.Context()
	token := h.joinToken(hub)
	_, err := hub.EnrollAgent(ctx, h.candidate(token.GetToken()))
	require.NoError(t, err)
	pair := h.login("admin", adminPassword)
	next, err := h.people().Refresh(ctx, &authv1.RefreshRequest{RefreshToken: pair.GetRefreshToken()})
	require.NoError(t, err)
	_, wrong := h.people().Login(ctx, &authv1.LoginRequest{Username: "my-password-in-the-wrong-field", Password: "typed-password-1"})
	require.Error(t, wrong)
	_, key, err := h.svc.ring.signer(h.now())
	require.NoError(t, err)
	all := h.dump() + h.log.String() + wrong.Error()
	for name, s := range map[string]string{
		"password": adminPassword, "refresh": pair.GetRefreshToken(), "next refresh": next.GetRefreshToken(), "access": pair.GetAccessToken(),
		"join token": token.GetToken(), "wrong field": "my-password-in-the-wrong-field", "wrong password": "typed-password-1",
	} {
		require.NotContains(t, all, s, name)
		require.NotContains(t, all, hexOf([]byte(s)), name)
	}
	require.NotContains(t, all, hexOf(key.Seed()))
	require.NotContains(t, all, hexOf(h.svc.authority.key.Seed()))
}
