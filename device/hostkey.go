package device

import (
	"bytes"

	"golang.org/x/crypto/ssh"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// pin reads the accepted keys of the spec. Keys that cannot be read are no reason to trust another one:
// they leave the list, and an empty list that should not be empty is a failure.
func (s *Session) pin() *jobv1.Failure {
	if s.cfg.Spec.GetHostCertificate() {
		return s.readAuthorities()
	}
	for _, wire := range s.cfg.Spec.GetHostKeys() {
		if key, err := ssh.ParsePublicKey(wire); err == nil {
			s.pins = append(s.pins, key)
		}
	}
	if len(s.pins) == 0 && len(s.cfg.Spec.GetHostKeys()) > 0 && !s.cfg.Spec.GetInsecureHostKey() {
		return failure(jobv1.Failure_HOST_KEY, "None of the accepted host keys can be read here. Accept the device's key again.")
	}
	return nil
}

// hostKeyOffer returns the host key algorithms to offer: with pinned keys only theirs, so that nobody in
// between can present a key of a type not seen before.
func (s *Session) hostKeyOffer() ([]string, *jobv1.Failure) {
	if s.cfg.Spec.GetInsecureHostKey() {
		return hostKeyAlgorithms(nil, s.legacy()), nil
	}
	if s.cfg.Spec.GetHostCertificate() {
		return hostCertificateAlgorithms(s.legacy()), nil
	}
	var formats []string
	for _, k := range s.pins {
		formats = append(formats, k.Type())
	}
	offer := hostKeyAlgorithms(formats, s.legacy())
	if s.replacing() { // the new device may have keys of other types; an accepted one is still preferred
		return first(hostKeyAlgorithms(nil, s.legacy()), offer...), nil
	}
	if len(offer) > 0 {
		return offer, nil
	}
	return nil, failure(jobv1.Failure_ALGORITHM,
		"The accepted host key is of the old type %s. If the device cannot be upgraded, allow it for this device: set ssh.legacy to true.", formats[0])
}

// replacing tells whether a new key is trusted because the device's replacement was planned for now.
func (s *Session) replacing() bool {
	until := s.cfg.Spec.GetNewHostKeyUntil()
	return until != nil && s.cfg.Now().Before(until.AsTime())
}

// checkHostKey decides on the key that the device presented and proved. It runs before anything that
// knows a credential.
func (s *Session) checkHostKey(key ssh.PublicKey) *jobv1.Failure {
	if s.cfg.Spec.GetHostCertificate() {
		return s.checkHostCertificate(key)
	}
	wire := key.Marshal()
	s.report.HostKey = wire
	for _, p := range s.pins {
		if bytes.Equal(p.Marshal(), wire) {
			s.report.HostKeyPinned = true
			return nil
		}
	}
	s.report.HostKeyPinned = false
	spec := s.cfg.Spec
	switch {
	case spec.GetInsecureHostKey():
		return nil
	case s.replacing() && (s.first == nil || bytes.Equal(s.first, wire)):
		s.first = wire
		s.cfg.Log("warn", "the device shows a new host key, "+fingerprint(key)+", which is accepted because its replacement was planned")
		return nil
	case len(s.pins) > 0:
		return failure(jobv1.Failure_HOST_KEY,
			"The device shows another host key than the accepted one: %s. No password was sent. If the device was replaced or its keys were renewed, accept this key.", fingerprint(key))
	case spec.GetTrustFirstKey() && (s.first == nil || bytes.Equal(s.first, wire)):
		s.first = wire
		return nil
	case s.first != nil:
		return failure(jobv1.Failure_HOST_KEY, "The device showed two different host keys within one attempt; the second one is %s. No password was sent to it.", fingerprint(key))
	}
	return failure(jobv1.Failure_HOST_KEY, "No host key is accepted for this device yet. It shows %s; compare and accept it.", fingerprint(key))
}
