package gitstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/services/gitstore"
)

// Whatever a device is called, it is found by its name where there is no inventory: from a mirror, and for an erasure.
func TestDevicesAreFoundByTheirNames(t *testing.T) {
	h := open(t)
	h.mirrorTo(t.TempDir())
	names := []string{"a/b/c", "core router 1", "0a", "..", "Ä:1", "r~1", "plain"}
	devices := map[string]string{}
	for _, n := range names {
		devices[n] = newID()
		h.put(at(h.result(devices[n], n, config1), "lab/2", ""))
	}
	twin := newID()
	h.put(at(h.result(twin, "Plain", config2), "lab/2", "")) // it came when inventory did not know the other one any more
	require.NoError(t, h.round())
	for _, n := range names {
		for _, called := range []string{n, "lab/2/" + n} {
			if n == "plain" {
				called = devices[n]
			}
			got, err := h.recovered(gitstore.RecoverConfig{Device: called})
			require.NoError(t, err, called)
			require.Len(t, got, 1)
			out, err := h.tryErase(gitstore.EraseConfig{Texts: []string{"description old"}, Devices: []string{called}, DryRun: true})
			require.NoError(t, err, called)
			require.Equal(t, 1, out.Affected)
		}
	}
	h.start()
	for _, called := range []string{"b/c", "2/a/b/c", "lab", "lab/2", "lab/2/", "/plain", ""} {
		_, err := h.tryErase(gitstore.EraseConfig{Texts: []string{"description old"}, Devices: []string{called}})
		require.ErrorContains(t, err, "no device of the history is called", called)
	}
	_, err := h.recovered(gitstore.RecoverConfig{Device: "Plain"})
	require.ErrorContains(t, err, "2 devices of the history are called \"Plain\"; name one by its id: ")
	require.ErrorContains(t, err, twin+" (lab_2~")
}
