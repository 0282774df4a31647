// Package keyfile holds a key-encryption key in a file that only its owner can read. What it seals (AES-256-GCM) is worth nothing
// without the file: a stolen database dump shows no secret.
package keyfile

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/netraven/netraven/internal/secret"
)

const keySize = 32

// Key seals and opens. Safe for concurrent use.
type Key struct {
	aead cipher.AEAD
	raw  secret.Bytes
}

// New makes a Key of 32 bytes.
func New(key []byte) (*Key, error) {
	if len(key) != keySize {
		return nil, fmt.Errorf("a key-encryption key has %d bytes, this one %d", keySize, len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &Key{aead: aead, raw: secret.NewBytes(key)}, nil
}

// Derive answers 32 bytes that follow from the key and a label, for a use other than sealing. The same label gives the same bytes.
func (k *Key) Derive(label string) ([]byte, error) {
	return hkdf.Key(sha256.New, k.raw.Reveal(), nil, label, keySize)
}

// Open reads the key of a file (64 hex digits), or makes the file with a random key, mode 0600, if there is none. A file that group
// or others can read is refused. When several processes start at once, one makes the file and all read it.
func Open(path string) (*Key, error) {
	for range 2 {
		b, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			if err := create(path); err != nil && !errors.Is(err, fs.ErrExist) {
				return nil, err
			}
			continue
		}
		if err != nil {
			return nil, err
		}
		return parse(path, b)
	}
	return nil, fmt.Errorf("%s vanished while it was opened", path)
}

func parse(path string, b []byte) (*Key, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read by others (mode %#o): run chmod 600 %s", path, info.Mode().Perm(), path)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(key) != keySize {
		return nil, fmt.Errorf("%s does not hold a key of %d hex digits; restore it from your backup", path, 2*keySize)
	}
	return New(key)
}

// create writes a whole key under another name and links it into place, so that no reader ever sees half a key.
func create(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	key := make([]byte, keySize)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".key-*") // CreateTemp makes it 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	_, err = tmp.WriteString(hex.EncodeToString(key) + "\n")
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Seal encrypts and authenticates plain and authenticates aad: 12 byte nonce, then ciphertext and tag.
func (k *Key) Seal(plain, aad []byte) ([]byte, error) {
	nonce := make([]byte, k.aead.NonceSize(), k.aead.NonceSize()+len(plain)+k.aead.Overhead())
	if _, err := rand.Read(nonce); err != nil {
		return nil, err
	}
	return k.aead.Seal(nonce, nonce, plain, aad), nil
}

// Open is the reverse of Seal. It fails for another key, another aad or changed bytes.
func (k *Key) Open(sealed, aad []byte) ([]byte, error) {
	n := k.aead.NonceSize()
	if len(sealed) < n {
		return nil, errors.New("sealed value is too short")
	}
	return k.aead.Open(nil, sealed[:n], sealed[n:], aad)
}
