package auth

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/url"
	"time"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	authsql "github.com/netraven/netraven/gen/sqlc/auth"
	"github.com/netraven/netraven/internal/pki"
)

const (
	rootLife = 20 * 365 * 24 * time.Hour
	// agentLife is short because an agent that was lost sight of must end by itself; agents renew at half of it, so one that sleeps over
	// a long weekend comes back by itself.
	agentLife = 7 * 24 * time.Hour
	// signerLife is a day: the keys live in memory of a process and are certified anew as long as it runs.
	signerLife = 24 * time.Hour
	// backdate lets clocks that are a little behind accept a fresh certificate.
	backdate = time.Hour
)

// authority is the root that signs agents, signers and the hub. Immutable.
type authority struct {
	cert *x509.Certificate
	key  ed25519.PrivateKey
}

// openAuthority loads the authority, or makes it at first start.
func (s *Service) openAuthority(ctx context.Context) (*authority, error) {
	row, err := s.store.loadAuthority(ctx, s.createAuthority)
	if err != nil {
		return nil, err
	}
	seed, err := s.key.Open(row.SealedKey, authorityAAD)
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, errors.New("the authority's key cannot be opened: is this the key-encryption key of this database?")
	}
	cert, err := x509.ParseCertificate(row.Certificate)
	return &authority{cert: cert, key: ed25519.NewKeyFromSeed(seed)}, err
}

var authorityAAD = []byte("auth|authority")

func (s *Service) createAuthority() (authsql.InsertAuthorityParams, error) {
	now := s.now()
	none := authsql.InsertAuthorityParams{}
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return none, err
	}
	serial, err := newSerial()
	if err != nil {
		return none, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "NetRaven agents authority"},
		NotBefore: now.Add(-backdate), NotAfter: now.Add(rootLife),
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true, IsCA: true, MaxPathLenZero: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	if err != nil {
		return none, err
	}
	sealed, err := s.key.Seal(key.Seed(), authorityAAD)
	return authsql.InsertAuthorityParams{Certificate: der, SealedKey: sealed, CreatedAt: now}, err
}

// issueAgent certifies an agent's TLS key.
func (a *authority) issueAgent(agent pki.Agent, public any, now time.Time) (der []byte, notAfter time.Time, err error) {
	return a.issue(&x509.Certificate{
		Subject: pkix.Name{CommonName: "agent " + agent.AgentID}, URIs: []*url.URL{pki.AgentURI(agent)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, public, now, agentLife)
}

// issuePurpose certifies a service's key for one purpose.
func (a *authority) issuePurpose(purpose authv1.IssueCertificateRequest_Purpose, public any, now time.Time) (der []byte, notAfter time.Time, err error) {
	template := &x509.Certificate{Subject: pkix.Name{CommonName: purpose.String()}, URIs: []*url.URL{pki.SignerURI(purpose)}}
	if purpose == authv1.IssueCertificateRequest_HUB_SERVER {
		template.DNSNames = []string{pki.HubName}
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	}
	return a.issue(template, public, now, signerLife)
}

func (a *authority) issue(template *x509.Certificate, public any, now time.Time, life time.Duration) ([]byte, time.Time, error) {
	serial, err := newSerial()
	if err != nil {
		return nil, time.Time{}, err
	}
	template.SerialNumber = serial
	template.NotBefore = now.Add(-backdate)
	template.NotAfter = now.Add(life).Truncate(time.Second) // as a certificate holds it
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.BasicConstraintsValid = true
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, public, a.key)
	return der, template.NotAfter, err
}

func newSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
}
