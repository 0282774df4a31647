package gitstore_test

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	gitstoredb "github.com/netraven/netraven/db/gitstore"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/services/gitstore"
	"github.com/netraven/netraven/services/gitstore/repo"
	"github.com/netraven/netraven/services/gitstore/repo/repotest"
)

// The hub sends this many results in one call, and this many calls at once.
const (
	resultsAtOnce = 200
	callsAtOnce   = 4
)

// fleetHouse is a house that knows a configuration of each device of a fleet.
type fleetHouse struct {
	*house
	fleet *repotest.Fleet
}

func openFleet(b *testing.B, devices, sites int) *fleetHouse {
	h := &fleetHouse{house: openOn(b, pgtest.Durable(b, "gitstore", gitstoredb.Migrations)), fleet: repotest.NewFleet(devices, sites)}
	tag := gitstore.Tagger([]byte("tag key"))
	require.NoError(b, h.service.Fill(context.Background(), devices, func(i int) (string, []byte) {
		return h.fleet.Path(i), h.page.Mask(h.page.Main().Clean(h.fleet.Config(i)), tag)
	}))
	h.exec("ANALYZE")
	return h
}

func (h *fleetHouse) exec(sql string) {
	_, err := h.pool.Exec(context.Background(), sql)
	require.NoError(h.t, err)
}

// seal is what an agent sends of device i now.
func (h *fleetHouse) seal(i int) *gitstorev1.StoreResultsRequest_Item {
	r := h.result(gitstore.DeviceID(h.fleet.Name(i)).String(), h.fleet.Name(i), string(h.fleet.Config(i)))
	r.SiteName = h.fleet.Site(i)
	return r
}

// send stores results as the hub does. Every one must be durable.
func (h *fleetHouse) send(items []*gitstorev1.StoreResultsRequest_Item) []*gitstorev1.StoreResultsResponse_Item {
	out := make([]*gitstorev1.StoreResultsResponse_Item, len(items))
	var g errgroup.Group
	g.SetLimit(callsAtOnce)
	for at := 0; at < len(items); at += resultsAtOnce {
		part := items[at:min(at+resultsAtOnce, len(items))]
		g.Go(func() error {
			answer, err := h.store.StoreResults(context.Background(), &gitstorev1.StoreResultsRequest{Items: part})
			copy(out[at:], answer.GetItems())
			return err
		})
	}
	require.NoError(h.t, g.Wait())
	for _, o := range out {
		require.Equal(h.t, durable, o.GetOutcome(), o)
	}
	return out
}

// BenchmarkStore is P5: rounds of 1,000 changed devices through StoreResults, from sealed originals over PostgreSQL with fsync to the ref, each beside `git fast-import` making
// the same commits in a copy of the repository.
func BenchmarkStore(b *testing.B) {
	for _, sites := range []int{1, 300} {
		for _, files := range []int{1000, 10_000, 50_000} {
			b.Run(fmt.Sprintf("sites=%d/files=%d", sites, files), func(b *testing.B) { benchStore(b, files, sites) })
		}
	}
}

func benchStore(b *testing.B, files, sites int) {
	const round = 1000
	h := openFleet(b, files, sites)
	limit, limitHead := repotest.Copy(b, h.repo()), strings.TrimSpace(h.git("rev-parse", "HEAD"))
	ourSize, limitSize := repotest.PackBytes(b, h.repo()), repotest.PackBytes(b, limit)
	var ours, theirs time.Duration
	n := 0
	for b.Loop() {
		changed := h.fleet.Change(round)
		var items []*gitstorev1.StoreResultsRequest_Item
		for _, i := range changed {
			items = append(items, h.seal(i))
		}
		begin := time.Now()
		stored := h.send(items)
		ours += time.Since(begin)
		var same []repotest.File
		for k, i := range changed {
			require.Len(b, stored[k].GetRevisionIds(), 1)
			masked, err := h.content(h.read, stored[k].GetRevisionIds()[0], "")
			require.NoError(b, err)
			same = append(same, repotest.File{Path: h.fleet.Path(i), Content: []byte(masked), Message: messageOf(items[k])})
		}
		var took time.Duration
		took, limitHead = repotest.FastImport(b, limit, limitHead, same)
		theirs, n = theirs+took, n+len(changed)
	}
	b.ReportMetric(float64(n)/ours.Seconds(), "ours/s")
	b.ReportMetric(float64(n)/theirs.Seconds(), "limit/s")
	b.ReportMetric(float64(repotest.PackBytes(b, h.repo())-ourSize)/float64(n), "ours-B")
	b.ReportMetric(float64(repotest.PackBytes(b, limit)-limitSize)/float64(n), "limit-B")
}

// messageOf is a message as long as ours: the limit keeps the same of a commit.
func messageOf(in *gitstorev1.StoreResultsRequest_Item) string {
	artifact := in.GetArtifacts()[0]
	return repo.Message(repo.Subject(in.GetDeviceName(), artifact.GetName(), 1, 1), repo.Trailers{
		{Key: repo.TrailerRun, Value: in.GetRunId()}, {Key: repo.TrailerTask, Value: in.GetTaskId()}, {Key: repo.TrailerDevice, Value: in.GetDeviceId()},
		{Key: repo.TrailerFence, Value: strconv.FormatInt(in.GetFence(), 10)}, {Key: repo.TrailerArtifact, Value: artifact.GetName()},
		{Key: repo.TrailerDigest, Value: artifact.GetDigest()}})
}

// BenchmarkUnchanged is P6: rounds of 10,000 results that an agent calls unchanged.
func BenchmarkUnchanged(b *testing.B) {
	const devices = 10_000
	h := openFleet(b, devices, 300)
	h.exec("UPDATE artifact SET label = 'same', digest = 'same'")
	head := h.git("rev-parse", "HEAD")
	var ours time.Duration
	n := 0
	for b.Loop() {
		var items []*gitstorev1.StoreResultsRequest_Item
		for i := range devices {
			r := unchanged(h.seal(i))
			r.Artifacts[0].Label, r.Artifacts[0].Digest = "same", "same"
			items = append(items, r)
		}
		begin := time.Now()
		h.send(items)
		ours, n = ours+time.Since(begin), n+devices
	}
	require.Equal(b, head, h.git("rev-parse", "HEAD"))
	b.ReportMetric(float64(n)/ours.Seconds(), "ours/s")
}
