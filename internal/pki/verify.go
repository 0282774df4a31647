package pki

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

const (
	specContext  = "netraven spec v1"
	grantContext = "netraven grant v1"
)

// VerifySpec answers the spec if a spec signer of root signed it. Whether it is for this agent, and not too late, is the caller's question.
func VerifySpec(root *x509.Certificate, s *jobv1.SignedSpec, now time.Time) (*jobv1.TaskSpec, error) {
	key, err := verifySigner(root, s.GetCertificate(), authv1.IssueCertificateRequest_SPEC_SIGNER, now)
	if err != nil {
		return nil, fmt.Errorf("spec: %w", err)
	}
	if !ed25519.Verify(key, specMessage(s.GetSpec()), s.GetSignature()) {
		return nil, errors.New("spec: the signature is wrong")
	}
	spec := &jobv1.TaskSpec{}
	if err := proto.Unmarshal(s.GetSpec(), spec); err != nil {
		return nil, fmt.Errorf("spec: %w", err)
	}
	return spec, nil
}

// VerifyGrant answers nil if a grant signer of root signed the grant for the spec.
func VerifyGrant(root *x509.Certificate, specHash [sha256.Size]byte, g *vaultv1.SealedGrant, now time.Time) error {
	key, err := verifySigner(root, g.GetCertificate(), authv1.IssueCertificateRequest_GRANT_SIGNER, now)
	if err != nil {
		return fmt.Errorf("grant: %w", err)
	}
	if !ed25519.Verify(key, grantMessage(specHash, g.GetEncapsulatedKey(), g.GetCiphertext()), g.GetSignature()) {
		return errors.New("grant: the signature is wrong")
	}
	return nil
}

// VerifyAgent answers who an agent's certificate (DER) names, if root signed it and it is valid now.
func VerifyAgent(root *x509.Certificate, der []byte, now time.Time) (Agent, error) {
	cert, err := verify(root, der, now, x509.ExtKeyUsageClientAuth)
	if err != nil {
		return Agent{}, err
	}
	return ParseAgent(cert)
}

func checkSigner(root *x509.Certificate, der []byte, purpose authv1.IssueCertificateRequest_Purpose, now time.Time) (signer, error) {
	cert, err := verify(root, der, now, x509.ExtKeyUsageAny)
	if err != nil {
		return signer{}, err
	}
	if u := uriOf(cert, "signer"); u == nil || u.String() != SignerURI(purpose).String() {
		return signer{}, fmt.Errorf("the certificate is not a %s's", purpose)
	}
	key, ok := cert.PublicKey.(ed25519.PublicKey)
	if !ok {
		return signer{}, errors.New("the signer's key is not Ed25519")
	}
	return signer{key: key, notBefore: cert.NotBefore, notAfter: cert.NotAfter}, nil
}

func verify(root *x509.Certificate, der []byte, now time.Time, usage x509.ExtKeyUsage) (*x509.Certificate, error) {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	pool.AddCert(root)
	_, err = cert.Verify(x509.VerifyOptions{Roots: pool, CurrentTime: now, KeyUsages: []x509.ExtKeyUsage{usage}})
	return cert, err
}

func specMessage(spec []byte) []byte { return append([]byte(specContext), spec...) }

func grantMessage(specHash [sha256.Size]byte, enc, ciphertext []byte) []byte {
	m := make([]byte, 0, len(grantContext)+len(specHash)+len(enc)+len(ciphertext))
	m = append(m, grantContext...)
	m = append(m, specHash[:]...)
	m = append(m, enc...)
	return append(m, ciphertext...)
}
