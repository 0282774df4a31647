package keyfile_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/internal/keyfile"
)

func TestProcessesThatStartAtOnceShareOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "kek")
	keys := make([]*keyfile.Key, 8)
	var wg sync.WaitGroup
	for i := range keys {
		wg.Go(func() {
			k, err := keyfile.Open(path)
			if err == nil {
				keys[i] = k
			}
		})
	}
	wg.Wait()
	sealed, err := keys[0].Seal([]byte("x"), []byte("aad"))
	require.NoError(t, err)
	for _, k := range keys {
		plain, err := k.Open(sealed, []byte("aad"))
		require.NoError(t, err)
		require.Equal(t, "x", string(plain))
	}
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".key-*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestRefusals(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek")
	k, err := keyfile.Open(path)
	require.NoError(t, err)
	sealed, err := k.Seal([]byte("x"), []byte("a"))
	require.NoError(t, err)

	_, err = k.Open(sealed, []byte("b"))
	require.Error(t, err, "other aad")
	_, err = k.Open(sealed[:4], nil)
	require.Error(t, err, "too short")

	require.NoError(t, os.Chmod(path, 0o644))
	_, err = keyfile.Open(path)
	require.ErrorContains(t, err, "chmod 600")

	require.NoError(t, os.WriteFile(path, []byte("short"), 0o600))
	require.NoError(t, os.Chmod(path, 0o600))
	_, err = keyfile.Open(path)
	require.ErrorContains(t, err, "restore it")
}

func TestDerivedKeysFollowFromKeyAndLabel(t *testing.T) {
	derive := func(file, label string) string {
		k, err := keyfile.Open(file)
		require.NoError(t, err)
		b, err := k.Derive(label)
		require.NoError(t, err)
		require.Len(t, b, 32)
		return string(b)
	}
	one, other := filepath.Join(t.TempDir(), "one"), filepath.Join(t.TempDir(), "other")
	first := derive(one, "a")
	require.Equal(t, first, derive(one, "a"), "also when the file is opened again")
	require.NotEqual(t, first, derive(one, "b"))
	require.NotEqual(t, first, derive(other, "a"))
}
