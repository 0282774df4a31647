package gitstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/internal/page"
	"github.com/netraven/netraven/services/gitstore"
)

// searches all pages and answers "device:line" of the hits, in order of the devices' names.
func (h *house) search(in *gitstorev1.SearchConfigsRequest) (hits []string, pages int, searched int32) {
	h.t.Helper()
	for {
		out, err := h.find.SearchConfigs(context.Background(), in)
		require.NoError(h.t, err)
		pages, searched = pages+1, searched+out.GetSearched()
		for _, i := range out.GetItems() {
			hits = append(hits, fmt.Sprintf("%s:%d", i.GetDeviceName(), i.GetLine()))
		}
		if in.PageToken = out.GetNextPageToken(); in.GetPageToken() == "" {
			slices.Sort(hits)
			return hits, pages, searched
		}
		require.Less(h.t, pages, 1000, "the list does not end")
	}
}

func (h *house) sift() {
	h.t.Helper()
	require.NoError(h.t, gitstore.SiftAll(h.service, context.Background()))
	require.NoError(h.t, gitstore.CompareAll(h.service, context.Background()))
}

// known makes a device that the inventory knows, with a configuration.
func (h *house) known(name, config string) string {
	h.t.Helper()
	id := newID()
	h.names[id] = name
	require.Equal(h.t, durable, h.put(h.result(id, name, config))[0].GetOutcome())
	return id
}

func withLine(line string) string { return strings.Replace(config1, " description old", line, 1) }

func TestSearchFindsLinesOfTheNewestMaskedTexts(t *testing.T) {
	h := open(t)
	r1 := h.known("r1", withLine(" description Uplink 10.17.233.4\n no shutdown"))
	h.known("r2", withLine(" description printer 10.17.233.41"))
	gone := newID() // not in the inventory
	h.put(h.result(gone, "gone", withLine(" description Uplink")))
	for _, indexed := range []string{"not in the index yet", "from the index", "after a restart", "without the index's folder"} {
		switch indexed {
		case "from the index":
			h.sift()
		case "after a restart":
			h.start()
		case "without the index's folder":
			require.NoError(t, os.RemoveAll(filepath.Join(h.dir, "search")))
			h.start()
		}
		for _, c := range []struct {
			in   *gitstorev1.SearchConfigsRequest
			want []string
		}{
			{&gitstorev1.SearchConfigsRequest{Q: "10.17.233.4"}, []string{"r1:5", "r2:5"}},
			{&gitstorev1.SearchConfigsRequest{Q: `10\.17\.233\.4$`, Regex: true}, []string{"r1:5"}},
			{&gitstorev1.SearchConfigsRequest{Q: "uplink"}, nil},
			{&gitstorev1.SearchConfigsRequest{Q: "uplink", IgnoreCase: true}, []string{"r1:5"}},
			{&gitstorev1.SearchConfigsRequest{Q: `(uplink|PRINTER) \d+`, IgnoreCase: true, Regex: true}, []string{"r1:5", "r2:5"}},
			{&gitstorev1.SearchConfigsRequest{Q: `^[a-z]+ [0-9]x?$|^ .o s`, Regex: true}, []string{"r1:6"}},
			{&gitstorev1.SearchConfigsRequest{Q: "efghijklmnop"}, nil}, // a secret
			{&gitstorev1.SearchConfigsRequest{Q: "<secret:"}, []string{"r1:3", "r2:3"}},
			{&gitstorev1.SearchConfigsRequest{Q: "hostname", DeviceIds: []string{r1, gone}}, []string{"r1:2"}},
			{&gitstorev1.SearchConfigsRequest{Q: "hostname", Artifact: "facts.txt"}, nil},
			{&gitstorev1.SearchConfigsRequest{Q: "hostname", Artifact: "running.cfg", Tags: []string{"r2"}}, []string{"r2:2"}},
			{&gitstorev1.SearchConfigsRequest{Q: "e", PageSize: 1}, nil},
		} {
			hits, pages, _ := h.search(c.in)
			if c.in.GetPageSize() == 1 {
				require.Greater(t, len(hits), 8)
				require.GreaterOrEqual(t, pages, len(hits))
				require.Len(t, slices.Compact(hits), len(hits), "each once")
				continue
			}
			require.Equal(t, c.want, hits, "%s: %v", indexed, c.in)
		}
	}
	out, err := h.find.SearchConfigs(context.Background(), &gitstorev1.SearchConfigsRequest{Q: "Uplink", Context: 2})
	require.NoError(t, err)
	require.Len(t, out.GetItems(), 1)
	hit, newest := out.GetItems()[0], h.revisions(r1)[0]
	require.Equal(t, []any{r1, "r1", "default", "cisco_ios", "running.cfg", newest.GetId(), int32(1)},
		[]any{hit.GetDeviceId(), hit.GetDeviceName(), hit.GetSiteName(), hit.GetPlatform(), hit.GetArtifact(), hit.GetRevisionId(), hit.GetNumber()})
	require.Equal(t, " description Uplink 10.17.233.4", hit.GetText())
	require.Equal(t, []string{"interface Gi0/1"}, hit.GetBefore()[1:])
	require.Equal(t, []string{" no shutdown", "!"}, hit.GetAfter())
}

func TestSearchFollowsWhatChanges(t *testing.T) {
	h := open(t)
	id := h.known("r1", withLine(" description a-first-text"))
	for i := range 40 {
		h.known(fmt.Sprint("other", i), withLine(fmt.Sprint(" description of no interest ", i)))
	}
	h.sift()
	h.put(h.result(id, "r1", withLine(" description another-text")))
	look := func(q string, want ...string) {
		t.Helper()
		hits, _, searched := h.search(&gitstorev1.SearchConfigsRequest{Q: q})
		require.Equal(t, want, hits)
		require.Less(t, searched, int32(5), "the others need not be read")
	}
	for range 2 {
		look("another-text", "r1:5")
		look("a-first-text")
		h.sift()
	}
	// A text that was current before, taken out of the index, is current again.
	require.NoError(t, gitstore.CheckIndex(h.service, context.Background()))
	h.put(h.result(id, "r1", withLine(" description a-first-text")))
	for range 2 {
		look("a-first-text", "r1:5")
		look("another-text")
		h.sift()
	}
	// An index that lost texts that the database believes in.
	files, err := filepath.Glob(filepath.Join(h.dir, "search", "*.sift"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	require.NoError(t, os.Truncate(files[0], 5000))
	h.start()
	look2, _, _ := h.search(&gitstorev1.SearchConfigsRequest{Q: "a-first-text"})
	require.Equal(t, []string{"r1:5"}, look2)
	h.sift()
	look("a-first-text", "r1:5")
}

func TestAPageEndsInTime(t *testing.T) {
	h := open(t)
	for i := range 100 {
		h.known(fmt.Sprint("r", i), config1)
	}
	clock := time.Now()
	h.now = func() time.Time { clock = clock.Add(gitstore.PageTime); return clock }
	h.start()
	in := &gitstorev1.SearchConfigsRequest{Q: "[0-9]zz|hostname", Regex: true, PageSize: 1000}
	hits, pages, searched := h.search(in)
	require.Len(t, hits, 100)
	require.Greater(t, pages, 2)
	require.EqualValues(t, 100, searched, "nothing twice")
}

func TestLongLinesAndManyHitsAreBounded(t *testing.T) {
	h := open(t)
	long := " description " + strings.Repeat("x", 5000) + "needle" + strings.Repeat("y\xff", 2000)
	h.known("r1", withLine(strings.TrimSuffix(strings.Repeat(long+"\n", 200), "\n")))
	out, err := h.find.SearchConfigs(context.Background(), &gitstorev1.SearchConfigsRequest{Q: "needle", PageSize: 1000, Context: 10})
	require.NoError(t, err)
	require.NotEmpty(t, out.GetItems())
	require.Less(t, len(out.GetItems()), 100)
	require.Contains(t, out.GetItems()[0].GetText(), "needle")
	require.Less(t, len(out.GetItems()[0].GetText()), 3000)
	hits, _, _ := h.search(&gitstorev1.SearchConfigsRequest{Q: "needle", PageSize: 1000, Context: 10})
	require.Len(t, slices.Compact(hits), 200)
}

func TestSearchesThatAreRefused(t *testing.T) {
	h := open(t)
	for want, in := range map[string]*gitstorev1.SearchConfigsRequest{
		"PATTERN_INVALID":    {Q: "(", Regex: true},
		"PATTERN_INVALID ":   {},
		"PATTERN_INVALID  ":  {Q: "(a{1000}){1000}", Regex: true},
		"FIELD_INVALID":      {Q: "x", Context: 11},
		"FIELD_INVALID ":     {Q: "x", DeviceIds: []string{"x"}},
		"FIELD_INVALID  ":    {Q: "x", SiteIds: []string{"x"}},
		"PAGE_TOKEN_INVALID": {Q: "x", PageToken: "x"},
		"FIELD_INVALID   ":   {Q: "x", PageToken: page.Token(newID(), "a\x00", "1")},
		"FIELD_INVALID    ":  {Q: "x", PageToken: page.Token(newID(), "a", "one")},
	} {
		_, err := h.find.SearchConfigs(context.Background(), in)
		require.Equal(t, strings.TrimSpace(want), reason(err))
		require.Equal(t, codes.InvalidArgument, status.Code(err))
	}
	nobody := gitstorev1.NewSearchServiceClient(grpctest.Serve(t, "api", &authn.Principal{UserID: "3", Username: "eve", Permissions: []string{"inventory.*"}}, h.service))
	_, err := nobody.SearchConfigs(context.Background(), &gitstorev1.SearchConfigsRequest{Q: "x"})
	require.Equal(t, "PERMISSION_DENIED", reason(err))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = h.find.SearchConfigs(ctx, &gitstorev1.SearchConfigsRequest{Q: "x"})
	require.Equal(t, codes.Canceled, status.Code(err))
}
