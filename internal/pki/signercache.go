package pki

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"sync"
	"time"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
)

// maxSigners bounds the memory: there is one signer a replica and day.
const maxSigners = 256

// signers remembers certificates whose chain was checked: a spec or a grant comes with its signer's certificate, always the same one, and checking it costs
// more than checking the signature. Times are checked at each use.
var signers = struct {
	sync.RWMutex
	known map[signerID]signer
}{known: map[signerID]signer{}}

type signerID struct {
	root, cert [sha256.Size]byte
	purpose    authv1.IssueCertificateRequest_Purpose
}

type signer struct {
	key                 ed25519.PublicKey
	notBefore, notAfter time.Time
}

// verifySigner answers the key of a certificate that root issued for the purpose and that is valid now.
func verifySigner(root *x509.Certificate, der []byte, purpose authv1.IssueCertificateRequest_Purpose, now time.Time) (ed25519.PublicKey, error) {
	id := signerID{root: sha256.Sum256(root.Raw), cert: sha256.Sum256(der), purpose: purpose}
	signers.RLock()
	s, ok := signers.known[id]
	signers.RUnlock()
	if ok && !now.Before(s.notBefore) && !now.After(s.notAfter) {
		return s.key, nil
	}
	s, err := checkSigner(root, der, purpose, now)
	if err != nil {
		return nil, err
	}
	signers.Lock()
	defer signers.Unlock()
	if len(signers.known) >= maxSigners {
		clear(signers.known)
	}
	signers.known[id] = s
	return s.key, nil
}
