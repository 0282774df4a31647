package device

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// What is offered, the cheapest of the strong ones first: a fleet's backup is dominated by key exchanges.
var (
	strongKex     = first(ssh.SupportedAlgorithms().KeyExchanges, ssh.KeyExchangeCurve25519, "curve25519-sha256@libssh.org")
	strongCiphers = first(ssh.SupportedAlgorithms().Ciphers, ssh.CipherAES128GCM, ssh.CipherAES128CTR)
	strongMACs    = ssh.SupportedAlgorithms().MACs
	legacyKex     = slices.Concat(strongKex, ssh.InsecureAlgorithms().KeyExchanges)
	legacyCiphers = slices.Concat(strongCiphers, ssh.InsecureAlgorithms().Ciphers)
	legacyMACs    = slices.Concat(strongMACs, ssh.InsecureAlgorithms().MACs)
)

// hostKeyFormats are the key formats a device may show, best first, with the signature algorithms that
// prove their possession. What only SHA-1 can prove is legacy.
var hostKeyFormats = []struct {
	format         string
	strong, legacy []string
}{
	{ssh.KeyAlgoED25519, []string{ssh.KeyAlgoED25519}, nil},
	{ssh.KeyAlgoECDSA256, []string{ssh.KeyAlgoECDSA256}, nil},
	{ssh.KeyAlgoECDSA384, []string{ssh.KeyAlgoECDSA384}, nil},
	{ssh.KeyAlgoECDSA521, []string{ssh.KeyAlgoECDSA521}, nil},
	{ssh.KeyAlgoRSA, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}, []string{ssh.KeyAlgoRSA}},
	{ssh.InsecureKeyAlgoDSA, nil, []string{ssh.InsecureKeyAlgoDSA}},
}

// hostCertificateFormats is the same for host certificates.
var hostCertificateFormats = []struct{ strong, legacy []string }{
	{[]string{ssh.CertAlgoED25519v01}, nil},
	{[]string{ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01}, nil},
	{[]string{ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01}, []string{ssh.CertAlgoRSAv01}},
}

// first moves the named algorithms to the front of list, those that are in it.
func first(list []string, names ...string) []string {
	var out []string
	for _, n := range names {
		if slices.Contains(list, n) {
			out = append(out, n)
		}
	}
	for _, n := range list {
		if !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// transportConfig returns the key exchanges, ciphers and MACs to offer.
func transportConfig(legacy bool) ssh.Config {
	if legacy {
		return ssh.Config{KeyExchanges: legacyKex, Ciphers: legacyCiphers, MACs: legacyMACs}
	}
	return ssh.Config{KeyExchanges: strongKex, Ciphers: strongCiphers, MACs: strongMACs}
}

// hostKeyAlgorithms returns the signature algorithms to offer for host keys of the given formats; no
// formats mean all.
func hostKeyAlgorithms(formats []string, legacy bool) []string {
	var out []string
	for _, f := range hostKeyFormats {
		if len(formats) > 0 && !slices.Contains(formats, f.format) {
			continue
		}
		out = append(out, f.strong...)
		if legacy {
			out = append(out, f.legacy...)
		}
	}
	return out
}

// hostCertificateAlgorithms returns the signature algorithms to offer where only a certificate will do.
func hostCertificateAlgorithms(legacy bool) []string {
	var out []string
	for _, f := range hostCertificateFormats {
		out = append(out, f.strong...)
		if legacy {
			out = append(out, f.legacy...)
		}
	}
	return out
}

// noAlgorithm says what the device and we have not in common.
func noAlgorithm(e *ssh.AlgorithmNegotiationError, legacy, pinned, certified bool) *jobv1.Failure {
	offered := strings.Join(e.RequestedAlgorithms, ", ")
	if e.What == "host key" && certified {
		return failure(jobv1.Failure_HOST_KEY,
			"The device shows no host certificate (it offers %s). No password was sent. Install a certificate that your authority signed, or set another host key policy for this device.", offered)
	}
	if old := forgotten(e); len(old) > 0 && !legacy {
		return failure(jobv1.Failure_ALGORITHM,
			"The device knows only old algorithms for %s: %s. If it cannot be upgraded, allow them for this device: set ssh.legacy to true.",
			what(e), strings.Join(old, ", "))
	}
	if e.What == "host key" && pinned {
		return failure(jobv1.Failure_HOST_KEY,
			"The device does not offer a host key of an accepted type any more (it offers %s). No password was sent. If its keys were renewed, accept the new key.", offered)
	}
	return failure(jobv1.Failure_ALGORITHM,
		"The device and NetRaven have no %s in common; the device offers %s.", what(e), offered)
}

// forgotten returns those of the device's algorithms that the switch would allow.
func forgotten(e *ssh.AlgorithmNegotiationError) []string {
	old := slices.Concat(ssh.InsecureAlgorithms().KeyExchanges, ssh.InsecureAlgorithms().Ciphers, ssh.InsecureAlgorithms().MACs,
		[]string{ssh.KeyAlgoRSA, ssh.InsecureKeyAlgoDSA})
	var out []string
	for _, a := range e.RequestedAlgorithms {
		if slices.Contains(old, a) {
			out = append(out, a)
		}
	}
	return out
}

func what(e *ssh.AlgorithmNegotiationError) string {
	switch {
	case strings.HasSuffix(e.What, "cipher"):
		return "encryption"
	case strings.HasSuffix(e.What, "MAC"):
		return "integrity"
	}
	return e.What
}

// fingerprint is a key as people compare it.
func fingerprint(k ssh.PublicKey) string {
	return fmt.Sprintf("%s %s", k.Type(), ssh.FingerprintSHA256(k))
}
