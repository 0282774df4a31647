package pki

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// Signer signs for one purpose with a key that exists only in this process. Its certificate is asked for at the first signature and renewed when
// half its life is over. Safe for concurrent use.
type Signer struct {
	client  authv1.CertificateServiceClient
	purpose authv1.IssueCertificateRequest_Purpose
	now     func() time.Time
	key     ed25519.PrivateKey
	public  []byte // PKIX DER

	mu      sync.Mutex
	cert    []byte
	renewAt time.Time
	expires time.Time
}

// NewSigner makes a key. It calls nobody yet, so services start in any order.
func NewSigner(client authv1.CertificateServiceClient, purpose authv1.IssueCertificateRequest_Purpose, now func() time.Time) (*Signer, error) {
	if client == nil {
		return nil, errors.New("pki: a signer needs auth")
	}
	if now == nil {
		now = time.Now
	}
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, err
	}
	return &Signer{client: client, purpose: purpose, now: now, key: key, public: der}, nil
}

// SignSpec signs a task spec. It blocks on auth at the first call and at renewals. May be repeated.
func (s *Signer) SignSpec(ctx context.Context, spec *jobv1.TaskSpec) (*jobv1.SignedSpec, error) {
	cert, err := s.certificate(ctx)
	if err != nil {
		return nil, err
	}
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(spec)
	if err != nil {
		return nil, err
	}
	return &jobv1.SignedSpec{Spec: b, Signature: ed25519.Sign(s.key, specMessage(b)), Certificate: cert}, nil
}

// SignGrant signs a sealed grant and answers signature and certificate. It blocks on auth at the first call and at renewals. May be repeated.
func (s *Signer) SignGrant(ctx context.Context, specHash [sha256.Size]byte, enc, ciphertext []byte) (sig, cert []byte, err error) {
	cert, err = s.certificate(ctx)
	if err != nil {
		return nil, nil, err
	}
	return ed25519.Sign(s.key, grantMessage(specHash, enc, ciphertext)), cert, nil
}

// certificate answers the present certificate. While auth is away an unexpired one goes on.
func (s *Signer) certificate(ctx context.Context) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.cert != nil && now.Before(s.renewAt) {
		return s.cert, nil
	}
	c, err := s.client.IssueCertificate(ctx, &authv1.IssueCertificateRequest{Purpose: s.purpose, PublicKey: s.public})
	if err != nil {
		if s.cert != nil && now.Before(s.expires) {
			s.renewAt = now.Add(time.Minute)
			return s.cert, nil
		}
		return nil, err
	}
	s.cert, s.expires = c.GetDer(), c.GetNotAfter().AsTime()
	s.renewAt = now.Add(s.expires.Sub(now) / 2)
	return s.cert, nil
}
