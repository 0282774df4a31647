package gitstore_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

// together stores results, each in a call of its own, all waiting for the writer at once. What a call failed with stands for its answer.
func (h *house) together(items ...*gitstorev1.StoreResultsRequest_Item) ([]*gitstorev1.StoreResultsResponse_Item, []error) {
	out, failed := make([]*gitstorev1.StoreResultsResponse_Item, len(items)), make([]error, len(items))
	var calls sync.WaitGroup
	h.service.Hold(len(items), func() {
		for i, item := range items {
			calls.Go(func() {
				answer, err := h.store.StoreResults(context.Background(), &gitstorev1.StoreResultsRequest{Items: []*gitstorev1.StoreResultsRequest_Item{item}})
				if failed[i] = err; err == nil {
					out[i] = answer.GetItems()[0]
				}
			})
		}
	})
	calls.Wait()
	return out, failed
}

func TestCallsThatWaitAreCommittedAsOne(t *testing.T) {
	h := open(t)
	var items []*gitstorev1.StoreResultsRequest_Item
	for i := range 9 {
		items = append(items, h.result(newID(), fmt.Sprint("d", i), strings.Replace(config1, "r1", fmt.Sprint("d", i), 1)))
	}
	items = append(items, items[0]) // the same result twice
	out, failed := h.together(items...)
	for i, o := range out {
		require.NoError(t, failed[i])
		require.Equal(t, durable, o.GetOutcome())
		require.Len(t, h.revisions(items[i].GetDeviceId()), 1)
		require.Equal(t, h.revisions(items[i].GetDeviceId())[0].GetId(), o.GetRevisionIds()[0])
	}
	require.Equal(t, "9", strings.TrimSpace(h.git("rev-list", "--count", "HEAD")), "a commit for each device")
	require.Contains(t, h.git("count-objects", "-v"), "packs: 1\n", "and one pack for all")
	h.git("fsck", "--full", "--strict")
}

func TestWhatCannotBeStoredKeepsNobodyFromIt(t *testing.T) {
	h := open(t)
	bad := h.result(newID(), "bad", config1)
	_, err := h.pool.Exec(context.Background(), `INSERT INTO revision (id, device_id, artifact, number, size, lines_added, lines_removed, suspect, author, commit_hash, blob, digest,
		run_id, task_id, fence, created_at) VALUES ($1, $2, 'running.cfg', 1, 0, 0, 0, false, '', '', '', '', $1, $1, 1, now())`, newID(), bad.GetDeviceId())
	require.NoError(t, err)
	items := []*gitstorev1.StoreResultsRequest_Item{bad}
	for i := range 4 {
		items = append(items, h.result(newID(), fmt.Sprint("d", i), config1))
	}
	out, failed := h.together(items...)
	require.Error(t, failed[0], "its row would be the second of that number")
	for i := range out[1:] {
		require.NoError(t, failed[1+i])
		require.Equal(t, durable, out[1+i].GetOutcome())
	}
	require.Equal(t, "4", strings.TrimSpace(h.git("rev-list", "--count", "HEAD")))
	h.git("fsck", "--full", "--strict")
}
