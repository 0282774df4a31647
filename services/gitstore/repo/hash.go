package repo

import (
	"crypto/sha1" //nolint:gosec // git's object names are SHA-1
	"encoding/hex"
	"fmt"
	"hash"
	"strconv"
)

// Hash is the name of a git object: the SHA-1 of its header and content. The zero Hash means "none" (an unborn branch, no parent).
type Hash [20]byte

// emptyTree is the folder without entries: what the root becomes when the last file is removed.
var emptyTree = objectHash(kindTree, nil)

// ParseHash reads 40 hexadecimal digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != 2*len(h) {
		return Hash{}, fmt.Errorf("repo: %q is not an object name: want 40 hexadecimal digits", s)
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, fmt.Errorf("repo: %q is not an object name: %w", s, err)
	}
	return h, nil
}

// String is the 40 lower-case hexadecimal digits git prints.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether h names nothing.
func (h Hash) IsZero() bool { return h == Hash{} }

// kind is the type of an object as packs number it.
type kind byte

const (
	kindCommit   kind = 1
	kindTree     kind = 2
	kindBlob     kind = 3
	kindTag      kind = 4
	kindOfsDelta kind = 6
	kindRefDelta kind = 7
)

func (k kind) String() string {
	switch k {
	case kindCommit:
		return "commit"
	case kindTree:
		return "tree"
	case kindBlob:
		return "blob"
	case kindTag:
		return "tag"
	case kindOfsDelta, kindRefDelta:
		return "delta"
	}
	return "kind " + strconv.Itoa(int(k))
}

// objectHash names an object of kind k with this content.
func objectHash(k kind, content []byte) Hash {
	h := sha1.New() //nolint:gosec // see import
	return sumObject(h, k, content)
}

// sumObject names an object with a hasher of the caller's choice; it resets h first.
func sumObject(h hash.Hash, k kind, content []byte) Hash {
	h.Reset()
	head := make([]byte, 0, 32)
	head = append(head, k.String()...)
	head = append(head, ' ')
	head = strconv.AppendInt(head, int64(len(content)), 10)
	head = append(head, 0)
	h.Write(head)
	h.Write(content)
	var out Hash
	h.Sum(out[:0])
	return out
}

// BlobName is the name that content has as a file.
func BlobName(content []byte) Hash { return objectHash(kindBlob, content) }
