package gitstore_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/services/gitstore"
)

func TestOldOriginalsGoButForTheNewest(t *testing.T) {
	h, a, b, ctx := open(t), newID(), newID(), context.Background()
	now := time.Now()
	h.now = func() time.Time { return now }
	h.keepOriginals = 30 * 24 * time.Hour
	h.start()
	h.put(h.result(a, "a", written("1")), h.result(b, "b", written("1")))
	h.put(h.result(a, "a", written("2")))
	now = now.Add(31 * 24 * time.Hour)
	h.put(h.result(a, "a", written("3")))

	ask := func(days int32) *gitstorev1.OriginalRetention {
		out, err := h.viewer.GetOriginalRetention(ctx, &gitstorev1.GetOriginalRetentionRequest{Days: days})
		require.NoError(t, err)
		return out
	}
	require.EqualValues(t, 30, ask(0).GetConfiguredDays())
	require.Equal(t, 2, int(ask(0).GetOriginals()), "two old ones of a; b has no newer one")
	require.Positive(t, ask(0).GetBytes())
	require.Equal(t, 0, int(ask(40).GetOriginals()))
	_, err := h.viewer.GetOriginalRetention(ctx, &gitstorev1.GetOriginalRetentionRequest{Days: -1})
	require.Equal(t, "FIELD_INVALID", reason(err))

	require.NoError(t, gitstore.TickOnce(h.service, ctx))
	require.Equal(t, 0, int(ask(0).GetOriginals()))
	for _, r := range append(h.revisions(a), h.revisions(b)...) {
		_, err := h.content(h.read, r.GetId(), "masked")
		require.NoError(t, err, "the masked history stays")
		_, err = h.content(h.read, r.GetId(), "restorable")
		if r.GetDeviceId() == b || r.GetNumber() == 3 {
			require.NoError(t, err, "the newest original stays")
		} else {
			require.Equal(t, "ORIGINAL_NOT_KEPT", reason(err))
		}
	}
	var attempts int
	require.NoError(t, h.pool.QueryRow(ctx, "SELECT count(*) FROM stored_attempt").Scan(&attempts))
	require.Equal(t, 1, attempts, "answers to old attempts go as well")
}
