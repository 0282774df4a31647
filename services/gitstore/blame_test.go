package gitstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/errs"
)

// written is a configuration whose lines tell with which revision they came.
func written(lines ...string) string {
	return "hostname r1\n" + strings.Join(lines, "\n") + "\nend\n"
}

func TestBlameSaysWithWhichRevisionALineCame(t *testing.T) {
	h, device, ctx := open(t), newID(), context.Background()
	h.put(h.result(device, "r1", written("a", "b")))
	h.put(h.result(device, "r1", written("a", "x", "b")))
	h.put(h.result(device, "renamed", written("a", "x", "c", "\xff\xfe")))
	all := h.revisions(device)
	require.Len(t, all, 3)

	blame, err := h.viewer.GetBlame(ctx, &gitstorev1.GetBlameRequest{Id: all[0].GetId()})
	require.NoError(t, err)
	require.True(t, blame.GetComplete())
	var said []string
	for _, s := range blame.GetSections() {
		said = append(said, fmt.Sprintf("%d+%d: %d", s.GetFirstLine(), s.GetLines(), s.GetRevision().GetNumber()))
	}
	require.Equal(t, []string{"1+2: 1", "3+1: 2", "4+2: 3", "6+1: 1"}, said)

	first, err := h.viewer.GetBlame(ctx, &gitstorev1.GetBlameRequest{Id: all[2].GetId()})
	require.NoError(t, err)
	require.Len(t, first.GetSections(), 1)
	require.True(t, first.GetComplete())
	_, err = h.viewer.GetBlame(ctx, &gitstorev1.GetBlameRequest{Id: newID()})
	require.Equal(t, "REVISION_NOT_FOUND", reason(err))

	diff, err := h.viewer.GetDiff(ctx, &gitstorev1.GetDiffRequest{From: all[1].GetId(), To: all[0].GetId(), Format: "json"})
	require.NoError(t, err)
	var data struct {
		Hunks []struct {
			Lines []struct{ Side, Text string }
		}
	}
	require.NoError(t, json.Unmarshal(diff.GetData(), &data))
	var sides []string
	for _, l := range data.Hunks[0].Lines {
		sides = append(sides, l.Side+" "+l.Text)
	}
	require.Equal(t, []string{"BOTH hostname r1", "BOTH a", "BOTH x", "OLD b", "NEW c", "NEW \ufffd", "BOTH end"}, sides)

	none := int32(0)
	diff, err = h.viewer.GetDiff(ctx, &gitstorev1.GetDiffRequest{From: all[1].GetId(), To: all[0].GetId(), Context: &none})
	require.NoError(t, err)
	require.NotContains(t, string(diff.GetData()), "hostname", "no lines around the change")
	below := int32(-1)
	_, err = h.viewer.GetDiff(ctx, &gitstorev1.GetDiffRequest{From: all[1].GetId(), To: all[0].GetId(), Context: &below})
	require.Equal(t, "FIELD_INVALID", errs.Reason(err))
}

func TestBlameReadsOnlyAsFarBackAsItMust(t *testing.T) {
	h, device := open(t), newID()
	for i := range 70 { // more than one batch of rows
		h.put(h.result(device, "r1", written("stays", fmt.Sprint("line ", i))))
	}
	all := h.revisions(device)
	blame, err := h.read.GetBlame(context.Background(), &gitstorev1.GetBlameRequest{Id: all[0].GetId()})
	require.NoError(t, err)
	require.True(t, blame.GetComplete())
	require.EqualValues(t, 1, blame.GetSections()[0].GetRevision().GetNumber())
	require.EqualValues(t, 70, blame.GetSections()[1].GetRevision().GetNumber())
}

func TestTheTimelineIsOfAllDevicesBetweenTwoMoments(t *testing.T) {
	h, a, b, ctx := open(t), newID(), newID(), context.Background()
	h.put(h.result(a, "a", written("1")))
	h.put(h.result(b, "b", written("1")))
	h.put(h.result(a, "a", written("2")))
	all, err := h.read.ListRevisions(ctx, &gitstorev1.ListRevisionsRequest{})
	require.NoError(t, err)
	require.Len(t, all.GetItems(), 3)
	between, err := h.read.ListRevisions(ctx, &gitstorev1.ListRevisionsRequest{Since: all.GetItems()[1].GetCreatedAt(), Until: all.GetItems()[0].GetCreatedAt()})
	require.NoError(t, err)
	require.Len(t, between.GetItems(), 1)
	require.Equal(t, b, between.GetItems()[0].GetDeviceId())
	of, err := h.read.ListRevisions(ctx, &gitstorev1.ListRevisionsRequest{DeviceId: a, Until: all.GetItems()[0].GetCreatedAt()})
	require.NoError(t, err)
	require.Len(t, of.GetItems(), 1)
	none, err := h.read.ListRevisions(ctx, &gitstorev1.ListRevisionsRequest{Since: timestamppb.New(all.GetItems()[0].GetCreatedAt().AsTime().Add(1000))})
	require.NoError(t, err)
	require.Empty(t, none.GetItems())
}
