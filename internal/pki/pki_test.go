package pki_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/pki"
)

// authority is a certificate authority as auth is one.
type authority struct {
	authv1.CertificateServiceClient
	key    ed25519.PrivateKey
	cert   *x509.Certificate
	now    time.Time
	issued int
	away   bool
}

func newAuthority(t *testing.T, now time.Time) *authority {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(1e6 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(nil, tpl, tpl, pub, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{key: key, cert: cert, now: now}
}

func (a *authority) issue(pub any, uri *url.URL, usage x509.ExtKeyUsage) []byte {
	tpl := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: a.now.Add(-time.Minute), NotAfter: a.now.Add(24 * time.Hour), URIs: []*url.URL{uri}, ExtKeyUsage: []x509.ExtKeyUsage{usage}}
	der, err := x509.CreateCertificate(nil, tpl, a.cert, pub, a.key)
	if err != nil {
		panic(err)
	}
	return der
}

func (a *authority) IssueCertificate(_ context.Context, in *authv1.IssueCertificateRequest, _ ...grpc.CallOption) (*authv1.Certificate, error) {
	if a.away {
		return nil, errors.New("away")
	}
	a.issued++
	pub, err := x509.ParsePKIXPublicKey(in.GetPublicKey())
	if err != nil {
		return nil, err
	}
	return &authv1.Certificate{Der: a.issue(pub, pki.SignerURI(in.GetPurpose()), x509.ExtKeyUsageAny), NotAfter: timestamppb.New(a.now.Add(24 * time.Hour))}, nil
}

// FAILURES 60, 61: what was not signed by job's key under our root is refused.
func Test60ForgedSpecsAreRefused(t *testing.T) {
	now := time.Now()
	ours, theirs := newAuthority(t, now), newAuthority(t, now)
	signer := func(a *authority, p authv1.IssueCertificateRequest_Purpose) *pki.Signer {
		s, err := pki.NewSigner(a, p, nil)
		require.NoError(t, err)
		return s
	}
	sign := func(s *pki.Signer) *jobv1.SignedSpec {
		out, err := s.SignSpec(context.Background(), &jobv1.TaskSpec{TaskId: "t", AgentId: "a", Fence: 3})
		require.NoError(t, err)
		return out
	}
	good := sign(signer(ours, authv1.IssueCertificateRequest_SPEC_SIGNER))
	spec, err := pki.VerifySpec(ours.cert, good, now)
	require.NoError(t, err)
	require.Equal(t, int64(3), spec.GetFence())

	changed := &jobv1.SignedSpec{Spec: append([]byte{}, good.GetSpec()...), Signature: good.GetSignature(), Certificate: good.GetCertificate()}
	changed.Spec[len(changed.Spec)-1] ^= 1
	_, err = pki.VerifySpec(ours.cert, changed, now)
	require.Error(t, err, "changed spec")
	_, err = pki.VerifySpec(ours.cert, sign(signer(theirs, authv1.IssueCertificateRequest_SPEC_SIGNER)), now)
	require.Error(t, err, "another root")
	_, err = pki.VerifySpec(ours.cert, sign(signer(ours, authv1.IssueCertificateRequest_GRANT_SIGNER)), now)
	require.Error(t, err, "a key for another purpose")
	_, err = pki.VerifySpec(ours.cert, good, now.Add(48*time.Hour))
	require.Error(t, err, "an expired certificate")
	_, err = pki.VerifySpec(ours.cert, &jobv1.SignedSpec{}, now)
	require.Error(t, err, "nothing")
}

func TestGrantSignatures(t *testing.T) {
	now := time.Now()
	a := newAuthority(t, now)
	s, err := pki.NewSigner(a, authv1.IssueCertificateRequest_GRANT_SIGNER, nil)
	require.NoError(t, err)
	hash := sha256.Sum256([]byte("spec"))
	sig, cert, err := s.SignGrant(context.Background(), hash, []byte("enc"), []byte("ct"))
	require.NoError(t, err)
	g := &vaultv1.SealedGrant{EncapsulatedKey: []byte("enc"), Ciphertext: []byte("ct"), Signature: sig, Certificate: cert}
	require.NoError(t, pki.VerifyGrant(a.cert, hash, g, now))
	require.Error(t, pki.VerifyGrant(a.cert, sha256.Sum256([]byte("other")), g, now), "another spec")
	g.Ciphertext = []byte("xt")
	require.Error(t, pki.VerifyGrant(a.cert, hash, g, now))
}

func TestAgentNames(t *testing.T) {
	now := time.Now()
	a := newAuthority(t, now)
	want := pki.Agent{AgentID: "a1", GatewayID: "g1", SealKey: make([]byte, 32)}
	pub, _, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	got, err := pki.VerifyAgent(a.cert, a.issue(pub, pki.AgentURI(want), x509.ExtKeyUsageClientAuth), now)
	require.NoError(t, err)
	require.Equal(t, want, got)
	_, err = pki.VerifyAgent(a.cert, a.issue(pub, pki.ServiceURI("job"), x509.ExtKeyUsageClientAuth), now)
	require.Error(t, err, "a service is no agent")
	_, err = pki.VerifyAgent(newAuthority(t, now).cert, a.issue(pub, pki.AgentURI(want), x509.ExtKeyUsageClientAuth), now)
	require.Error(t, err, "another root")
}

func TestASignerRenewsAndSurvivesAuthBeingAway(t *testing.T) {
	a := newAuthority(t, time.Now())
	now := a.now
	s, err := pki.NewSigner(a, authv1.IssueCertificateRequest_SPEC_SIGNER, func() time.Time { return now })
	require.NoError(t, err)
	sign := func() error {
		_, err := s.SignSpec(context.Background(), &jobv1.TaskSpec{})
		return err
	}
	require.NoError(t, sign())
	require.NoError(t, sign())
	require.Equal(t, 1, a.issued)
	now = now.Add(13 * time.Hour)
	a.away = true
	require.NoError(t, sign(), "the old one is still valid")
	now = now.Add(2 * time.Minute)
	a.away = false
	require.NoError(t, sign())
	require.Equal(t, 2, a.issued)
	now = now.Add(25 * time.Hour)
	a.away = true
	require.Error(t, sign())
}
