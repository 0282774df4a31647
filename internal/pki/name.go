// Package pki has the names in NetRaven's certificates and the signatures over specs and grants.
//
// One root, auth's, signs agents (their URI binds the X25519 key that grants are sealed to), signers (job signs specs, vault signs grants; keys
// live in memory, certificates for a day) and the hub's server certificate. Agents pin the root when they join and trust nothing else, so a hub
// or a database that was taken over can forge neither work nor grants.
package pki

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/url"
	"strings"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
)

const (
	scheme = "netraven"
	// HubName is the DNS name in the hub's certificate; agents expect it whatever address they dial.
	HubName     = "hub.netraven.internal"
	sealKeySize = 32
)

// Agent is what an agent's certificate says.
type Agent struct {
	AgentID   string
	GatewayID string
	// SealKey is the X25519 public key that grants are sealed to.
	SealKey []byte
}

// AgentURI is the name in an agent's certificate.
func AgentURI(a Agent) *url.URL {
	return &url.URL{Scheme: scheme, Host: "agent", Path: "/" + a.AgentID, RawQuery: url.Values{
		"gateway": {a.GatewayID}, "x25519": {base64.RawURLEncoding.EncodeToString(a.SealKey)},
	}.Encode()}
}

// ParseAgent reads the name in an agent's certificate. It does not verify the certificate.
func ParseAgent(cert *x509.Certificate) (Agent, error) {
	u := uriOf(cert, "agent")
	if u == nil {
		return Agent{}, errors.New("not an agent's certificate")
	}
	key, err := base64.RawURLEncoding.DecodeString(u.Query().Get("x25519"))
	a := Agent{AgentID: strings.TrimPrefix(u.Path, "/"), GatewayID: u.Query().Get("gateway"), SealKey: key}
	if err != nil || len(key) != sealKeySize || a.AgentID == "" || a.GatewayID == "" {
		return Agent{}, errors.New("an agent's certificate without agent, gateway or key")
	}
	return a, nil
}

// ServiceURI is the name in a service's mutual-TLS certificate.
func ServiceURI(name string) *url.URL {
	return &url.URL{Scheme: scheme, Host: "service", Path: "/" + name}
}

// ParseService reads the name in a service's certificate. It does not verify the certificate.
func ParseService(cert *x509.Certificate) (string, bool) {
	u := uriOf(cert, "service")
	if u == nil || len(u.Path) < 2 {
		return "", false
	}
	return u.Path[1:], true
}

// SignerURI is the name in the certificate of a key for one purpose.
func SignerURI(purpose authv1.IssueCertificateRequest_Purpose) *url.URL {
	return &url.URL{Scheme: scheme, Host: "signer", Path: "/" + strings.ToLower(purpose.String())}
}

func uriOf(cert *x509.Certificate, host string) *url.URL {
	for _, u := range cert.URIs {
		if u.Scheme == scheme && u.Host == host {
			return u
		}
	}
	return nil
}

// Pin is what a join command carries of the root: SHA-256 of its subject public key info, lower-case hex.
func Pin(cert *x509.Certificate) string {
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return hex.EncodeToString(sum[:])
}
