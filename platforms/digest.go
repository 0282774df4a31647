package platforms

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// NormalizerVersion names the behaviour of Clean and Unsalt. It grows whenever they may answer
// differently for the same page and text: digests of two versions are never compared.
const NormalizerVersion = 1

// ChangeDigest answers whether an artifact changed without keeping it: HMAC-SHA256, in lower-case
// hexadecimal, under the device's key, over the artifact's name and its cleaned text without salted
// secrets. Two digests may be compared only if their labels (page digest and normalizer version) are
// equal. cleaned is what Clean returned.
func ChangeDigest(key []byte, page *Page, artifact *Artifact, cleaned []byte) (label, digest string) {
	mac := hmac.New(sha256.New, key)
	// The name is bounded and holds no NUL, so name and text cannot be mistaken for each other.
	_, _ = io.WriteString(mac, artifact.Name+"\x00")
	_, _ = mac.Write(page.Unsalt(cleaned))
	return fmt.Sprintf("%s.%d", page.digest, NormalizerVersion), hex.EncodeToString(mac.Sum(nil))
}
