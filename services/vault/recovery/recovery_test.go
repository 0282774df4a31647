package recovery_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/internal/seal"
	"github.com/netraven/netraven/internal/secret"
	"github.com/netraven/netraven/services/vault/recovery"
)

func random() ([]byte, error) {
	private, _, err := seal.NewAgentKey()
	return private, err
}

func TestADataKeyIsOpenedWithTheFileAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "recovery-key")
	key, created, err := recovery.ReadOrCreate(path, random)
	require.NoError(t, err)
	require.True(t, created)
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	public, err := key.Public()
	require.NoError(t, err)
	plain := bytes.Repeat([]byte{3}, 32)
	wrapped, err := recovery.Wrap(public, "d1", recovery.DataKey{Bytes: secret.NewBytes(plain)})
	require.NoError(t, err)

	text, err := os.ReadFile(path)
	require.NoError(t, err)
	printed, err := recovery.Parse(bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))) // typed in again from paper
	require.NoError(t, err)
	opened, err := printed.Unwrap("d1", wrapped)
	require.NoError(t, err)
	require.Equal(t, plain, opened.Reveal())
	sealKey, err := opened.SealKey()
	require.NoError(t, err)
	digestKey, err := opened.DigestKey()
	require.NoError(t, err)
	require.Len(t, sealKey, 32)
	require.NotEqual(t, sealKey, digestKey)

	_, err = printed.Unwrap("d2", wrapped)
	require.Error(t, err)
	_, err = printed.Unwrap("d1", wrapped[:20])
	require.Error(t, err)
	require.NotContains(t, fmt.Sprintf("%v %+v %#v", printed, opened, opened), hex.EncodeToString(plain))

	again, created, err := recovery.ReadOrCreate(path, random)
	require.NoError(t, err)
	require.False(t, created, "a key that is there stays")
	samePublic, err := again.Public()
	require.NoError(t, err)
	require.Equal(t, public, samePublic)
}

func TestAFileThatIsNoKeyIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "recovery-key")
	require.NoError(t, os.WriteFile(path, []byte("netraven-recovery-v1:zz\n"), 0o600))
	_, _, err := recovery.ReadOrCreate(path, random)
	require.ErrorContains(t, err, "move it away")
}

// The derived keys are what old originals are sealed with: they must never change.
func TestDerivedKeysAreFixed(t *testing.T) {
	key := recovery.DataKey{Bytes: secret.NewBytes(bytes.Repeat([]byte{1}, 32))}
	sealKey, err := key.SealKey()
	require.NoError(t, err)
	digestKey, err := key.DigestKey()
	require.NoError(t, err)
	require.Equal(t, "5d607b49e03e43c294ec77d8c08ed857428f0df0dc47a28520b94ea30e45aa19", hex.EncodeToString(sealKey))
	require.Equal(t, "7b718631e827ed06a4d247b4eba2f041032c159d8bfe26d18cfe7349df8625d2", hex.EncodeToString(digestKey))
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("# text\nnetraven-recovery-v1:" + hex.EncodeToString(bytes.Repeat([]byte{1}, 32)) + "\n"))
	f.Add([]byte("netraven-recovery-v1:\n\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		key, err := recovery.Parse(text)
		if err != nil {
			return
		}
		if public, err := key.Public(); err != nil || len(public) != 32 {
			t.Fatalf("a key that is none: %v", err)
		}
	})
}
