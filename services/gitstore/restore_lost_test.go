package gitstore_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/services/gitstore"
)

// A mirror that has lost originals gives back everything else, if one says so, and is whole again with the next round.
func TestARestoreMayGoWithoutLostOriginals(t *testing.T) {
	h, a, b := open(t), newID(), newID()
	h.mirrorTo(t.TempDir())
	h.put(h.result(a, "r1", config1))
	require.NoError(t, h.round())
	h.put(h.result(b, "r2", config1))
	require.NoError(t, h.round())
	segments := func() []string {
		found, err := filepath.Glob(filepath.Join(h.mirror, "originals", "*.seg"))
		require.NoError(t, err)
		return found
	}
	for _, file := range segments() {
		require.NoError(t, os.Remove(file))
	}

	_, err := h.restoreTo(t)
	require.ErrorContains(t, err, ".seg is missing")
	require.ErrorContains(t, err, "--without-lost-originals")
	n, err := h.restoreWith(t, true)
	require.NoError(t, err)
	n.sound("configs")
	require.Empty(t, n.verify())
	require.Equal(t, h.head(), n.head())
	for _, device := range []string{a, b} {
		masked, err := n.content(n.viewer, n.revisions(device)[0].GetId(), "masked")
		require.NoError(t, err)
		want, err := h.content(h.viewer, h.revisions(device)[0].GetId(), "masked")
		require.NoError(t, err)
		require.Equal(t, want, masked)
		_, err = n.content(n.read, n.revisions(device)[0].GetId(), "restorable")
		require.Equal(t, "ORIGINAL_NOT_KEPT", reason(err))
	}
	n.fence = h.fence
	for _, device := range []string{a, b} {
		n.put(n.result(device, map[string]string{a: "r1", b: "r2"}[device], config1))
		original, err := n.content(n.read, n.revisions(device)[0].GetId(), "restorable")
		require.NoError(t, err, "it is back with the next backup")
		require.Equal(t, config1, original)
	}

	n.mirror, n.key = h.mirror, h.key
	n.start()
	require.NoError(t, n.round(), "the same mirror goes on")
	again, err := n.restoreTo(t)
	require.NoError(t, err)
	for _, device := range []string{a, b} {
		require.Len(t, again.revisions(device), len(n.revisions(device)))
		original, err := again.content(again.read, again.revisions(device)[0].GetId(), "restorable")
		require.NoError(t, err)
		require.Equal(t, config1, original)
	}
}

// A restore that fails leaves nothing: a serve that begins anew there would take the originals in.
func TestARestoreThatFailsLeavesNoOriginals(t *testing.T) {
	for _, lost := range []string{"originals/*.seg", "packs/configs/*.pack"} {
		t.Run(lost, func(t *testing.T) {
			h := open(t)
			h.mirrorTo(t.TempDir())
			h.put(h.result(newID(), "r1", config1))
			require.NoError(t, h.round())
			files, err := filepath.Glob(filepath.Join(h.mirror, lost))
			require.NoError(t, err)
			for _, file := range files {
				require.NoError(t, os.Remove(file))
			}
			public, err := gitstore.MirrorPublicKey(h.key)
			require.NoError(t, err)
			dir := filepath.Join(t.TempDir(), "gitstore")
			_, err = gitstore.Restore(context.Background(), gitstore.RestoreConfig{From: h.mirror, Dir: dir, Trusted: public})
			require.ErrorContains(t, err, "is missing from the mirror")
			left, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// What cannot be read just now is not lost.
func TestAMirrorThatCannotBeReadIsNotTakenForLost(t *testing.T) {
	h := open(t)
	h.mirrorTo(t.TempDir())
	h.put(h.result(newID(), "r1", config1))
	require.NoError(t, h.round())
	segments, err := filepath.Glob(filepath.Join(h.mirror, "originals", "*.seg"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(segments[0]))
	require.NoError(t, os.Mkdir(segments[0], 0o700))
	_, err = h.restoreWith(t, true)
	require.Error(t, err)
}

// Originals expire before the texts do. A node that is restored without the old ones lists all revisions in their order, those with and those without, by device and by time.
func TestRestoredRevisionsAreListedInTheirOrder(t *testing.T) {
	h, a := open(t), newID()
	h.mirrorTo(t.TempDir())
	for n := range 6 {
		h.put(h.result(a, "r1", plain(n)))
	}
	h.exec("DELETE FROM original WHERE revision_id IN (SELECT id FROM revision WHERE number IN (1, 2, 4))")
	require.NoError(t, h.round())
	n, err := h.restoreTo(t)
	require.NoError(t, err)
	require.Equal(t, []int32{6, 5, 4, 3, 2, 1}, h.numbers(a))
	require.Equal(t, h.numbers(a), n.numbers(a))
	original, err := n.content(n.read, n.revisions(a)[0].GetId(), "restorable")
	require.NoError(t, err)
	require.Equal(t, plain(5), original)
	n.fence = h.fence
	n.put(n.result(a, "r1", config2))
	require.Equal(t, []int32{7, 6, 5, 4, 3, 2, 1}, n.numbers(a))

	// The same where the database is restored to an older moment, and what it does not know was not mirrored.
	h.dump()
	h.put(h.result(a, "r1", config1))
	h.put(h.result(a, "r1", config2))
	h.restore()
	h.start()
	h.put(h.result(a, "r1", plain(9)))
	require.Equal(t, []int32{9, 8, 7, 6, 5, 4, 3, 2, 1}, h.numbers(a))
}
