package gitstore_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/services/gitstore"
)

// day is noon of a day of the year that the history of these tests has.
func day(n int) time.Time { return time.Date(2026, 1, n, 12, 0, 0, 0, time.UTC) }

// past makes a device with one revision a day, each a description; an empty one is no revision.
func (h *house) past(name string, descriptions ...string) string {
	h.t.Helper()
	id := newID()
	h.names[id] = name
	for i, d := range descriptions {
		if d == "" {
			continue
		}
		in := h.result(id, name, withLine(" description "+d))
		in.CollectedAt = timestamppb.New(day(i + 1))
		out := h.put(in)[0]
		require.Equal(h.t, durable, out.GetOutcome())
		require.True(h.t, out.GetChanged())
	}
	return id
}

// ever searches all pages of the history and answers "device #first-#last text", with an end where the line is gone, in the order of the answer.
func (h *house) ever(in *gitstorev1.SearchConfigsRequest) (hits []string, pages int) {
	h.t.Helper()
	in.History = true
	for {
		out, err := h.find.SearchConfigs(context.Background(), in)
		require.NoError(h.t, err)
		pages++
		for _, i := range out.GetItems() {
			p, end := i.GetPresence(), ""
			if p.GetGoneAt() != nil {
				end = " gone " + p.GetGoneAt().AsTime().Format("01-02")
			}
			hits = append(hits, fmt.Sprintf("%s #%d-#%d %s%s", i.GetDeviceName(), p.GetFirstNumber(), i.GetNumber(), strings.TrimSpace(i.GetText()), end))
		}
		if in.PageToken = out.GetNextPageToken(); in.GetPageToken() == "" {
			return hits, pages
		}
		require.Less(h.t, pages, 1000, "the list does not end")
	}
}

func TestTheHistoryTellsWhenALineWasThere(t *testing.T) {
	h := open(t)
	r1 := h.past("r1", "a 10.9.9.9", "a 10.9.9.9\n shutdown", "b", "c", "up\n description a 10.9.9.9", "up\n bandwidth 1\n description a 10.9.9.9")
	h.past("r2", "x", "10.9.9.90")
	gone := h.past("gone", "10.9.9.9")
	h.deleted[gone] = "2026-01-20T00:00:00Z"
	nowhere := h.past("nowhere", "10.9.9.9") // nobody knows what it was
	delete(h.names, nowhere)
	want := []string{"r1 #1-#2 description a 10.9.9.9 gone 01-03", "r1 #5-#6 description a 10.9.9.9", "r2 #2-#2 description 10.9.9.90", "gone #1-#1 description 10.9.9.9"}
	for range 2 {
		hits, _ := h.ever(&gitstorev1.SearchConfigsRequest{Q: "10.9.9.9"})
		require.Equal(t, want, hits)
		for size := range int32(3) {
			paged, pages := h.ever(&gitstorev1.SearchConfigsRequest{Q: "10.9.9.9", PageSize: size + 1})
			require.Equal(t, want, paged)
			require.GreaterOrEqual(t, pages, 4/int(size+1))
		}
		for _, c := range []struct {
			in   *gitstorev1.SearchConfigsRequest
			want []string
		}{
			{&gitstorev1.SearchConfigsRequest{Q: `A 10\.9\.9\.9$`, Regex: true, IgnoreCase: true}, want[:2]},
			{&gitstorev1.SearchConfigsRequest{Q: "10.9.9.9", DeviceIds: []string{gone}}, want[3:]},
			{&gitstorev1.SearchConfigsRequest{Q: "10.9.9.9", Tags: []string{"r2", "gone"}}, want[2:]},
			{&gitstorev1.SearchConfigsRequest{Q: "10.9.9.9", Artifact: "facts.txt"}, nil},
			{&gitstorev1.SearchConfigsRequest{Q: "no-such-text"}, nil},
			{&gitstorev1.SearchConfigsRequest{Q: "bandwidth"}, []string{"r1 #6-#6 bandwidth 1"}},
			{&gitstorev1.SearchConfigsRequest{Q: "shutdown"}, []string{"r1 #2-#2 shutdown gone 01-03"}},
			{&gitstorev1.SearchConfigsRequest{Q: " c", DeviceIds: []string{r1}}, []string{"r1 #4-#4 description c gone 01-05"}},
			// A revision counts until the next one was recorded.
			{&gitstorev1.SearchConfigsRequest{Q: "10.9.9.9", Tags: []string{"r1"}, Since: timestamppb.New(day(3))}, want[1:2]},
			{&gitstorev1.SearchConfigsRequest{Q: "10.9.9.9", Tags: []string{"r1"}, Since: timestamppb.New(day(3).Add(-time.Second))}, want[:2]},
			{&gitstorev1.SearchConfigsRequest{Q: "10.9.9.9", Tags: []string{"r1"}, Until: timestamppb.New(day(5))}, want[:1]},
			{&gitstorev1.SearchConfigsRequest{Q: "10.9.9.9", Tags: []string{"r1"}, Since: timestamppb.New(day(3)), Until: timestamppb.New(day(5))}, nil},
			{&gitstorev1.SearchConfigsRequest{Q: "10.9.9.9", Tags: []string{"r1"}, Since: timestamppb.New(day(20)), PageSize: 1}, want[1:2]},
		} {
			hits, _ := h.ever(c.in)
			require.Equal(t, c.want, hits, "%v", c.in)
		}
		h.sift()
	}
	now, _, _ := h.search(&gitstorev1.SearchConfigsRequest{Q: "10.9.9.9"})
	require.Equal(t, []string{"r1:7", "r2:5"}, now, "the newest only, of what is there")

	out, err := h.find.SearchConfigs(context.Background(), &gitstorev1.SearchConfigsRequest{Q: "10.9.9.9", History: true, Context: 1})
	require.NoError(t, err)
	first, revisions := out.GetItems()[0], h.revisions(r1)
	slices.Reverse(revisions)
	require.Equal(t, []any{r1, "r1", "cisco_ios", "running.cfg", revisions[1].GetId(), int32(5), []string{"interface Gi0/1"}, []string{" shutdown"}},
		[]any{first.GetDeviceId(), first.GetDeviceName(), first.GetPlatform(), first.GetArtifact(), first.GetRevisionId(), first.GetLine(), first.GetBefore(), first.GetAfter()})
	p := first.GetPresence()
	require.Equal(t, []string{revisions[0].GetId(), revisions[2].GetId()}, []string{p.GetFirstRevisionId(), p.GetGoneRevisionId()})
	require.Equal(t, []time.Time{day(1), day(2), day(3)}, []time.Time{p.GetFirstAt().AsTime(), p.GetLastAt().AsTime(), p.GetGoneAt().AsTime()})
	require.Nil(t, p.GetDeviceDeletedAt())
	require.Equal(t, 20, out.GetItems()[3].GetPresence().GetDeviceDeletedAt().AsTime().Day())
	require.EqualValues(t, 9, out.GetSearched())
}

// What is gone everywhere is found without reading what never had it.
func TestTheHistoryIsNarrowedDown(t *testing.T) {
	h := open(t)
	for i := range 20 {
		h.past(fmt.Sprint("other", i), "of no interest", "of none either")
	}
	h.past("r1", "x\n description Zebra-Crossing", "y", "z")
	look := func(searched int32, in *gitstorev1.SearchConfigsRequest, want ...string) {
		t.Helper()
		in.History = true
		out, err := h.find.SearchConfigs(context.Background(), in)
		require.NoError(t, err)
		require.Equal(t, searched, out.GetSearched(), "%v", in)
		hits, _ := h.ever(in)
		require.Equal(t, want, hits)
	}
	want := "r1 #1-#1 description Zebra-Crossing gone 01-02"
	look(43, &gitstorev1.SearchConfigsRequest{Q: "Zebra-Crossing"}, want) // nothing is compared yet
	h.sift()
	look(3, &gitstorev1.SearchConfigsRequest{Q: "Zebra-Crossing"}, want)
	look(3, &gitstorev1.SearchConfigsRequest{Q: "zEBRA", IgnoreCase: true}, want)
	look(3, &gitstorev1.SearchConfigsRequest{Q: "(Z|z)ebra.*s", Regex: true}, want)
	look(0, &gitstorev1.SearchConfigsRequest{Q: "Zebra-Crossings"})
	look(0, &gitstorev1.SearchConfigsRequest{Q: "Zebra", Tags: []string{"other1"}})
	look(0, &gitstorev1.SearchConfigsRequest{Q: "Zebra", DeviceIds: []string{newID()}})
	look(43, &gitstorev1.SearchConfigsRequest{Q: "^ .* Z.b", Regex: true}, want) // no literal
	h.past("r2", "Zebra-Crossing", "w")
	look(5, &gitstorev1.SearchConfigsRequest{Q: "Zebra"}, want, "r2 #1-#1 description Zebra-Crossing gone 01-02")
	h.start()
	h.sift()
	look(5, &gitstorev1.SearchConfigsRequest{Q: "Zebra"}, want, "r2 #1-#1 description Zebra-Crossing gone 01-02")
}

// A page of a few hits is a few hits, however many lines come and go.
func TestPagesOfOneHistory(t *testing.T) {
	h := open(t)
	var all []string
	for i := range 30 {
		all = append(all, fmt.Sprintf("needle always\n description needle %d\n description needle since %d", i, i/7))
	}
	h.past("r1", all...)
	whole, pages := h.ever(&gitstorev1.SearchConfigsRequest{Q: "needle", PageSize: 1000})
	require.Equal(t, 1, pages)
	require.Len(t, whole, 1+30+5)
	require.Contains(t, whole, "r1 #8-#14 description needle since 1 gone 01-15")
	for _, size := range []int32{1, 4, 7} {
		hits, pages := h.ever(&gitstorev1.SearchConfigsRequest{Q: "needle", PageSize: size})
		require.Equal(t, whole, hits)
		require.GreaterOrEqual(t, pages, len(whole)/int(size))
	}
	recent, _ := h.ever(&gitstorev1.SearchConfigsRequest{Q: "needle", PageSize: 2, Since: timestamppb.New(day(29))})
	require.Equal(t, []string{"r1 #1-#30 description needle always", "r1 #29-#29 description needle 28 gone 01-30", "r1 #29-#30 description needle since 4", "r1 #30-#30 description needle 29"}, recent)
}

func TestSecretsAreFoundInTheHistory(t *testing.T) {
	h := open(t)
	h.past("r1", "x\nsnmp-server community public RO", "x\nsnmp-server community other RO", "y\nsnmp-server community public RW")
	h.find = h.knower()
	hits, _ := h.ever(&gitstorev1.SearchConfigsRequest{Secret: "public"})
	require.Len(t, hits, 2)
	require.Regexp(t, `^r1 #1-#1 .*<secret:.* RO gone 01-02$`, hits[0])
	require.Regexp(t, `^r1 #3-#3 .*<secret:.* RW$`, hits[1])
	require.Len(t, h.trust.lines, 1)
}

func TestAPageOfTheHistoryEndsInTime(t *testing.T) {
	h := open(t)
	for i := range 20 {
		h.past(fmt.Sprint("r", i), fmt.Sprint("needle ", i), "none")
	}
	clock := time.Now()
	h.now = func() time.Time { clock = clock.Add(gitstore.PageTime); return clock }
	h.start()
	hits, pages := h.ever(&gitstorev1.SearchConfigsRequest{Q: "ne+dle", Regex: true, PageSize: 1000})
	require.Len(t, hits, 20)
	require.Len(t, slices.Compact(hits), 20, "each once")
	require.Greater(t, pages, 3)
}

// A revision that is damaged is told, hides no other one, and is never taken for compared.
func TestARevisionThatCannotBeReadIsTold(t *testing.T) {
	h := open(t)
	id := h.past("r1", "needle", "needle\n shutdown", "needle", "none")
	h.exec("UPDATE revision SET blob = '1234567890123456789012345678901234567890' WHERE device_id = $1 AND number = 2", id)
	for range 2 {
		out, err := h.find.SearchConfigs(context.Background(), &gitstorev1.SearchConfigsRequest{Q: "needle", History: true})
		require.NoError(t, err)
		require.Equal(t, []int32{4, 1}, []int32{out.GetSearched(), out.GetUnreadable()})
		require.Len(t, out.GetItems(), 1)
		require.Equal(t, []int32{1, 3}, []int32{out.GetItems()[0].GetPresence().GetFirstNumber(), out.GetItems()[0].GetNumber()})
		h.sift()
	}
	out, err := h.find.SearchConfigs(context.Background(), &gitstorev1.SearchConfigsRequest{Q: "what it took away", History: true})
	require.NoError(t, err)
	require.EqualValues(t, 1, out.GetUnreadable(), "nobody knows what was in it")
}

// A suspect is not in the history until it is accepted.
func TestAnAcceptedSuspectIsInTheHistory(t *testing.T) {
	h := open(t)
	id := newID()
	h.names[id] = "r1"
	h.put(h.result(id, "r1", withLine(strings.Repeat(" description gone-with-it\n", 30))))
	require.NotNil(t, h.put(h.result(id, "r1", withLine(" description short")))[0].GetSuspect())
	h.sift()
	hits, _ := h.ever(&gitstorev1.SearchConfigsRequest{Q: "short"})
	require.Empty(t, hits)
	_, err := h.read.AcceptRevision(context.Background(), &gitstorev1.AcceptRevisionRequest{Id: h.revisions(id)[0].GetId()})
	require.NoError(t, err)
	for range 2 {
		hits, _ = h.ever(&gitstorev1.SearchConfigsRequest{Q: "gone-with-it"})
		require.Len(t, hits, 1)
		require.Contains(t, hits[0], "r1 #1-#1 description gone-with-it gone ")
		hits, _ = h.ever(&gitstorev1.SearchConfigsRequest{Q: "short"})
		require.Equal(t, []string{"r1 #2-#2 description short"}, hits)
		h.sift()
	}
}

func TestHistoriesThatAreRefused(t *testing.T) {
	h := open(t)
	h.past("r1", "x")
	for _, in := range []*gitstorev1.SearchConfigsRequest{{Q: "x", Since: timestamppb.Now()}, {Q: "x", Until: timestamppb.Now()},
		{Q: "x", History: true, Since: timestamppb.New(day(2)), Until: timestamppb.New(day(2))}} {
		_, err := h.find.SearchConfigs(context.Background(), in)
		require.Equal(t, "FIELD_INVALID", reason(err))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := h.find.SearchConfigs(ctx, &gitstorev1.SearchConfigsRequest{Q: "x", History: true})
	require.Equal(t, codes.Canceled, status.Code(err))
}
