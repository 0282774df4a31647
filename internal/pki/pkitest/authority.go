// Package pkitest is a certificate authority for tests: it signs what auth signs, in memory.
package pkitest

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/pki"
)

// Authority is a root and a client of auth's CertificateService that uses it, without a server. Calls it does not know panic.
type Authority struct {
	authv1.CertificateServiceClient
	Root *x509.Certificate
	// Life is how long certificates live. Default: a day. Set it before use.
	Life time.Duration
	// RenewedLife is how long renewed ones live. Default: Life. Set it before use.
	RenewedLife time.Duration

	t   testing.TB
	key ed25519.PrivateKey

	mu      sync.Mutex
	tokens  map[string]string // secret -> gateway
	used    map[string]*authv1.AgentCertificate
	revoked []string
	serial  int64
}

// New makes a root.
func New(t testing.TB) *Authority {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "NetRaven test authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(1000 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &Authority{Root: root, Life: 24 * time.Hour, t: t, key: key, tokens: map[string]string{}, used: map[string]*authv1.AgentCertificate{}}
}

// Sign signs a public key for a name and usage.
func (a *Authority) Sign(public any, name *url.URL, usage x509.ExtKeyUsage, dns ...string) (der []byte, notAfter time.Time, err error) {
	return a.sign(a.Life, public, name, usage, dns...)
}

func (a *Authority) sign(life time.Duration, public any, name *url.URL, usage x509.ExtKeyUsage, dns ...string) (der []byte, notAfter time.Time, err error) {
	a.mu.Lock()
	a.serial++
	serial := a.serial
	a.mu.Unlock()
	notAfter = time.Now().Add(life).Truncate(time.Second)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial + 1), NotBefore: time.Now().Add(-time.Minute), NotAfter: notAfter, URIs: []*url.URL{name}, DNSNames: dns,
		ExtKeyUsage: []x509.ExtKeyUsage{usage}, KeyUsage: x509.KeyUsageDigitalSignature,
	}
	der, err = x509.CreateCertificate(rand.Reader, template, a.Root, public, a.key)
	return der, notAfter, err
}

// IssueCertificate signs a service's key, whoever asks.
func (a *Authority) IssueCertificate(_ context.Context, req *authv1.IssueCertificateRequest, _ ...grpc.CallOption) (*authv1.Certificate, error) {
	public, err := x509.ParsePKIXPublicKey(req.GetPublicKey())
	if err != nil {
		return nil, err
	}
	usage, dns := x509.ExtKeyUsageCodeSigning, []string(nil)
	if req.GetPurpose() == authv1.IssueCertificateRequest_HUB_SERVER {
		usage, dns = x509.ExtKeyUsageServerAuth, []string{pki.HubName}
	}
	der, notAfter, err := a.Sign(public, pki.SignerURI(req.GetPurpose()), usage, dns...)
	if err != nil {
		return nil, err
	}
	return &authv1.Certificate{Der: der, NotAfter: timestamppb.New(notAfter), AuthorityDer: a.Root.Raw}, nil
}

// CreateJoinToken makes a token that works once.
func (a *Authority) CreateJoinToken(_ context.Context, req *authv1.CreateJoinTokenRequest, _ ...grpc.CallOption) (*authv1.JoinToken, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	secret := rand.Text()
	a.tokens[secret] = req.GetGatewayId()
	return &authv1.JoinToken{
		GatewayId: req.GetGatewayId(), Token: secret, AuthorityPin: pki.Pin(a.Root), ExpiresAt: timestamppb.New(time.Now().Add(time.Hour)),
	}, nil
}

// EnrollAgent spends a token; a repeat with the same key answers the same certificate.
func (a *Authority) EnrollAgent(_ context.Context, req *authv1.EnrollAgentRequest, _ ...grpc.CallOption) (*authv1.AgentCertificate, error) {
	a.mu.Lock()
	gateway, ok := a.tokens[req.GetToken()]
	spent := a.used[req.GetToken()+string(req.GetPublicKey())]
	delete(a.tokens, req.GetToken())
	a.mu.Unlock()
	if spent != nil {
		return spent, nil
	}
	if !ok {
		return nil, errs.New(codes.PermissionDenied, "JOIN_TOKEN_INVALID", "there is no such join token")
	}
	public, err := x509.ParsePKIXPublicKey(req.GetPublicKey())
	if err != nil {
		return nil, err
	}
	key, _ := public.(ed25519.PublicKey)
	if !ed25519.Verify(key, append([]byte("netraven enroll v1"+req.GetToken()), req.GetSealKey()...), req.GetProof()) {
		return nil, errs.New(codes.PermissionDenied, "JOIN_TOKEN_INVALID", "the proof is wrong")
	}
	cert, err := a.agent(a.Life, public, pki.Agent{AgentID: uuid.Must(uuid.NewV7()).String(), GatewayID: gateway, SealKey: req.GetSealKey()})
	a.mu.Lock()
	a.used[req.GetToken()+string(req.GetPublicKey())] = cert
	a.mu.Unlock()
	return cert, err
}

// RenewAgent signs the same key and names again.
func (a *Authority) RenewAgent(_ context.Context, req *authv1.RenewAgentRequest, _ ...grpc.CallOption) (*authv1.AgentCertificate, error) {
	name, err := pki.VerifyAgent(a.Root, req.GetDer(), time.Now())
	if err != nil || name.AgentID != req.GetAgentId() {
		return nil, errs.New(codes.PermissionDenied, "AGENT_REVOKED", "not this agent")
	}
	cert, err := x509.ParseCertificate(req.GetDer())
	if err != nil {
		return nil, err
	}
	return a.agent(cmp.Or(a.RenewedLife, a.Life), cert.PublicKey, name)
}

func (a *Authority) agent(life time.Duration, public any, name pki.Agent) (*authv1.AgentCertificate, error) {
	der, notAfter, err := a.sign(life, public, pki.AgentURI(name), x509.ExtKeyUsageClientAuth)
	if err != nil {
		return nil, err
	}
	return &authv1.AgentCertificate{
		AgentId: name.AgentID, GatewayId: name.GatewayID, Der: der, AuthorityDer: a.Root.Raw, NotAfter: timestamppb.New(notAfter),
	}, nil
}

// RevokeAgent adds the agent to the list.
func (a *Authority) RevokeAgent(_ context.Context, req *authv1.RevokeAgentRequest, _ ...grpc.CallOption) (*authv1.RevokeAgentResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.revoked = append(a.revoked, req.GetAgentId())
	return &authv1.RevokeAgentResponse{}, nil
}

// ListRevokedAgents answers the list.
func (a *Authority) ListRevokedAgents(context.Context, *authv1.ListRevokedAgentsRequest, ...grpc.CallOption) (*authv1.ListRevokedAgentsResponse, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return &authv1.ListRevokedAgentsResponse{AgentIds: append([]string(nil), a.revoked...)}, nil
}

// Signer signs specs or grants.
func (a *Authority) Signer(purpose authv1.IssueCertificateRequest_Purpose) *pki.Signer {
	a.t.Helper()
	s, err := pki.NewSigner(a, purpose, nil)
	if err != nil {
		a.t.Fatal(err)
	}
	return s
}
