package gitstore_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

const secretOfConfig1 = "$1$abcd$efghijklmnopqrstuv"

// Switching to plain text and back changes a device's newest text with its next backup, once, and nothing before; it makes no revision.
func TestPlainTextIsASetting(t *testing.T) {
	h, a := open(t), newID()
	known := func() int {
		out, err := h.store.GetKnownDigests(context.Background(), &gitstorev1.GetKnownDigestsRequest{DeviceIds: []string{a}})
		require.NoError(t, err)
		for _, d := range out.GetItems()[0].GetDigests() {
			require.NotContains(t, d.GetLabel(), "plain", "agents hear of nothing")
		}
		return len(out.GetItems()[0].GetDigests())
	}
	h.put(h.result(a, "r1", config1))
	require.NotContains(t, h.objects(), secretOfConfig1)

	var said bytes.Buffer
	h.plain, h.log = true, slog.New(slog.NewTextHandler(&said, nil))
	h.start()
	require.Contains(t, said.String(), "plain text")
	require.Len(t, h.revisions(a), 1)
	require.Zero(t, known(), "the next result must come with its bytes")
	require.Equal(t, gitstorev1.StoreResultsResponse_Item_NEED_CONTENT, h.put(unchanged(h.result(a, "r1", config1)))[0].GetOutcome())
	require.False(t, h.put(h.result(a, "r1", config1))[0].GetChanged())
	require.Equal(t, 1, known())
	require.Equal(t, "2", h.commits())
	require.Equal(t, durable, h.put(unchanged(h.result(a, "r1", config1)))[0].GetOutcome())
	require.False(t, h.put(h.result(a, "r1", config1))[0].GetChanged())
	require.Len(t, h.revisions(a), 1)
	require.Equal(t, "2", h.commits())
	text, err := h.content(h.viewer, h.revisions(a)[0].GetId(), "masked")
	require.NoError(t, err)
	require.Contains(t, text, secretOfConfig1)
	require.NotContains(t, text, "Current configuration", "it is the text without noise, not the original")
	require.Contains(t, h.git("show", "HEAD:default/r1/running.cfg"), secretOfConfig1)
	h.git("fsck", "--full", "--strict")

	h.plain = false
	h.start()
	require.Zero(t, known())
	require.False(t, h.put(h.result(a, "r1", config1))[0].GetChanged())
	require.Equal(t, 1, known())
	require.Empty(t, h.verify())
	require.NotContains(t, h.git("show", "HEAD:default/r1/running.cfg"), secretOfConfig1)
}
