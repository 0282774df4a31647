package seal_test

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/seal"
)

func TestAGrantOpensOnlyForItsAgentAndSpec(t *testing.T) {
	priv, pub, err := seal.NewAgentKey()
	require.NoError(t, err)
	otherPriv, _, err := seal.NewAgentKey()
	require.NoError(t, err)
	hash := sha256.Sum256([]byte("spec"))
	want := &vaultv1.Grant{SealKey: []byte("k"), Credentials: []*vaultv1.GrantedCredential{{Name: "c", Password: "hunter2"}}}
	enc, ct, err := seal.SealGrant(pub, hash, want)
	require.NoError(t, err)
	require.NotContains(t, string(ct), "hunter2")

	g := &vaultv1.SealedGrant{EncapsulatedKey: enc, Ciphertext: ct}
	got, err := seal.OpenGrant(priv, hash, g)
	require.NoError(t, err)
	require.True(t, proto.Equal(want, got))

	_, err = seal.OpenGrant(otherPriv, hash, g)
	require.Error(t, err, "another agent")
	_, err = seal.OpenGrant(priv, sha256.Sum256([]byte("other")), g)
	require.Error(t, err, "another spec")
	ct[0] ^= 1
	_, err = seal.OpenGrant(priv, hash, g)
	require.Error(t, err, "changed bytes")
}

func TestAnOriginalOpensOnlyAsWhatItIs(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	aad := seal.ArtifactAAD{DeviceID: "d", Artifact: "running.cfg", TaskID: "t", Fence: 1}
	for _, plain := range [][]byte{{}, []byte("hostname r1\n"), bytes.Repeat([]byte("interface x\n"), 100_000), bytes.Repeat([]byte("interface x\n"), 1_000_000)} {
		sealed, err := seal.SealArtifact(key, aad, plain)
		require.NoError(t, err)
		got, err := seal.OpenArtifact(key, aad, sealed, len(plain))
		require.NoError(t, err)
		require.True(t, bytes.Equal(plain, got))
		other := aad
		other.DeviceID = "e"
		_, err = seal.OpenArtifact(key, other, sealed, len(plain))
		require.Error(t, err)
		if len(plain) > 0 {
			_, err = seal.OpenArtifact(key, aad, sealed, len(plain)-1)
			require.ErrorIs(t, err, seal.ErrTooLarge)
		}
	}
	_, err := seal.OpenArtifact(key, aad, []byte("x"), 10)
	require.Error(t, err)
}

// A frame that packs more than it says is refused without room for more than it said.
func TestAFrameThatLiesAboutItsSizeIsRefused(t *testing.T) {
	enc, err := zstd.NewWriter(nil, zstd.WithSingleSegment(true))
	require.NoError(t, err)
	honest := enc.EncodeAll(bytes.Repeat([]byte{0}, 200), nil)
	require.EqualValues(t, 200, honest[5], "the one-byte content size of a small frame")
	honest[5] = 100
	key := bytes.Repeat([]byte{7}, 32)
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)
	nonce := make([]byte, gcm.NonceSize())
	sealed := gcm.Seal(nonce, nonce, honest, []byte("d|a|t|1"))
	_, err = seal.OpenArtifact(key, seal.ArtifactAAD{DeviceID: "d", Artifact: "a", TaskID: "t", Fence: 1}, sealed, 1000)
	require.Error(t, err)
}
