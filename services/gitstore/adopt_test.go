package gitstore_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/services/gitstore"
)

// A new database has no keys. Those that the mirror brings are in vault before it makes others, which would open nothing and be written over the right ones in the mirror.
func TestKeysOfARestoredMirrorWaitForVault(t *testing.T) {
	h := open(t)
	h.mirrorTo(t.TempDir())
	a, b := newID(), newID()
	h.put(h.result(a, "r1", config1), h.result(b, "r2", config1))
	require.NoError(t, h.round())
	n, err := h.restoreTo(t)
	require.NoError(t, err)
	n.mirror, n.key, n.fence = h.mirror, h.key, h.fence
	waiting := filepath.Join(n.dir, "configs.originals")
	for range 2 { // vault is away, and the process dies meanwhile
		n.start()
		n.vault.away = status.Error(codes.Unavailable, "down")
		_ = n.round() // it may have nothing to write, and writes nothing wrong
		kept, err := n.recovered(gitstore.RecoverConfig{})
		require.NoError(t, err)
		require.Len(t, kept, 2)
		_, err = n.content(n.read, n.revisions(a)[0].GetId(), "restorable")
		require.Error(t, err)
		_, err = n.service.ShredOriginals(context.Background(), &gitstorev1.ShredOriginalsRequest{DeviceId: b})
		require.Error(t, err)
		require.DirExists(t, waiting)
	}
	n.vault.away = nil
	require.NoError(t, gitstore.TickOnce(n.service, context.Background()), "what was ordered is done after the keys are there, so that none comes back")
	require.NoDirExists(t, waiting)
	requireEqualNodes(t, h, n, a)
	_, err = n.content(n.read, n.revisions(b)[0].GetId(), "restorable")
	require.Equal(t, "ORIGINAL_SHREDDED", reason(err))

	n.put(n.result(a, "r1", config2))
	require.NoError(t, n.round())
	kept, err := n.recovered(gitstore.RecoverConfig{})
	require.NoError(t, err)
	require.Len(t, kept, 1)
}

// Where the key-encryption key is lost as well, backups go on.
func TestKeysUnderAnotherKeyHoldNothingUp(t *testing.T) {
	h := open(t)
	h.mirrorTo(t.TempDir())
	a := newID()
	h.put(h.result(a, "r1", config1))
	require.NoError(t, h.round())
	n, err := h.restoreTo(t)
	require.NoError(t, err)
	n.fence, n.vault.locked = h.fence, true
	n.put(n.result(a, "r1", config2))
	require.Len(t, n.revisions(a), 2)
	_, err = n.content(n.read, n.revisions(a)[1].GetId(), "restorable")
	require.Equal(t, "ORIGINAL_NOT_OPENED", reason(err), "which says what does open it")
	text, err := n.content(n.read, n.revisions(a)[0].GetId(), "restorable")
	require.NoError(t, err)
	require.Equal(t, config2, text)
	require.NoDirExists(t, filepath.Join(n.dir, "configs.originals"))
}

// The folder is lost right after a device's originals were destroyed, and the mirror still has them, with their key.
func TestADestroyedKeyDoesNotComeBackWithTheMirror(t *testing.T) {
	for name, again := range map[string]bool{"nothing since": false, "another original since": true} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			h.mirrorTo(t.TempDir())
			a := newID()
			h.put(h.result(a, "r1", config1))
			require.NoError(t, h.round())
			_, err := h.shred(a)
			require.NoError(t, err)
			if again {
				h.put(h.result(a, "r1", config1))
			}
			require.NoError(t, os.RemoveAll(h.dir))
			public, err := gitstore.MirrorPublicKey(h.key)
			require.NoError(t, err)
			_, err = gitstore.Restore(context.Background(), gitstore.RestoreConfig{From: h.mirror, Dir: h.dir, Trusted: public})
			require.NoError(t, err)
			h.start()
			text, err := h.content(h.read, h.revisions(a)[0].GetId(), "restorable")
			if again {
				require.NoError(t, err)
				require.Equal(t, config1, text)
			} else {
				require.Equal(t, "ORIGINAL_SHREDDED", reason(err))
			}
			require.NoError(t, gitstore.TickOnce(h.service, context.Background()))
			require.NoError(t, h.round())
			require.Empty(t, h.vault.adopted)
		})
	}
}
