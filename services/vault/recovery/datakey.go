package recovery

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"

	"github.com/netraven/netraven/internal/seal"
	"github.com/netraven/netraven/internal/secret"
)

const (
	info    = "netraven recovery v1"
	encSize = 32
	keySize = 32

	sealLabel   = "netraven seal key v1"
	digestLabel = "netraven digest key v1"
)

// DataKey is a device's data key. It prints as ***.
type DataKey struct{ secret.Bytes }

// Wrap seals a device's data key to the public part of the recovery key: 32 bytes encapsulated key, then the ciphertext.
func Wrap(public []byte, deviceID string, key DataKey) ([]byte, error) {
	enc, ciphertext, err := seal.SealTo(public, []byte(info), []byte(deviceID), key.Reveal())
	return append(enc, ciphertext...), err
}

// Unwrap opens a data key that Wrap sealed. It fails for another recovery key, another device or changed bytes.
func (k Key) Unwrap(deviceID string, wrapped []byte) (DataKey, error) {
	if len(wrapped) < encSize {
		return DataKey{}, errors.New("a wrapped data key is too short")
	}
	plain, err := seal.OpenFrom(k.private.Reveal(), []byte(info), []byte(deviceID), wrapped[:encSize], wrapped[encSize:])
	if err != nil {
		return DataKey{}, errors.New("the recovery key does not open this device's data key: is it this installation's?")
	}
	return DataKey{secret.NewBytes(plain)}, nil
}

// SealKey is the AES-256 key of the device's originals.
func (k DataKey) SealKey() ([]byte, error) { return k.derive(sealLabel) }

// DigestKey is the HMAC-SHA256 key of the device's change digests.
func (k DataKey) DigestKey() ([]byte, error) { return k.derive(digestLabel) }

func (k DataKey) derive(label string) ([]byte, error) {
	return hkdf.Key(sha256.New, k.Reveal(), nil, label, keySize)
}
