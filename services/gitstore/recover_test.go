package gitstore_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/services/gitstore"
)

// recovered opens originals as a person with the recovery key does; the fake vault wraps a device's key into its id.
func (h *house) recovered(what gitstore.RecoverConfig) (map[string]string, error) {
	what.From = h.mirror
	what.SealKey = func(id string, wrapped []byte) ([]byte, error) {
		if string(wrapped) != "wrapped "+id {
			return nil, errors.New("not this device's")
		}
		return newVault(0).sealKey(id), nil
	}
	out := map[string]string{}
	err := gitstore.Recover(context.Background(), what, func(r gitstore.Recovered) error {
		name := r.Path
		if what.List {
			name = r.RevisionID
		}
		out[name] = string(r.Text)
		return nil
	})
	return out, err
}

func TestOriginalsAreRecoveredFromTheMirrorAlone(t *testing.T) {
	eachMirror(t, func(t *testing.T, h *house) {
		a, b := newID(), newID()
		facts := "Cisco IOS Software, Version 15.2(4)\n"
		long := strings.Replace(config1, "!\nend", strings.Repeat("interface Gi0/2\n description a port of the access layer\n!\n", 40)+"end", 1)
		h.put(h.with(h.result(a, "r1", config1), "facts.txt", facts), h.result(b, "r2", long))
		require.NoError(t, h.round())
		h.put(h.result(a, "r1", config2))
		kept := h.put(h.result(b, "r2", config1))[0].GetSuspect()
		require.NotNil(t, kept)
		require.NoError(t, h.round())

		newest := map[string]string{"default/r1/running.cfg": config2, "default/r1/facts.txt": facts}
		for _, name := range []string{a, "r1", "R1", "default/r1"} {
			got, err := h.recovered(gitstore.RecoverConfig{Device: name})
			require.NoError(t, err)
			require.Equal(t, newest, got, name)
		}
		newest["default/r2/running.cfg"] = long // not the suspect
		got, err := h.recovered(gitstore.RecoverConfig{})
		require.NoError(t, err)
		require.Equal(t, newest, got)

		// A suspect that a person let in counts.
		_, err = h.read.AcceptRevision(context.Background(), &gitstorev1.AcceptRevisionRequest{Id: kept.GetRevisionId()})
		require.NoError(t, err)
		require.NoError(t, h.round())
		got, err = h.recovered(gitstore.RecoverConfig{Device: b, Artifact: "running.cfg"})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"default/r2/running.cfg": config1}, got)

		// Any older one is there too.
		list, err := h.recovered(gitstore.RecoverConfig{Device: "r1", List: true})
		require.NoError(t, err)
		require.Len(t, list, len(h.revisions(a)))
		for _, r := range h.revisions(a) {
			require.Contains(t, list, r.GetId())
			want, err := h.content(h.read, r.GetId(), "restorable")
			require.NoError(t, err)
			got, err := h.recovered(gitstore.RecoverConfig{Revision: r.GetId()})
			require.NoError(t, err)
			require.Equal(t, map[string]string{"default/r1/" + r.GetArtifact(): want}, got)
		}

		_, err = h.recovered(gitstore.RecoverConfig{Device: "r9"})
		require.ErrorContains(t, err, "no such original")
		_, err = h.recovered(gitstore.RecoverConfig{Device: "r1", Trusted: make(ed25519.PublicKey, ed25519.PublicKeySize)})
		require.ErrorContains(t, err, "another installation")
	})
}

func TestARecoveryGoesOnAfterDamageAndNamesIt(t *testing.T) {
	h := open(t)
	h.mirrorTo(t.TempDir())
	a, b := newID(), newID()
	for i := range 4 { // a large segment, which a small one does not take in
		h.put(h.result(a, "r1", strings.Replace(config1, "description old", "description "+strings.Repeat("x", i+1), 1)))
	}
	require.NoError(t, h.round())
	segments := func() []string {
		found, err := filepath.Glob(filepath.Join(h.mirror, "originals", "*"))
		require.NoError(t, err)
		return found
	}
	first := segments()
	require.Len(t, first, 1)
	h.put(h.result(b, "r2", config1))
	require.NoError(t, h.round())
	require.Len(t, segments(), 2)
	require.NoError(t, os.Remove(first[0]))
	got, err := h.recovered(gitstore.RecoverConfig{})
	require.ErrorContains(t, err, filepath.Base(first[0])+" is missing")
	require.Equal(t, map[string]string{"default/r2/running.cfg": config1}, got)
}
