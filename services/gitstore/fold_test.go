package gitstore_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/services/gitstore"
)

func TestPacksAreFoldedAndNothingIsLost(t *testing.T) {
	h, device, ctx := open(t), newID(), context.Background()
	packs := func() int {
		files, err := filepath.Glob(filepath.Join(h.repo(), "objects", "pack", "*.pack"))
		require.NoError(t, err)
		return len(files)
	}
	for i := range 49 {
		h.put(h.result(device, "r1", written(fmt.Sprint("line ", i))))
	}
	before := packs()
	require.NoError(t, gitstore.FoldOnce(h.service, ctx))
	require.Equal(t, before, packs(), "few are left alone")
	for i := range 10 {
		h.put(h.result(device, "r1", written(fmt.Sprint("later line ", i))))
	}
	require.NoError(t, gitstore.FoldOnce(h.service, ctx))
	require.Less(t, packs(), 10)
	h.put(h.result(device, "r1", written("after")))
	all := h.revisions(device)
	require.GreaterOrEqual(t, len(all), 50)
	for _, r := range all {
		_, err := h.content(h.read, r.GetId(), "masked")
		require.NoError(t, err)
	}
	h.git("fsck", "--full", "--strict")
}
