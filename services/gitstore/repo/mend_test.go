package repo

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// harmed makes a repository of two packs, keeps a copy of the first, and lets harm at its file.
func harmed(t *testing.T, ext string, harm func(b []byte) []byte) (r *Repo, b *Batch, pack, copied string) {
	t.Helper()
	r = open(t, Options{})
	first := store(t, r, put("s/a", strings.Repeat("config\n", 1000)))
	store(t, r, put("s/a", "another\n"))
	pack = packName(first.Pack) + ".pack"
	copied = filepath.Join(t.TempDir(), pack)
	whole, err := os.ReadFile(filepath.Join(r.packDir(), pack))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(copied, whole, 0o600))
	file := strings.TrimSuffix(filepath.Join(r.packDir(), pack), ".pack") + ext
	bytes, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(file, 0o600))
	require.NoError(t, os.WriteFile(file, harm(bytes), 0o600))
	return r, first, pack, copied
}

func from(file string) func(context.Context, string) error {
	return func(_ context.Context, to string) error {
		b, err := os.ReadFile(file) //nolint:gosec // the test's own
		if err != nil {
			return err
		}
		return os.WriteFile(to, b, 0o600)
	}
}

func check(t *testing.T, r *Repo, pack string) error {
	t.Helper()
	last := 0
	return r.CheckPack(t.Context(), pack, 0, func(object, _ int) error {
		require.GreaterOrEqual(t, object, last)
		last = object
		return nil
	})
}

// Whatever byte of a pack or its index changes, the check says so and names the pack.
func TestACheckFindsEveryWrongByte(t *testing.T) {
	r := open(t, Options{})
	b := store(t, r, put("s/a", "one\n"))
	pack := packName(b.Pack) + ".pack"
	require.NoError(t, check(t, r, pack))
	require.ErrorIs(t, check(t, r, "pack-"+strings.Repeat("0", 40)+".pack"), fs.ErrNotExist)
	for _, ext := range []string{".pack", ".idx"} {
		file := strings.TrimSuffix(filepath.Join(r.packDir(), pack), ".pack") + ext
		whole, err := os.ReadFile(file)
		require.NoError(t, err)
		require.NoError(t, os.Chmod(file, 0o600))
		for at := range whole {
			bad := append([]byte(nil), whole...)
			bad[at] ^= 0x10
			require.NoError(t, os.WriteFile(file, bad, 0o600))
			var damage *DamageError
			require.ErrorAs(t, check(t, r, pack), &damage, "%s byte %d", ext, at)
			require.Equal(t, pack, damage.Pack)
			require.ErrorIs(t, damage, ErrCorrupt)
		}
		require.NoError(t, os.WriteFile(file, whole, 0o600))
	}
	require.NoError(t, check(t, r, pack))
}

func TestADamagedPackIsReplaced(t *testing.T) {
	for name, harm := range map[string]func(b []byte) []byte{
		"a byte":    func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
		"cut short": func(b []byte) []byte { return b[:len(b)/2] },
		"emptied":   func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			r, b, pack, copied := harmed(t, ".pack", harm)
			blob := b.Commits[0].Blobs[0]
			require.NoError(t, r.packs.reopen(pack)) // as a start finds it
			_, err := r.Blob(t.Context(), blob)
			var damage *DamageError
			if err != nil { // the changed byte may be one of another object
				require.ErrorAs(t, err, &damage)
				require.Equal(t, pack, damage.Pack)
			}
			require.ErrorIs(t, r.ReplacePack(t.Context(), pack, r.CopyPack(pack)), ErrCorrupt, "its own bytes are no help")
			require.ErrorIs(t, r.ReplacePack(t.Context(), pack, from(filepath.Join(r.dir, "HEAD"))), ErrCorrupt)
			require.NoError(t, r.ReplacePack(t.Context(), pack, from(copied)))
			require.NoError(t, check(t, r, pack))
			require.Empty(t, r.Damaged())
			data, err := r.Blob(t.Context(), blob)
			require.NoError(t, err)
			require.Len(t, data, 7000)
			require.FileExists(t, filepath.Join(r.dir, "damaged", pack+".bad"))
			require.NoDirExists(t, filepath.Join(r.dir, "mending"))
			healthy(t, r.dir)
		})
	}
}

func TestADamagedIndexIsMadeAgainFromItsPack(t *testing.T) {
	r, b, pack, _ := harmed(t, ".idx", func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	require.NoError(t, r.Close())
	r, err := Open(r.dir, Options{})
	require.NoError(t, err)
	require.Contains(t, r.Damaged(), pack)
	_, err = r.Blob(t.Context(), b.Commits[0].Blobs[0])
	require.ErrorIs(t, err, ErrCorrupt)
	require.ErrorContains(t, err, pack)
	require.NoError(t, r.ReplacePack(t.Context(), pack, r.CopyPack(pack)))
	_, err = r.Blob(t.Context(), b.Commits[0].Blobs[0])
	require.NoError(t, err)
	healthy(t, r.dir)
	require.NoError(t, r.Close())
}

// A pack whose files are gone is named, until it is back.
func TestALostPackIsNamed(t *testing.T) {
	r, b, pack, copied := harmed(t, ".pack", func(b []byte) []byte { return b })
	require.NoError(t, r.removePack(strings.TrimSuffix(filepath.Join(r.packDir(), pack), ".pack")))
	require.NoError(t, r.packs.scan())
	require.ErrorContains(t, r.Damaged()[pack], "is gone")
	_, err := r.Blob(t.Context(), b.Commits[0].Blobs[0])
	require.ErrorIs(t, err, ErrCorrupt)
	require.NoError(t, r.packs.scan())
	require.Contains(t, r.Damaged(), pack, "until it is back")
	require.ErrorIs(t, r.Connected(t.Context(), b.Head), ErrCorrupt)
	require.NoError(t, r.ReplacePack(t.Context(), pack, from(copied)))
	require.Empty(t, r.Damaged())
	require.NoError(t, r.Connected(t.Context(), b.Head))
	_, err = r.Blob(t.Context(), b.Commits[0].Blobs[0])
	require.NoError(t, err)
}

// A pack that is in other packs too is only taken away; one that is not stays, for what is left of it.
func TestADamagedPackThatOthersCoverIsSetAside(t *testing.T) {
	r, b, pack, _ := harmed(t, ".pack", func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
	require.ErrorIs(t, r.SetAside(pack), ErrCorrupt)
	require.FileExists(t, filepath.Join(r.packDir(), pack))
	again := store(t, open(t, Options{}), put("s/a", strings.Repeat("config\n", 1000)))
	require.Equal(t, b.Head, again.Head)
	whole := open(t, Options{})
	store(t, whole, put("s/a", strings.Repeat("config\n", 1000)))
	store(t, whole, put("s/a", "another\n"))
	_, err := whole.Repack(t.Context())
	require.NoError(t, err)
	git(t, whole.dir, "repack", "-a", "-d", "-q")
	files, err := whole.PackFiles()
	require.NoError(t, err)
	require.Len(t, files, 1)
	require.NoError(t, r.ReplacePack(t.Context(), filepath.Base(files[0]), from(files[0])), "a pack that was not there is only added")
	require.NoError(t, r.SetAside(pack))
	require.NoFileExists(t, filepath.Join(r.packDir(), pack))
	require.FileExists(t, filepath.Join(r.dir, "damaged", pack+".bad"))
	_, err = r.Blob(t.Context(), b.Commits[0].Blobs[0])
	require.NoError(t, err)
	healthy(t, r.dir)
}
