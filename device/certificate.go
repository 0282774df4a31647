package device

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// readAuthorities reads the keys that may sign the device's certificate. Without any nothing is trusted.
func (s *Session) readAuthorities() *jobv1.Failure {
	for _, wire := range s.cfg.Spec.GetHostCas() {
		if key, err := ssh.ParsePublicKey(wire); err == nil {
			s.cas = append(s.cas, key)
		}
	}
	if len(s.cas) == 0 {
		return failure(jobv1.Failure_HOST_KEY, "The device's host key policy is CA, and neither it nor its site names an authority that can be read here. Set host_key_ca of one of them.")
	}
	return nil
}

// checkHostCertificate decides on the certificate that the device presented and whose key it proved. What it reports as the device's key
// is the certified one: a certificate is renewed, the key stays.
func (s *Session) checkHostCertificate(key ssh.PublicKey) *jobv1.Failure {
	cert, ok := key.(*ssh.Certificate)
	if !ok { // only certificates were offered
		s.report.HostKey = key.Marshal()
		return failure(jobv1.Failure_HOST_KEY, "The device shows the key %s and no host certificate. No password was sent.", fingerprint(key))
	}
	s.report.HostKey = cert.Key.Marshal()
	signer := cert.SignatureKey.Marshal()
	if !slices.ContainsFunc(s.cas, func(ca ssh.PublicKey) bool { return bytes.Equal(ca.Marshal(), signer) }) {
		return distrusted("The device's certificate is signed by %s, which is none of the accepted authorities.", fingerprint(cert.SignatureKey))
	}
	if cert.CertType != ssh.HostCert {
		return distrusted("The device shows a certificate for a user, not for a host; sign its key again with ssh-keygen -h.")
	}
	name := s.certifiedName(cert)
	if name == "" {
		return distrusted("The device's certificate is for %s, and the device is %s at %s in the inventory. Sign its key again for one of the two (ssh-keygen -n).",
			principals(cert), s.cfg.Spec.GetDeviceName(), s.cfg.Spec.GetAddress())
	}
	now := s.cfg.Now()
	if from := time.Unix(int64(min(cert.ValidAfter, 1<<62)), 0); from.After(now) {
		return distrusted("The device's certificate is valid only from %s on; by the agent's clock it is %s.", day(from), day(now))
	}
	if cert.ValidBefore != ssh.CertTimeInfinity {
		if until := time.Unix(int64(min(cert.ValidBefore, 1<<62)), 0); !until.After(now) {
			return distrusted("The device's certificate expired on %s; by the agent's clock it is %s. Sign its key again.", day(until), day(now))
		}
	}
	checker := ssh.CertChecker{Clock: s.cfg.Now}
	if err := checker.CheckCert(name, cert); err != nil { // its signature, and options that we do not know
		return distrusted("The device's certificate is not valid: %s.", plainWords(err.Error()))
	}
	return nil
}

func distrusted(format string, args ...any) *jobv1.Failure {
	return failure(jobv1.Failure_HOST_KEY, format+" No password was sent.", args...)
}

// certifiedName is the certificate's name for the device: its address or its name, ignoring case. A certificate without names would be one
// for every host; it has none for us.
func (s *Session) certifiedName(cert *ssh.Certificate) string {
	for _, p := range cert.ValidPrincipals {
		if p != "" && (strings.EqualFold(p, s.cfg.Spec.GetAddress()) || strings.EqualFold(p, s.cfg.Spec.GetDeviceName())) {
			return p
		}
	}
	return ""
}

func principals(cert *ssh.Certificate) string {
	if len(cert.ValidPrincipals) == 0 {
		return "no host by name"
	}
	shown := cert.ValidPrincipals[:min(len(cert.ValidPrincipals), 5)]
	return plainWords(strings.Join(shown, ", "))
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
