package gitstore_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

// A restored node counts its changes from the beginning. Where it has come further than the mirror's count before it sees the mirror, nothing of what it did meanwhile is missing there.
func TestAMirrorThatARestoredNodeSeesLateHasEverything(t *testing.T) {
	h := open(t)
	h.mirrorTo(t.TempDir())
	a, b := newID(), newID()
	h.put(h.result(a, "r1", config1))
	h.put(h.result(b, "r2", config1))
	var many []*gitstorev1.StoreResultsRequest_Item
	for i := range 20 {
		many = append(many, h.result(newID(), fmt.Sprintf("other%d", i), config1))
	}
	h.put(many...)
	require.NoError(t, h.round())
	n, err := h.restoreTo(t)
	require.NoError(t, err)
	n.fence = h.fence
	for _, text := range []string{"1", "2", "3", "4", "5"} {
		n.put(n.result(a, "r1", written(text)))
	}
	n.mirror, n.key = h.mirror, h.key
	n.start()
	require.NoError(t, n.round())
	again, err := n.restoreTo(t)
	require.NoError(t, err)
	requireEqualNodes(t, n, again, a, b)
}
