package lab

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"sync"

	"golang.org/x/crypto/ssh"
)

const rsaBits = 2048

// hostKeys holds the keys of one device. The ed25519 key follows from seed,
// name and generation; RSA keys cannot be made from a seed and are made when
// first needed, because each costs a tenth of a second.
type hostKeys struct {
	mu         sync.Mutex
	seed       uint64
	name       string
	generation int
	ed, rsa    ssh.Signer
}

func (k *hostKeys) rotate() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.generation++
	k.ed, k.rsa = nil, nil
}

func (k *hostKeys) ed25519() (ssh.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ed != nil {
		return k.ed, nil
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "netraven-lab host key %d %s %d", k.seed, k.name, k.generation))
	s, err := ssh.NewSignerFromKey(ed25519.NewKeyFromSeed(sum[:]))
	if err != nil {
		return nil, err
	}
	k.ed = s
	return s, nil
}

func (k *hostKeys) rsaSigner() (ssh.Signer, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rsa != nil {
		return k.rsa, nil
	}
	key, err := rsa.GenerateKey(rand.Reader, rsaBits)
	if err != nil {
		return nil, err
	}
	if k.rsa, err = ssh.NewSignerFromKey(key); err != nil {
		return nil, err
	}
	return k.rsa, nil
}

// legacyRSA is the RSA key limited to SHA-1 signatures.
func (k *hostKeys) legacyRSA() (ssh.Signer, error) {
	s, err := k.rsaSigner()
	if err != nil {
		return nil, err
	}
	as, ok := s.(ssh.AlgorithmSigner)
	if !ok {
		return nil, fmt.Errorf("host key of %s cannot choose its algorithm", k.name)
	}
	return ssh.NewSignerWithAlgorithms(as, []string{ssh.KeyAlgoRSA})
}
