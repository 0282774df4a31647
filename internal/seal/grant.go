// Package seal closes what travels through rooms that may not read it: grants from vault to one agent (HPKE), originals from an agent to gitstore
// (AES-256-GCM under the device's key).
package seal

import (
	"crypto/ecdh"
	"crypto/hpke"
	"crypto/sha256"

	"google.golang.org/protobuf/proto"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

const grantInfo = "netraven grant v1"

func suite() (hpke.KEM, hpke.KDF, hpke.AEAD) {
	return hpke.DHKEM(ecdh.X25519()), hpke.HKDFSHA256(), hpke.AES256GCM()
}

// NewAgentKey makes an X25519 key pair, 32 bytes each.
func NewAgentKey() (private, public []byte, err error) {
	kem, _, _ := suite()
	key, err := kem.GenerateKey()
	if err != nil {
		return nil, nil, err
	}
	private, err = key.Bytes()
	return private, key.PublicKey().Bytes(), err
}

// SealGrant closes a grant to an agent's X25519 public key, for the spec of the hash only.
func SealGrant(agentKey []byte, specHash [sha256.Size]byte, g *vaultv1.Grant) (enc, ciphertext []byte, err error) {
	plain, err := proto.Marshal(g)
	if err != nil {
		return nil, nil, err
	}
	return SealTo(agentKey, []byte(grantInfo), specHash[:], plain)
}

// OpenGrant opens a grant with the agent's private key. It fails for another agent, another spec or changed bytes.
func OpenGrant(private []byte, specHash [sha256.Size]byte, g *vaultv1.SealedGrant) (*vaultv1.Grant, error) {
	plain, err := OpenFrom(private, []byte(grantInfo), specHash[:], g.GetEncapsulatedKey(), g.GetCiphertext())
	if err != nil {
		return nil, err
	}
	grant := &vaultv1.Grant{}
	return grant, proto.Unmarshal(plain, grant)
}

// SealTo closes plain to an X25519 public key (HPKE base mode: X25519, HKDF-SHA256, AES-256-GCM).
func SealTo(public, info, aad, plain []byte) (enc, ciphertext []byte, err error) {
	kem, kdf, aead := suite()
	key, err := kem.NewPublicKey(public)
	if err != nil {
		return nil, nil, err
	}
	enc, sender, err := hpke.NewSender(key, kdf, aead, info)
	if err != nil {
		return nil, nil, err
	}
	ciphertext, err = sender.Seal(aad, plain)
	return enc, ciphertext, err
}

// OpenFrom is the reverse of SealTo.
func OpenFrom(private, info, aad, enc, ciphertext []byte) ([]byte, error) {
	kem, kdf, aead := suite()
	key, err := kem.NewPrivateKey(private)
	if err != nil {
		return nil, err
	}
	recipient, err := hpke.NewRecipient(enc, key, kdf, aead, info)
	if err != nil {
		return nil, err
	}
	return recipient.Open(aad, ciphertext)
}
