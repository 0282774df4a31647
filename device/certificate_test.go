package device

import (
	"context"
	"crypto/rand"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

// certify signs the key of a host as ssh-keygen -h does.
func certify(t testing.TB, ca, host ssh.Signer, change func(*ssh.Certificate)) ssh.Signer {
	now := time.Now()
	cert := &ssh.Certificate{Key: host.PublicKey(), CertType: ssh.HostCert, ValidPrincipals: []string{"other", "R1"},
		ValidAfter: uint64(now.Add(-time.Hour).Unix()), ValidBefore: uint64(now.Add(time.Hour).Unix())}
	if change != nil {
		change(cert)
	}
	require.NoError(t, cert.SignCert(rand.Reader, ca))
	signer, err := ssh.NewCertSigner(cert, host)
	require.NoError(t, err)
	return signer
}

// certified is an attempt at a device r1 that shows the given key, under the policy CA.
func certified(t *testing.T, key ssh.Signer, cas ...ssh.PublicKey) (*peer, Config, *atomic.Int32) {
	p := newPeer(t)
	p.config.AddHostKey(key) // beside a plain key, as servers do
	p.shell = router("", "r1#", simple)
	p.start()
	cfg := p.attempt()
	cfg.Spec.DeviceName, cfg.Spec.TrustFirstKey, cfg.Spec.HostCertificate = "r1", false, true
	for _, ca := range cas {
		cfg.Spec.HostCas = append(cfg.Spec.HostCas, ca.Marshal())
	}
	asked, give := &atomic.Int32{}, cfg.Credentials
	cfg.Credentials = func(ctx context.Context) (*vaultv1.Grant, error) { asked.Add(1); return give(ctx) }
	return p, cfg, asked
}

func TestAHostCertificateOfAnAcceptedAuthorityIsTrusted(t *testing.T) {
	ca, host := newKey(t), newECDSAKey(t)
	for name, change := range map[string]func(*ssh.Certificate){
		"by name":     nil,
		"by address":  func(c *ssh.Certificate) { c.ValidPrincipals = []string{"127.0.0.1"} },
		"for ever":    func(c *ssh.Certificate) { c.ValidAfter, c.ValidBefore = 0, ssh.CertTimeInfinity },
		"ed25519 key": nil,
	} {
		t.Run(name, func(t *testing.T) {
			if name == "ed25519 key" {
				host = newKey(t)
			}
			_, cfg, _ := certified(t, certify(t, ca, host, change), newKey(t).PublicKey(), ca.PublicKey())
			_, report := mustOpen(t, cfg)
			require.Equal(t, host.PublicKey().Marshal(), report.HostKey, "a certificate is renewed; what is shown is the key in it")
			require.False(t, report.HostKeyPinned)
		})
	}
}

func TestAHostCertificateThatDoesNotHoldIsSentNoPassword(t *testing.T) {
	ca, host := newKey(t), newECDSAKey(t)
	for name, c := range map[string]struct {
		change func(*ssh.Certificate)
		says   string
	}{
		"expired":         {func(c *ssh.Certificate) { c.ValidBefore = uint64(time.Now().Add(-time.Minute).Unix()) }, "expired on"},
		"not yet valid":   {func(c *ssh.Certificate) { c.ValidAfter = uint64(time.Now().Add(time.Minute).Unix()) }, "only from"},
		"of another host": {func(c *ssh.Certificate) { c.ValidPrincipals = []string{"r2", "192.0.2.2"} }, "is for r2, 192.0.2.2"},
		"of every host":   {func(c *ssh.Certificate) { c.ValidPrincipals = nil }, "no host by name"},
		"of a user":       {func(c *ssh.Certificate) { c.CertType = ssh.UserCert }, "for a user"},
		"unknown option":  {func(c *ssh.Certificate) { c.CriticalOptions = map[string]string{"x": "y"} }, "not valid"},
	} {
		t.Run(name, func(t *testing.T) {
			p, cfg, asked := certified(t, certify(t, ca, host, c.change), ca.PublicKey())
			f, _ := mustFail(t, cfg, jobv1.Failure_HOST_KEY)
			require.Contains(t, f.GetHint(), c.says)
			require.Equal(t, "host_key", f.GetStage())
			require.Zero(t, asked.Load()+p.logins.Load()+p.refusals.Load())
		})
	}
	t.Run("of another authority", func(t *testing.T) {
		other := newKey(t)
		p, cfg, asked := certified(t, certify(t, other, host, nil), ca.PublicKey())
		f, report := mustFail(t, cfg, jobv1.Failure_HOST_KEY)
		require.Contains(t, f.GetHint(), ssh.FingerprintSHA256(other.PublicKey()))
		require.Equal(t, host.PublicKey().Marshal(), report.HostKey)
		require.Zero(t, asked.Load()+p.logins.Load()+p.refusals.Load())
	})
}

// Under the policy CA a plain key is not even asked for, accepted or not, and without an authority nothing is dialled.
func TestOnlyCertificatesCountUnderThePolicyCA(t *testing.T) {
	ca := newKey(t)
	p, cfg, asked := certified(t, newECDSAKey(t), ca.PublicKey())
	cfg.Spec.HostKeys = [][]byte{p.key.Marshal()}
	f, report := mustFail(t, cfg, jobv1.Failure_HOST_KEY)
	require.Contains(t, f.GetHint(), "no host certificate (it offers")
	require.Contains(t, f.GetHint(), "ssh-ed25519")
	require.Empty(t, report.HostKey)
	require.Zero(t, asked.Load())

	before := p.connections.Load()
	cfg.Spec.HostCas = nil
	f, _ = mustFail(t, cfg, jobv1.Failure_HOST_KEY)
	require.Contains(t, f.GetHint(), "names an authority")
	require.Equal(t, before, p.connections.Load())
}
