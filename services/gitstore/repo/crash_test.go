package repo

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// FAILURES 12, and with it 9-11: the power fails after every single step of a repository's making, three groups and their refs. What comes back opens,
// git accepts it, everything the "database" was told is there, and the work goes on.
func Test12PowerFailureAtEveryStep(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "configs.git")
	disk := newCrashFS()
	r, err := Open(dir, Options{FS: disk})
	require.NoError(t, err)
	type promise struct {
		steps int // done when the database was told
		head  Hash
	}
	told := []promise{{}}
	for i, content := range []string{"one", "two", "three"} {
		b, err := r.Prepare(t.Context(), told[i].head, []Change{put("s/d/a", content), put("s/e/a", content)})
		require.NoError(t, err)
		told = append(told, promise{len(disk.steps), b.Head})
		require.NoError(t, r.SetHead(told[i].head, b.Head))
	}
	require.NoError(t, r.Close())
	rnd := rand.New(rand.NewPCG(1, 2))
	seen := map[string]bool{} // many failures leave the same disk
	for n := range len(disk.steps) + 1 {
		database := told[0].head
		for _, p := range told {
			if p.steps <= n {
				database = p.head
			}
		}
		for _, chance := range []float64{0, 0.5, 1} {
			after := filepath.Join(t.TempDir(), "after.git")
			disk.after(t, n, dir, after, chance, rnd)
			if state := database.String() + contents(t, after); !seen[state] {
				seen[state] = true
				comesBack(t, after, database)
			}
		}
	}
}

// contents says what is in a folder, for telling states apart.
func contents(t *testing.T, dir string) string {
	t.Helper()
	var out strings.Builder
	if _, err := os.Stat(dir); err != nil {
		return ""
	}
	require.NoError(t, filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		out.WriteString(strings.TrimPrefix(name, dir))
		if !d.IsDir() {
			out.WriteString(" " + strconv.FormatInt(info.Size(), 10))
		}
		out.WriteByte(10)
		return err
	}))
	return out.String()
}

// comesBack is a start after the failure: open, move the ref to the database's head, store something, and let git judge.
func comesBack(t *testing.T, dir string, database Hash) {
	t.Helper()
	r, err := Open(dir, Options{FS: newCrashFS()})
	require.NoError(t, err)
	require.Empty(t, r.Damaged())
	require.NoError(t, r.AdvanceTo(t.Context(), database))
	b, err := r.Prepare(t.Context(), database, []Change{put("s/d/a", "after"), put("s/d/a", "two"), put("s/f/a", "after")})
	require.NoError(t, err)
	require.NoError(t, r.SetHead(database, b.Head))
	require.NoError(t, r.Close())
	healthy(t, dir)
	require.Equal(t, "after", git(t, dir, "show", "main:s/f/a"))
	require.True(t, database.IsZero() || strings.Contains(git(t, dir, "rev-list", "main"), database.String()))
}

// FAILURES 33: the disk is full at every single step. The error says so, nothing half written is used, and with room again the same
// changes go in.
func Test33DiskFullAtEveryStep(t *testing.T) {
	for failAt := 1; ; failAt++ {
		disk := newCrashFS()
		dir := filepath.Join(t.TempDir(), "full.git")
		r, err := Open(dir, Options{FS: disk})
		require.NoError(t, err)
		opened := len(disk.steps)
		a := store(t, r, put("s/d/a", "one"))
		before := len(disk.steps)
		disk.failAt, disk.fail = before+failAt, syscall.ENOSPC
		b, err := r.Prepare(t.Context(), a.Head, []Change{put("s/d/a", strings.Repeat("two\n", 1000))})
		if err == nil {
			err = r.SetHead(a.Head, b.Head)
		}
		if err == nil {
			require.Greater(t, before, opened)
			require.Greater(t, failAt, 10, "the steps were all there")
			require.NoError(t, r.Close())
			return
		}
		require.ErrorIs(t, err, syscall.ENOSPC)
		healthy(t, dir)
		again := store(t, r, put("s/d/a", strings.Repeat("two\n", 1000)))
		require.NoError(t, r.Close())
		healthy(t, dir)
		require.Equal(t, again.Head.String()+"\n", git(t, dir, "rev-parse", "main"))
		left, err := filepath.Glob(filepath.Join(dir, "objects", "pack", tmpPrefix+"*"))
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

// FAILURES 9: a pack nobody was told about stays harmless, and the same changes prepared again are the same commits.
func Test09AStrayPackIsHarmless(t *testing.T) {
	r := open(t, Options{})
	a := store(t, r, put("s/d/a", "one"))
	lost, err := r.Prepare(t.Context(), a.Head, []Change{put("s/d/a", "two")})
	require.NoError(t, err)
	require.NoError(t, r.Close())

	again, err := Open(r.Dir(), Options{})
	require.NoError(t, err)
	require.NoError(t, again.AdvanceTo(t.Context(), a.Head))
	b := store(t, again, put("s/d/a", "two"))
	require.Equal(t, lost.Head, b.Head)
	require.Equal(t, "2\n", git(t, r.Dir(), "rev-list", "--count", "main"))
	data, err := again.Blob(t.Context(), b.Commits[0].Blobs[0])
	require.NoError(t, err)
	require.True(t, bytes.Equal([]byte("two"), data))
	require.NoError(t, again.Close())
}
