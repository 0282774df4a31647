package gitstore_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/services/gitstore"
)

func (h *house) shred(device string) (*gitstorev1.ShreddedOriginals, error) {
	return h.read.ShredOriginals(context.Background(), &gitstorev1.ShredOriginalsRequest{DeviceId: device})
}

func (h *house) restorable(r *gitstorev1.Revision) (string, error) {
	return h.content(h.read, r.GetId(), "restorable")
}

func TestShreddedOriginalsOpenNowhereAnyMore(t *testing.T) {
	eachMirror(t, func(t *testing.T, h *house) {
		a, b := newID(), newID()
		h.put(h.with(h.result(a, "r1", config1), "facts.txt", "Cisco IOS Software, Version 15.2(4)\n"), h.result(b, "r2", config1))
		require.NoError(t, h.round())
		h.put(h.result(a, "r1", config2))
		kept := h.put(h.result(a, "r1", strings.Replace(config2, "description new", strings.Repeat("description new\n ", 60), 1)))[0]
		require.True(t, kept.GetChanged())
		require.NotNil(t, h.put(h.result(a, "r1", config2))[0].GetSuspect(), "its original goes too")
		require.NoError(t, h.round())
		old := h.revisions(a)

		_, err := h.viewer.ShredOriginals(context.Background(), &gitstorev1.ShredOriginalsRequest{DeviceId: a})
		require.Equal(t, codes.PermissionDenied, status.Code(err))
		for _, id := range []string{newID(), "r1"} {
			_, err = h.shred(id)
			require.Equal(t, "DEVICE_NOT_FOUND", reason(err), id)
		}
		lines := len(h.trust.lines)
		done, err := h.shred(a)
		require.NoError(t, err)
		require.EqualValues(t, 5, done.GetOriginals())
		require.True(t, done.GetMirrorPending())
		require.Equal(t, "config.shred", h.trust.lines[lines].GetAction())
		require.Equal(t, a, h.trust.lines[lines].GetObjectId())
		for _, r := range old {
			_, err := h.restorable(r)
			require.Equal(t, "ORIGINAL_SHREDDED", reason(err))
			require.Equal(t, codes.FailedPrecondition, status.Code(err))
			_, err = h.content(h.read, r.GetId(), "masked")
			require.NoError(t, err, "the masked history stays")
		}

		require.NoError(t, h.round())
		got, err := h.recovered(gitstore.RecoverConfig{})
		require.NoError(t, err)
		require.Equal(t, map[string]string{"default/r2/running.cfg": config1}, got, "nor in the mirror, where those of others are whole")

		// The next backup brings an original under the new key, and neither a repeat of the round nor the next start takes it away.
		require.False(t, h.put(h.result(a, "r1", strings.Replace(config2, "description new", strings.Repeat("description new\n ", 60), 1)))[0].GetChanged())
		for range 2 {
			require.NoError(t, h.round())
			h.start()
		}
		text, err := h.restorable(old[1])
		require.NoError(t, err)
		require.Contains(t, text, "description new\n description new")

		again, err := h.shred(a)
		require.NoError(t, err)
		require.EqualValues(t, 1, again.GetOriginals(), "a repeat destroys what came since")
		require.True(t, again.GetShreddedAt().AsTime().After(done.GetShreddedAt().AsTime()))
		require.NoError(t, h.round())
		n, err := h.restoreTo(t)
		require.NoError(t, err)
		require.Len(t, n.revisions(a), 4)
		_, err = n.restorable(n.revisions(a)[1])
		require.Equal(t, "ORIGINAL_NOT_KEPT", reason(err), "a node restored from the mirror has none")
	})
}

// No byte of a shredded device's originals is in the mirror's folder: not in old segments either.
func TestSegmentsWithShreddedOriginalsAreSweptAtOnce(t *testing.T) {
	h := open(t)
	h.mirrorTo(t.TempDir())
	a, b := newID(), newID()
	for i := range 4 { // a large segment, which later ones do not take in
		h.put(h.result(a, "r1", strings.Replace(config1, "description old", "description "+strings.Repeat("x", i+1), 1)))
	}
	require.NoError(t, h.round())
	h.put(h.result(b, "r2", config1))
	require.NoError(t, h.round())
	segments := func() (all string, n int) {
		found, err := filepath.Glob(filepath.Join(h.mirror, "originals", "*"))
		require.NoError(t, err)
		for _, f := range found {
			text, err := os.ReadFile(f)
			require.NoError(t, err)
			all += string(text)
		}
		return all, len(found)
	}
	all, n := segments()
	require.Equal(t, 2, n)
	require.Contains(t, all, "wrapped "+a)
	_, err := h.shred(a)
	require.NoError(t, err)
	require.NoError(t, h.round())
	all, n = segments()
	require.Equal(t, 1, n)
	require.NotContains(t, all, a)
	require.Contains(t, all, "wrapped "+b)

	// Originals that only the mirror has, because the database was restored, go as well.
	h.put(h.result(b, "r2", config2))
	require.NoError(t, h.round())
	h.dump()
	h.put(h.result(b, "r2", config1))
	h.put(h.result(a, "r1", config2))
	require.NoError(t, h.round())
	h.restore()
	h.start()
	require.NoError(t, h.round())
	all, _ = segments()
	require.Contains(t, all, "wrapped "+a)
	_, err = h.shred(a)
	require.NoError(t, err)
	require.NoError(t, h.round())
	all, _ = segments()
	require.NotContains(t, all, a)
	require.Contains(t, all, "wrapped "+b)
}

// A result that was sealed with the old key and comes late is refused for what it is; a new attempt of its task is stored.
func TestResultsUnderAShreddedKey(t *testing.T) {
	h, a := open(t), newID()
	h.put(h.result(a, "r1", config1))
	late, same := h.result(a, "r1", config2), unchanged(h.result(a, "r1", config1))
	_, err := h.shred(a)
	require.NoError(t, err)

	out := h.put(same)[0]
	require.Equal(t, gitstorev1.StoreResultsResponse_Item_NEED_CONTENT, out.GetOutcome(), "the digest fits nothing any more")
	out = h.put(late)[0]
	require.Equal(t, gitstorev1.StoreResultsResponse_Item_REJECTED, out.GetOutcome())
	require.Equal(t, "KEY_SHREDDED", out.GetReason())
	known, err := h.store.GetKnownDigests(context.Background(), &gitstorev1.GetKnownDigestsRequest{DeviceIds: []string{a}})
	require.NoError(t, err)
	require.Empty(t, known.GetItems()[0].GetDigests())

	require.True(t, h.put(h.result(a, "r1", config2))[0].GetChanged())
	require.Equal(t, durable, h.put(unchanged(h.result(a, "r1", config2)))[0].GetOutcome())
	text, err := h.restorable(h.revisions(a)[0])
	require.NoError(t, err)
	require.Equal(t, config2, text)
}

// A result whose key is destroyed between its opening and its writing is to come again, instead of an original that nothing opens.
func TestAResultThatIsOvertakenByAShredding(t *testing.T) {
	h, a := open(t), newID()
	h.put(h.result(a, "r1", config1))
	h.vault.keysGiven = func() {
		h.vault.keysGiven = nil
		_, err := h.shred(a)
		require.NoError(t, err)
	}
	out := h.put(h.result(a, "r1", config2))[0]
	require.Equal(t, gitstorev1.StoreResultsResponse_Item_RETRY_LATER, out.GetOutcome())
	require.Equal(t, "KEY_SHREDDED", out.GetReason())
	require.Len(t, h.revisions(a), 1)
}

// What was ordered is done, also where vault was away or the process died.
func TestAShreddingThatBrokeOffGoesOn(t *testing.T) {
	h, a := open(t), newID()
	h.put(h.result(a, "r1", config1))
	h.vault.away = status.Error(codes.Unavailable, "down")
	_, err := h.shred(a)
	require.Error(t, err)
	h.vault.away = nil
	h.start()
	require.NoError(t, gitstore.TickOnce(h.service, context.Background()))
	require.EqualValues(t, 1, h.vault.shredded[a])
	_, err = h.restorable(h.revisions(a)[0])
	require.Equal(t, "ORIGINAL_SHREDDED", reason(err))
	require.NoError(t, gitstore.TickOnce(h.service, context.Background()))
	require.EqualValues(t, 1, h.vault.shredded[a], "once")
}
