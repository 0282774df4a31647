package hub

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"sync"
	"time"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
)

// serving is the certificate that agents are served with: its key exists only in this process, auth signs it for a day, and it is renewed
// at half its life by the first handshake after that.
type serving struct {
	client authv1.CertificateServiceClient
	now    func() time.Time
	key    ed25519.PrivateKey
	public []byte // PKIX DER

	mu      sync.Mutex
	tls     *tls.Config
	root    *x509.Certificate
	renewAt time.Time
	expires time.Time
}

func newServing(client authv1.CertificateServiceClient, now func() time.Time) (*serving, error) {
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, err
	}
	return &serving{client: client, now: now, key: key, public: der}, nil
}

func (s *serving) config() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ClientAuth: tls.VerifyClientCertIfGiven,
		NextProtos: []string{"h2"},
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			cfg, _, err := s.current(hello.Context())
			return cfg, err
		},
	}
}

// authority is the root that agents' certificates and job's specs lead to.
func (s *serving) authority(ctx context.Context) (*x509.Certificate, error) {
	_, root, err := s.current(ctx)
	return root, err
}

// current answers the certificate in use, asking auth for one where needed. While auth is away an unexpired one goes on.
func (s *serving) current(ctx context.Context) (*tls.Config, *x509.Certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.tls != nil && now.Before(s.renewAt) {
		return s.tls, s.root, nil
	}
	err := s.renew(ctx, now)
	if err != nil && s.tls != nil && now.Before(s.expires) {
		s.renewAt = now.Add(time.Minute)
		err = nil
	}
	if err != nil {
		return nil, nil, err
	}
	return s.tls, s.root, nil
}

func (s *serving) renew(ctx context.Context, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, neighbourPatience)
	defer cancel()
	c, err := s.client.IssueCertificate(ctx, &authv1.IssueCertificateRequest{
		Purpose: authv1.IssueCertificateRequest_HUB_SERVER, PublicKey: s.public,
	})
	if err != nil {
		return err
	}
	root, err := x509.ParseCertificate(c.GetAuthorityDer())
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	s.root, s.expires = root, c.GetNotAfter().AsTime()
	s.renewAt = now.Add(s.expires.Sub(now) / 2)
	s.tls = &tls.Config{
		MinVersion: tls.VersionTLS13,
		// The root goes along: an agent that joins knows only its pin.
		Certificates: []tls.Certificate{{Certificate: [][]byte{c.GetDer(), c.GetAuthorityDer()}, PrivateKey: s.key}},
		ClientAuth:   tls.VerifyClientCertIfGiven,
		ClientCAs:    pool,
		NextProtos:   []string{"h2"},
		// A resumed session would skip the certificate that says who the agent is.
		SessionTicketsDisabled: true,
	}
	return nil
}
