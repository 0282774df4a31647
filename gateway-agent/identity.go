package agent

import (
	"bytes"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/netraven/netraven/internal/pki"
	"github.com/netraven/netraven/internal/seal"
	"github.com/netraven/netraven/internal/secret"
)

const (
	keyFile  = "agent.key" // Ed25519, proves who the agent is
	sealFile = "seal.key"  // X25519, opens grants
	certFile = "agent.crt" // the certificate and the authority
)

// keys are made here, before anything is asked of anybody, and never leave. An enrolment whose answer was lost is repeated with the same.
type keys struct {
	tls      ed25519.PrivateKey
	seal     secret.Bytes
	sealable []byte // the public half of seal
}

// identity is who the agent is: its keys and what the authority says of them.
type identity struct {
	dir  string
	keys keys

	mu   sync.Mutex
	cert *x509.Certificate // nil: not enrolled
	root *x509.Certificate
	name pki.Agent
}

// openIdentity reads the identity in dir and makes the keys that are missing.
func openIdentity(dir string) (*identity, error) {
	id := &identity{dir: dir}
	if err := id.loadKeys(); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(dir, certFile))
	if errors.Is(err, os.ErrNotExist) {
		return id, nil
	}
	if err != nil {
		return nil, err
	}
	cert, rest := pem.Decode(b)
	root, _ := pem.Decode(rest)
	if cert == nil || root == nil {
		return nil, fmt.Errorf("%s is damaged; join again with an empty data directory", certFile)
	}
	return id, id.set(cert.Bytes, root.Bytes)
}

func (id *identity) loadKeys() error {
	der, err := keptSecret(filepath.Join(id.dir, keyFile), func() ([]byte, error) {
		_, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			return nil, err
		}
		return x509.MarshalPKCS8PrivateKey(key)
	})
	if err != nil {
		return err
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	private, ok := key.(ed25519.PrivateKey)
	if err != nil || !ok {
		return fmt.Errorf("%s is not an Ed25519 key", keyFile)
	}
	// Both halves are kept: only package seal computes one from the other, at birth.
	pair, err := keptSecret(filepath.Join(id.dir, sealFile), func() ([]byte, error) {
		private, public, err := seal.NewAgentKey()
		return append(private, public...), err
	})
	if err != nil {
		return err
	}
	if len(pair) != 64 {
		return fmt.Errorf("%s is not an X25519 key", sealFile)
	}
	id.keys = keys{tls: private, seal: secret.NewBytes(pair[:32]), sealable: pair[32:]}
	return nil
}

// keptSecret reads a file that only its owner may read, or makes it.
func keptSecret(path string, create func() ([]byte, error)) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		b, err := create()
		if err != nil {
			return nil, err
		}
		return b, writeDurable(path, b)
	case err != nil:
		return nil, err
	case info.Mode().Perm()&0o077 != 0:
		return nil, fmt.Errorf("%s can be read by others; chmod 600 it, or join again with an empty data directory", path)
	}
	return os.ReadFile(path)
}

// set takes a certificate and its authority, if they fit the keys.
func (id *identity) set(certDER, rootDER []byte) error {
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return err
	}
	root, err := x509.ParseCertificate(rootDER)
	if err != nil {
		return err
	}
	name, err := pki.ParseAgent(cert)
	if err != nil {
		return err
	}
	key, ok := cert.PublicKey.(ed25519.PublicKey)
	if !ok || !key.Equal(id.keys.tls.Public()) || !bytes.Equal(name.SealKey, id.keys.sealable) || cert.CheckSignatureFrom(root) != nil {
		return errors.New("the certificate does not fit this agent's keys")
	}
	id.mu.Lock()
	defer id.mu.Unlock()
	if id.root != nil && !id.root.Equal(root) {
		return errors.New("the authority is not the pinned one")
	}
	id.cert, id.root, id.name = cert, root, name
	return nil
}

// save takes a new certificate and keeps it on disk.
func (id *identity) save(certDER, rootDER []byte) error {
	if err := id.set(certDER, rootDER); err != nil {
		return err
	}
	b := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certDER})
	b = append(b, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER})...)
	return writeDurable(filepath.Join(id.dir, certFile), b)
}

func (id *identity) enrolled() bool {
	id.mu.Lock()
	defer id.mu.Unlock()
	return id.cert != nil
}

// agent answers the names in the certificate.
func (id *identity) agent() pki.Agent {
	id.mu.Lock()
	defer id.mu.Unlock()
	return id.name
}

// authority is the pinned root.
func (id *identity) authority() *x509.Certificate {
	id.mu.Lock()
	defer id.mu.Unlock()
	return id.root
}

// renewAt is when half the certificate's life is over.
func (id *identity) renewAt() time.Time {
	id.mu.Lock()
	defer id.mu.Unlock()
	return id.cert.NotBefore.Add(id.cert.NotAfter.Sub(id.cert.NotBefore) / 2)
}

// tls is the configuration of the link: the hub must be named by the pinned authority, whatever address was dialled.
func (id *identity) tls(now func() time.Time) *tls.Config {
	id.mu.Lock()
	defer id.mu.Unlock()
	pool := x509.NewCertPool()
	pool.AddCert(id.root)
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ServerName: pki.HubName, RootCAs: pool, Time: now,
		Certificates: []tls.Certificate{{Certificate: [][]byte{id.cert.Raw}, PrivateKey: id.keys.tls}},
	}
}
