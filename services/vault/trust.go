package vault

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"sync"
	"time"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/pki"
)

const (
	authorityEvery = time.Hour
	revokedEvery   = 5 * time.Second
	// revokedOld is how old the list of revoked agents may be while auth is away. The hub cuts revoked agents' streams by itself.
	revokedOld = time.Minute
	// maxAgents bounds the certificates that are remembered; beyond it all are forgotten and verified again.
	maxAgents = 20_000
)

// trust holds what auth says about certificates: the root, and the agents it took back. Safe for concurrent use.
type trust struct {
	client authv1.CertificateServiceClient
	now    func() time.Time

	mu        sync.Mutex
	root      *x509.Certificate
	rootAt    time.Time
	revoked   map[string]bool
	revokedAt time.Time
	// agents are certificates that root signed: an agent shows the same one with every task of a night.
	agents map[[sha256.Size]byte]knownAgent
}

type knownAgent struct {
	agent               pki.Agent
	notBefore, notAfter time.Time
}

func newTrust(client authv1.CertificateServiceClient, now func() time.Time) *trust {
	return &trust{client: client, now: now}
}

// authority answers the root. It blocks on auth once an hour; while auth is away the last one goes on.
func (t *trust) authority(ctx context.Context) (*x509.Certificate, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.root != nil && now.Sub(t.rootAt) < authorityEvery {
		return t.root, nil
	}
	a, err := t.client.GetAuthority(ctx, &authv1.GetAuthorityRequest{})
	if err != nil {
		if t.root != nil {
			return t.root, nil
		}
		return nil, err
	}
	root, err := x509.ParseCertificate(a.GetDer())
	if err != nil {
		return nil, err
	}
	if t.root == nil || !t.root.Equal(root) {
		t.agents = map[[sha256.Size]byte]knownAgent{}
	}
	t.root, t.rootAt = root, now
	return root, nil
}

// isRevoked tells whether an agent's certificates are worthless. It blocks on auth every five seconds; while auth is away a list of at most a
// minute goes on, and then nothing.
func (t *trust) isRevoked(ctx context.Context, agent string) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.revoked == nil || now.Sub(t.revokedAt) >= revokedEvery {
		list, err := t.client.ListRevokedAgents(ctx, &authv1.ListRevokedAgentsRequest{})
		if err == nil {
			t.revoked, t.revokedAt = make(map[string]bool, len(list.GetAgentIds())), now
			for _, id := range list.GetAgentIds() {
				t.revoked[id] = true
			}
		} else if t.revoked == nil || now.Sub(t.revokedAt) >= revokedOld {
			return false, err
		}
	}
	return t.revoked[agent], nil
}

// agent answers who an agent's certificate (DER) names, if root signed it and it is valid now.
func (t *trust) agent(root *x509.Certificate, der []byte) (pki.Agent, error) {
	id, now := sha256.Sum256(der), t.now()
	t.mu.Lock()
	known, ok := t.agents[id]
	t.mu.Unlock()
	if ok && now.After(known.notBefore) && now.Before(known.notAfter) {
		return known.agent, nil
	}
	agent, err := pki.VerifyAgent(root, der, now)
	if err != nil {
		return agent, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return agent, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.agents) >= maxAgents {
		clear(t.agents)
	}
	if t.root == root {
		t.agents[id] = knownAgent{agent: agent, notBefore: cert.NotBefore, notAfter: cert.NotAfter}
	}
	return agent, nil
}
