package platforms

import (
	"crypto/sha256"
	"encoding/hex"
)

// testTag is a tag as an installation makes it, with the empty key.
func testTag(secret []byte) string {
	sum := sha256.Sum256(secret)
	return hex.EncodeToString(sum[:6])
}
