// Package mirror is the second place of a history: a folder or a bucket of immutable objects, and one signed manifest that says which of them count. It knows no
// RPC, no database and no git.
//
//	packs/<repository>/pack-<name>.pack   a git pack, complete in itself
//	originals/<sha256>.seg                sealed originals, as frames: 4 bytes length (big endian), then a serialized gitstore.v1.MirroredOriginal
//	manifest                              "netraven-mirror-v1 <public key> <signature>\n", then JSON
//
// Objects are written before the manifest that names them, and taken away only when the two newest manifests do not. Whoever reads the manifest can so read all of it, and
// whoever was killed between leaves objects that nobody names.
//
// The signature (Ed25519) is that of the installation: its key comes from a key file of the data folder, so a mirror cannot be changed by who merely can write to it,
// and every object is checked against the SHA-256 that the manifest has of it. What is in a mirror is masked or sealed.
package mirror
