package remote

import (
	"errors"

	"golang.org/x/crypto/ssh"

	"github.com/netraven/netraven/internal/secret"
)

// What can be wrong with a private key. The parser's own words are not passed on: they may quote the key.
var (
	ErrKeyForm    = errors.New("not a private key in PEM or OpenSSH form")
	ErrKeyLocked  = errors.New("the private key is encrypted: give its passphrase")
	ErrPassphrase = errors.New("the passphrase does not open the private key")
)

// ParseKey opens a private key. Errors: ErrKeyForm, ErrKeyLocked, ErrPassphrase.
func ParseKey(private, passphrase secret.String) (ssh.Signer, error) {
	pem := []byte(private.Reveal())
	signer, err := ssh.ParsePrivateKey(pem)
	if err == nil {
		return signer, nil
	}
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); !locked {
		return nil, ErrKeyForm
	}
	if passphrase.Empty() {
		return nil, ErrKeyLocked
	}
	if signer, err = ssh.ParsePrivateKeyWithPassphrase(pem, []byte(passphrase.Reveal())); err != nil {
		return nil, ErrPassphrase
	}
	return signer, nil
}
