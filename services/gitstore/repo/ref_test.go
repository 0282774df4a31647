package repo

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSetHeadComparesAndMayBeRepeated(t *testing.T) {
	r := open(t, Options{})
	a := store(t, r, put("x", "1"))
	b, err := r.Prepare(t.Context(), a.Head, []Change{put("x", "2")})
	require.NoError(t, err)
	require.NoError(t, r.SetHead(a.Head, b.Head))
	require.NoError(t, r.SetHead(a.Head, b.Head), "again")
	other, err := r.Prepare(t.Context(), a.Head, []Change{put("x", "3")})
	require.NoError(t, err)
	require.ErrorIs(t, r.SetHead(a.Head, other.Head), ErrHeadMoved)
	require.ErrorIs(t, r.SetHead(b.Head, other.Head), ErrDiverged)
	require.ErrorIs(t, r.SetHead(b.Head, a.Head), ErrDiverged, "never back")
	require.ErrorIs(t, r.SetHead(b.Head, Hash{7}), ErrNotFound)
	require.NoFileExists(t, filepath.Join(r.Dir(), "refs", "heads", "main.lock"))
	head, err := r.Head()
	require.NoError(t, err)
	require.Equal(t, b.Head, head)
}

// FAILURES 11 and 95 from this side: the database decides, the ref follows, and it never moves back.
func TestAdvanceTo(t *testing.T) {
	r := open(t, Options{})
	require.NoError(t, r.AdvanceTo(t.Context(), Hash{}))
	a, err := r.Prepare(t.Context(), Hash{}, []Change{put("x", "1"), put("x", "2")})
	require.NoError(t, err)
	b, err := r.Prepare(t.Context(), a.Head, []Change{put("x", "3")})
	require.NoError(t, err)
	side, err := r.Prepare(t.Context(), a.Commits[0].Commit, []Change{put("x", "4")})
	require.NoError(t, err)

	again, err := Open(r.Dir(), Options{}) // a new process knows nothing of the batches
	require.NoError(t, err)
	require.NoError(t, again.AdvanceTo(t.Context(), a.Head))
	require.NoError(t, again.AdvanceTo(t.Context(), b.Head))
	require.NoError(t, again.AdvanceTo(t.Context(), b.Head))
	require.ErrorIs(t, again.AdvanceTo(t.Context(), a.Head), ErrAhead)
	require.ErrorIs(t, again.AdvanceTo(t.Context(), Hash{}), ErrAhead)
	require.ErrorIs(t, again.AdvanceTo(t.Context(), side.Head), ErrDiverged)
	require.ErrorIs(t, again.AdvanceTo(t.Context(), Hash{1}), ErrNotFound)
	head, err := again.Head()
	require.NoError(t, err)
	require.Equal(t, b.Head, head)
	require.NoError(t, again.Close())
}

func TestALockLeftByADeadProcessIsTakenOver(t *testing.T) {
	r := open(t, Options{})
	a := store(t, r, put("x", "1"))
	lock := filepath.Join(r.Dir(), "refs", "heads", "main.lock")
	require.NoError(t, os.WriteFile(lock, nil, 0o600))
	b, err := r.Prepare(t.Context(), a.Head, []Change{put("x", "2")})
	require.NoError(t, err)
	require.NoError(t, r.SetHead(a.Head, b.Head))
	require.NoFileExists(t, lock)
}

func TestABrokenRefIsSaidSo(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "b.git")
	r, err := Open(dir, Options{})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "refs", "heads", "main"), nil, 0o600))
	_, err = r.Head()
	require.ErrorIs(t, err, ErrCorrupt)
	require.NoError(t, r.Close())
}

// What names nothing tells nobody anything: the database's head counts, as where the file is gone.
func TestABrokenRefIsWrittenAnew(t *testing.T) {
	for name, packed := range map[string]bool{"loose": false, "packed": true} {
		for _, text := range []string{"", "garbage\n", "\x00\x00\x00"} {
			t.Run(name, func(t *testing.T) {
				r := open(t, Options{})
				a := store(t, r, put("x", "1"))
				if packed {
					git(t, r.Dir(), "pack-refs", "--all")
				}
				require.NoError(t, os.WriteFile(filepath.Join(r.Dir(), "refs", "heads", "main"), []byte(text), 0o600))
				require.ErrorIs(t, r.AdvanceTo(t.Context(), Hash{1}), ErrNotFound)
				require.NoError(t, r.AdvanceTo(t.Context(), a.Head))
				require.Equal(t, a.Head.String()+"\n", git(t, r.Dir(), "rev-parse", "main"))
				store(t, r, put("x", "2"))
				healthy(t, r.Dir())
			})
		}
	}
}
