// Package recovery opens devices' data keys with the offline recovery key alone: no server, no database, no key-encryption key.
//
// At its first start vault makes an X25519 pair, leaves the private part in a file for the operator to move away, and keeps the public part. Every
// device's data key is also sealed to it (HPKE: X25519, HKDF-SHA256, AES-256-GCM; the device's id is the additional data). From a data key come
// the key that seals the device's originals and the key of its change digests.
package recovery
