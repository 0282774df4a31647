package gitstore_test

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	gitstoredb "github.com/netraven/netraven/db/gitstore"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/services/gitstore"
)

// travel takes a device through three repositories and back, and leaves a second file behind that does not change on the way.
func (h *house) travel(device string) {
	h.t.Helper()
	h.put(h.with(h.result(device, "r1", config1), "facts.txt", facts1))
	h.put(at(h.result(device, "r1", config2), "lab", "zoo"))
	h.put(at(h.result(device, "r1", config1), "lab", "attic"))
	h.put(at(h.result(device, "r1", config2), "lab", "attic"))
	h.put(at(unchanged(h.result(device, "r1", config2)), "lab", "zoo"))
	h.put(h.result(device, "r1", config1))
	h.put(at(h.result(device, "r1", config2), "lab", "attic"))
	require.Len(h.t, h.revisions(device), 7)
	require.NotContains(h.t, append(h.files("configs"), h.files("zoo")...), "default/r1/running.cfg")
}

type memory struct {
	revs         []*gitstorev1.Revision
	texts, diffs []string
}

func (h *house) memory(device string) (m memory) {
	h.t.Helper()
	m.revs, m.texts, m.diffs = h.remembered(device)
	return m
}

func requireRemembered(t *testing.T, want, got memory) {
	t.Helper()
	requireSame(t, want.revs, got.revs)
	require.Equal(t, want.texts, got.texts)
	require.Equal(t, want.diffs, got.diffs)
}

// FAILURES 95: the database was restored to a moment before two of the repositories were there. All are indexed again, each revision after the one before it, wherever that is.
func Test95RevisionsOfSeveralRepositoriesAreIndexedInTheirOrder(t *testing.T) {
	h, a, b := open(t), newID(), newID()
	h.put(h.result(b, "r2", config1))
	h.dump()
	h.travel(a)
	h.put(at(h.result(b, "r2", config2), "lab", "zoo"))
	wantA, wantB := h.memory(a), h.memory(b)
	attic := h.gitIn("attic", "rev-parse", "HEAD")

	h.restore()
	// A copy under another name is not taken for a repository.
	require.NoError(t, exec.Command("cp", "-a", h.repo(), filepath.Join(h.dir, "old.git")).Run())
	var log bytes.Buffer
	h.log = slog.New(slog.NewTextHandler(&log, nil))
	h.start()
	requireRemembered(t, wantA, h.memory(a))
	requireRemembered(t, wantB, h.memory(b))
	require.NotContains(t, log.String(), "repository=old")
	require.NotContains(t, log.String(), "skipped=1 ")
	require.Equal(t, attic, h.gitIn("attic", "rev-parse", "HEAD"))

	// Where the newest states lie is known too: the next result goes on from there.
	h.put(h.with(h.result(a, "r1", config1), "facts.txt", facts1))
	require.Empty(t, h.files("attic"))
	require.Equal(t, []string{"default/r1/facts.txt", "default/r1/running.cfg"}, h.files("configs"))
	require.EqualValues(t, 7, h.revisions(a)[0].GetNumber())
	log.Reset()
	h.start()
	require.Empty(t, log.String(), "once is enough")
	h.sound("configs", "attic", "zoo")
}

// What comes before is lost with its repository: the others are indexed as they are, under the numbers that they had.
func Test95ALostRepositoryHoldsNobodyUp(t *testing.T) {
	h, device := open(t), newID()
	h.travel(device)
	want := h.memory(device)
	require.NoError(t, os.RemoveAll(filepath.Join(h.dir, "zoo.git")))
	h.pool = pgtest.New(t, "gitstore", gitstoredb.Migrations)
	h.start()
	newest := h.revisions(device)[0]
	last := want.revs[len(want.revs)-1]
	require.Equal(t, []any{last.GetNumber(), last.GetCommit(), last.GetRepository()}, []any{newest.GetNumber(), newest.GetCommit(), newest.GetRepository()})
	require.Len(t, h.revisions(device), 6, "all but the one in the lost one")
}

// A new node of a mirror has all repositories, and all of a device that moved.
func TestAllRepositoriesAreRestoredFromTheMirror(t *testing.T) {
	eachMirror(t, func(t *testing.T, h *house) {
		a, b, c := newID(), newID(), newID()
		h.put(h.result(b, "r2", config1))
		require.NoError(t, h.round())
		h.travel(a)
		require.NoError(t, h.round())
		h.put(at(h.result(c, "r3", config1), "lab", "zoo"))
		require.NoError(t, h.round())
		n, err := h.restoreTo(t)
		require.NoError(t, err)
		requireEqualNodes(t, h, n, a, b, c)
		n.sound("configs", "attic", "zoo")
		for _, r := range []string{"configs", "attic", "zoo"} {
			require.Equal(t, h.gitIn(r, "rev-parse", "HEAD"), n.gitIn(r, "rev-parse", "HEAD"))
		}
		require.NoDirExists(t, filepath.Join(n.dir, "restoring"))

		got, err := h.recovered(gitstore.RecoverConfig{})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"lab/r1/running.cfg": config2, "lab/r1/facts.txt": facts1, "default/r2/running.cfg": config1, "lab/r3/running.cfg": config1}, got)

		// The restored node goes on, on the same mirror, and the old one does not write over it.
		n.mirror, n.key, n.fence = h.mirror, h.key, h.fence
		n.start()
		require.NoError(t, n.round(), "nothing new is nothing to do")
		n.put(at(n.result(c, "r3", config2), "lab", "zoo"))
		require.NoError(t, n.round())
		h.put(at(h.result(c, "r3", config2), "lab", "zoo"))
		require.ErrorContains(t, h.round(), "of the repository zoo, which this history lacks")
	})
}

func TestARestoreOfSeveralRepositoriesIsWholeOrNothing(t *testing.T) {
	h := open(t)
	h.mirrorTo(t.TempDir())
	h.put(h.result(newID(), "r1", config1), at(h.result(newID(), "r2", config1), "lab", "zoo"))
	require.NoError(t, h.round())
	packs, err := filepath.Glob(filepath.Join(h.mirror, "packs", "zoo", "*"))
	require.NoError(t, err)
	require.Len(t, packs, 1)
	require.NoError(t, os.Truncate(packs[0], 40))
	public, err := gitstore.MirrorPublicKey(h.key)
	require.NoError(t, err)
	dir := t.TempDir()
	_, err = gitstore.Restore(t.Context(), gitstore.RestoreConfig{From: h.mirror, Dir: dir, Trusted: public})
	require.ErrorContains(t, err, "repository zoo")
	require.ErrorContains(t, err, filepath.Base(packs[0]))
	left, err := filepath.Glob(filepath.Join(dir, "*.git"))
	require.NoError(t, err)
	require.Empty(t, left)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "zoo.git"), 0o700))
	_, err = gitstore.Restore(t.Context(), gitstore.RestoreConfig{From: h.mirror, Dir: dir, Trusted: public})
	require.ErrorContains(t, err, "is left as it is", "also where only one of them is there")
	require.True(t, strings.HasSuffix(filepath.Dir(packs[0]), "zoo"))
}
