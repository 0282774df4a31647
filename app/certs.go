package app

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/netraven/netraven/internal/pki"
)

const (
	caLife   = 10 * 365 * 24 * time.Hour
	leafLife = 2 * 365 * 24 * time.Hour
)

// InitCerts makes the internal authority and one certificate for each service in dir: ca.crt, ca.key, <service>.crt, <service>.key. It refuses a folder
// that has an authority already: two authorities would not know each other.
func InitCerts(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "ca.key")); err == nil {
		return fmt.Errorf("%s has an authority already; use another folder, or keep using this one", dir)
	}
	caPub, caKey, err := ed25519.GenerateKey(nil)
	if err != nil {
		return err
	}
	ca := &x509.Certificate{Subject: pkix.Name{CommonName: "NetRaven internal authority"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, MaxPathLenZero: true}
	if err := writePair(dir, "ca", ca, ca, caPub, caKey, caKey, caLife); err != nil {
		return err
	}
	for _, name := range ServiceNames() {
		pub, key, err := ed25519.GenerateKey(nil)
		if err != nil {
			return err
		}
		leaf := &x509.Certificate{Subject: pkix.Name{CommonName: "NetRaven " + name}, DNSNames: []string{peerName(name)}, URIs: []*url.URL{pki.ServiceURI(name)},
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
		if err := writePair(dir, name, leaf, ca, pub, key, caKey, leafLife); err != nil {
			return err
		}
	}
	return nil
}

// peerName is the name that a service's certificate proves, whatever address it runs at.
func peerName(service string) string { return service + ".netraven.internal" }

func writePair(dir, name string, tpl, parent *x509.Certificate, pub ed25519.PublicKey, key, signer ed25519.PrivateKey, life time.Duration) error {
	tpl.SerialNumber = big.NewInt(time.Now().UnixNano())
	tpl.NotBefore, tpl.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(life)
	der, err := x509.CreateCertificate(nil, tpl, parent, pub, signer)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(dir, name+".crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644),
		os.WriteFile(filepath.Join(dir, name+".key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), 0o600))
}

// mutualTLS is what the services of this process prove themselves with to services elsewhere.
type mutualTLS struct {
	ca    *x509.CertPool
	certs map[string]*tls.Certificate
}

// loadCerts reads the authority and the certificates of the local services only: a process needs no other's key.
func loadCerts(dir string, services []string) (*mutualTLS, error) {
	pemCA, err := os.ReadFile(filepath.Join(dir, "ca.crt"))
	if err != nil {
		return nil, err
	}
	m := &mutualTLS{ca: x509.NewCertPool(), certs: map[string]*tls.Certificate{}}
	if !m.ca.AppendCertsFromPEM(pemCA) {
		return nil, fmt.Errorf("%s holds no certificate", filepath.Join(dir, "ca.crt"))
	}
	for _, name := range services {
		cert, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".crt"), filepath.Join(dir, name+".key"))
		if err != nil {
			return nil, err
		}
		m.certs[name] = &cert
	}
	return m, nil
}

// server shows the certificate of the service that was asked for, and takes only callers that the authority knows.
func (m *mutualTLS) server() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: m.ca,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			for name, cert := range m.certs {
				if hello.ServerName == peerName(name) {
					return cert, nil
				}
			}
			return nil, fmt.Errorf("no such service here: %q", hello.ServerName)
		},
	}
}

// client proves to be `from` and expects `to`.
func (m *mutualTLS) client(from, to string) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS13, RootCAs: m.ca, ServerName: peerName(to), Certificates: []tls.Certificate{*m.certs[from]}}
}
