package repo

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Somebody runs gc by hand while we hold the repository open: we go on reading and writing.
func TestGarbageCollectionUnderneath(t *testing.T) {
	r := open(t, Options{})
	var want [][]byte
	var blobs []Hash
	for i := range 30 {
		content := bytes.Repeat([]byte("interface Ethernet\n"), i+50)
		b := store(t, r, put("s/d/running.cfg", string(content)))
		want, blobs = append(want, content), append(blobs, b.Commits[0].Blobs[0])
	}
	git(t, r.Dir(), "-c", "repack.useDeltaBaseOffset=false", "gc", "-q", "--prune=now") // REF_DELTA, packed refs
	require.NoFileExists(t, filepath.Join(r.Dir(), filepath.FromSlash(Branch)))
	for i, h := range blobs {
		got, err := r.Blob(t.Context(), h)
		require.NoError(t, err)
		require.Equal(t, want[i], got)
	}
	require.Empty(t, r.Damaged(), "what gc folded is not lost")
	b := store(t, r, put("s/d/running.cfg", "after gc"))
	require.Equal(t, b.Head.String()+"\n", git(t, r.Dir(), "rev-parse", "main"))

	loose := strings.TrimSpace(func() string {
		cmd := exec.Command("git", "hash-object", "-w", "--stdin")
		cmd.Dir, cmd.Env, cmd.Stdin = r.Dir(), gitEnv(), strings.NewReader("loose")
		out, err := cmd.Output()
		require.NoError(t, err)
		return string(out)
	}())
	h, err := ParseHash(loose)
	require.NoError(t, err)
	data, err := r.Blob(t.Context(), h)
	require.NoError(t, err)
	require.Equal(t, "loose", string(data))
}

func TestDamageIsFoundAndNamed(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d.git")
	r, err := Open(dir, Options{})
	require.NoError(t, err)
	b := store(t, r, put("s/a", strings.Repeat("config\n", 1000)))
	require.NoError(t, r.Close())
	name := filepath.Join(r.packDir(), packName(b.Pack)+".pack")
	whole, err := os.ReadFile(name)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(name, 0o600))
	for at := 12; at < len(whole); at++ {
		bad := bytes.Clone(whole)
		bad[at] ^= 0x41
		require.NoError(t, os.WriteFile(name, bad, 0o600))
		r, err := Open(dir, Options{})
		require.NoError(t, err)
		if data, err := r.Blob(t.Context(), b.Commits[0].Blobs[0]); err == nil {
			require.Len(t, data, 7000, "a wrong byte elsewhere")
		} else {
			require.True(t, errors.Is(err, ErrCorrupt) || len(r.Damaged()) > 0, "%d: %v", at, err)
		}
		require.NoError(t, r.Close())
	}
	require.NoError(t, os.WriteFile(name, whole[:len(whole)/2], 0o600))
	r, err = Open(dir, Options{})
	require.NoError(t, err)
	require.Contains(t, r.Damaged(), packName(b.Pack)+".pack")
	require.ErrorIs(t, r.Verify(t.Context()), ErrCorrupt)
	require.NoError(t, r.Close())
}
