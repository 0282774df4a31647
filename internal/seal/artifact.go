package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// ErrTooLarge is returned when an original is larger than the caller allows; nothing beyond the limit is kept in memory.
var ErrTooLarge = errors.New("the original is larger than allowed")

// ArtifactAAD names what a sealed original is: it opens as nothing else.
type ArtifactAAD struct {
	DeviceID string
	Artifact string
	TaskID   string
	Fence    int64
}

func (a ArtifactAAD) bytes() []byte {
	return []byte(a.DeviceID + "|" + a.Artifact + "|" + a.TaskID + "|" + strconv.FormatInt(a.Fence, 10))
}

// One encoder and one decoder serve all callers: they are safe for concurrent use by EncodeAll and DecodeAll, and making them is expensive.
var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		e, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(2), zstd.WithWindowSize(1<<20),
			zstd.WithSingleSegment(true), zstd.WithZeroFrames(true)) // options are right
		return e
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		// One segment is one window: it must hold the largest original. The caller's limit bounds it before.
		d, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxWindow(256<<20), zstd.WithDecoderMaxMemory(256<<20), zstd.WithDecodeAllCapLimit(true))
		return d
	})
)

// SealArtifact compresses plain (zstd) and closes it under a device's 32 byte key: 12 byte nonce, then AES-256-GCM.
func SealArtifact(key []byte, aad ArtifactAAD, plain []byte) ([]byte, error) {
	aead, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	packed := encoder().EncodeAll(plain, make([]byte, 0, len(plain)/3+64))
	out := make([]byte, aead.NonceSize(), aead.NonceSize()+len(packed)+aead.Overhead())
	if _, err := rand.Read(out); err != nil {
		return nil, err
	}
	return aead.Seal(out, out, packed, aad.bytes()), nil
}

// OpenArtifact is the reverse of SealArtifact. It fails for another key, another name or changed bytes, and with ErrTooLarge when the original has
// more than limit bytes, however small it was packed.
func OpenArtifact(key []byte, aad ArtifactAAD, sealed []byte, limit int) ([]byte, error) {
	aead, err := newGCM(key)
	if err != nil {
		return nil, err
	}
	if len(sealed) < aead.NonceSize() {
		return nil, errors.New("the sealed original is too short")
	}
	packed, err := aead.Open(nil, sealed[:aead.NonceSize()], sealed[aead.NonceSize():], aad.bytes())
	if err != nil {
		return nil, fmt.Errorf("the seal of the original is broken: %w", err)
	}
	return unpack(packed, limit)
}

func unpack(packed []byte, limit int) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(packed); err != nil {
		return nil, err
	}
	if !h.HasFCS { // EncodeAll always says how much it packed
		return nil, errors.New("the packed original does not say its size")
	}
	if h.FrameContentSize > uint64(limit) {
		return nil, ErrTooLarge
	}
	// The capacity is the bound: a frame that lies about its size is an error, not an allocation.
	return decoder().DecodeAll(packed, make([]byte, 0, h.FrameContentSize))
}

func newGCM(key []byte) (cipher.AEAD, error) {
	if len(key) != 32 {
		return nil, fmt.Errorf("a device's key has 32 bytes, this one %d", len(key))
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}
