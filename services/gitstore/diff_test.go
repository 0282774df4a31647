package gitstore_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

// A diff of huge texts as data would take gigabytes: it is refused with what to do. As text, and of what changed alone, it is answered.
func TestAHugeDiffIsRefusedAsData(t *testing.T) {
	h, device := open(t), newID()
	long := written(strings.Repeat("!\n", 600_000))
	h.put(h.result(device, "r1", long))
	h.put(h.result(device, "r1", strings.Replace(long, "hostname", "hostname x", 1)))
	revs := h.revisions(device)
	require.Len(t, revs, 2)
	in := &gitstorev1.GetDiffRequest{From: revs[1].GetId(), To: revs[0].GetId(), Format: "json", Context: proto.Int32(1_000_000)}
	_, err := h.read.GetDiff(context.Background(), in)
	require.Equal(t, "DIFF_TOO_LARGE", reason(err))
	in.Context = nil
	_, err = h.read.GetDiff(context.Background(), in)
	require.NoError(t, err)
	in.Format, in.Context = "text", proto.Int32(1_000_000)
	all, err := h.read.GetDiff(context.Background(), in)
	require.NoError(t, err)
	require.Greater(t, len(all.GetData()), 1_000_000)
}
