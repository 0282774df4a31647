package gitstore_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/services/gitstore"
)

// A history that was made again is as sound as one that was not: git and index fit together, and a reindex finds nothing to do.
func TestAnErasedHistoryIsSound(t *testing.T) {
	for name, what := range map[string]func(h *house, device string) gitstore.EraseConfig{
		"texts": func(*house, string) gitstore.EraseConfig { return gitstore.EraseConfig{Texts: []string{leaked}} },
		"revisions": func(h *house, device string) gitstore.EraseConfig {
			return gitstore.EraseConfig{Revisions: []string{h.revisions(device)[1].GetId()}}
		},
		"whole": func(_ *house, device string) gitstore.EraseConfig {
			return gitstore.EraseConfig{Devices: []string{device}, Whole: true}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h, a, b := open(t), newID(), newID()
			for i := range 3 {
				h.put(h.result(a, "r1", leaking(i)), at(h.result(b, "r2", plain(i)), "lab", "zoo"))
			}
			h.put(at(h.result(a, "r1", leaking(2)), "lab", "zoo"))
			h.put(at(h.result(a, "r1", plain(9)), "lab", "zoo"))
			_, err := h.service.VerifyUntil(t.Context(), 20) // in the middle of the old history
			require.Error(t, err)
			h.erase(what(h, a))
			require.Empty(t, h.verify())
			before := h.image()
			require.True(t, h.reindex(false).Written)
			require.Equal(t, before, h.image())
			require.Empty(t, h.verify())
			h.sound("configs", "zoo")
		})
	}
}

// What was erased comes back from nowhere: not from a mirror that has not followed yet, nor does it stay in what was set aside.
func TestWhatWasErasedIsNotMendedBack(t *testing.T) {
	h, a := open(t), newID()
	h.mirrorTo(t.TempDir())
	for i := range 3 {
		h.put(h.result(a, "r1", leaking(i)))
	}
	require.NoError(t, h.round())
	rot(t, h.packs()[0])
	require.Empty(t, h.verify())
	aside := filepath.Join(h.repo(), "damaged")
	require.DirExists(t, aside)
	h.erase(gitstore.EraseConfig{Texts: []string{leaked}})
	require.NoDirExists(t, aside)
	pack := h.packs()[0]
	kept, err := os.ReadFile(pack)
	require.NoError(t, err)
	rot(t, pack)
	require.NotEmpty(t, h.verify())
	require.Equal(t, []string{pack}, h.packs(), "the mirror has only what was erased")
	require.NoError(t, os.WriteFile(pack, kept, 0o600))
	require.Empty(t, h.verify())
	require.NotContains(t, h.objects(), leaked)
	require.NoError(t, h.round())
	rot(t, pack)
	require.Empty(t, h.verify(), "now it has followed")
	require.NotContains(t, h.objects(), leaked)
}
