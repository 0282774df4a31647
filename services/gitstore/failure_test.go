package gitstore_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

const retryLater = gitstorev1.StoreResultsResponse_Item_RETRY_LATER

// FAILURES 9: it ends after the pack is written and before the database's head moves. The stray pack is ignored; the result comes again and makes one commit of the same content.
func Test09AStrayPackIsIgnored(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", config1))
	before, packs := h.head(), len(h.packs())
	lost := h.result(device, "r1", config2)
	h.exec("ALTER TABLE revision ADD CONSTRAINT power_cut CHECK (false) NOT VALID")
	_, err := h.store.StoreResults(context.Background(), &gitstorev1.StoreResultsRequest{Items: []*gitstorev1.StoreResultsRequest_Item{lost}})
	require.Error(t, err)
	require.Len(t, h.packs(), packs+1, "the pack was there already")
	h.exec("ALTER TABLE revision DROP CONSTRAINT power_cut")
	h.start()
	require.Equal(t, before, h.head())
	require.Len(t, h.revisions(device), 1)
	require.Equal(t, durable, h.put(lost)[0].GetOutcome())
	require.Equal(t, "2", h.commits())
	require.Len(t, h.revisions(device), 2)
	require.Contains(t, h.git("show", "HEAD:default/r1/running.cfg"), "description new")
	h.git("fsck", "--full", "--strict")
	require.Empty(t, h.verify())
}

// FAILURES 10: it ends after the database's head moved and before the answer. The result comes again and gets the first answer, without a second commit.
func Test10ARepeatAfterALostAnswer(t *testing.T) {
	h, device := open(t), newID()
	r := h.result(device, "r1", config1)
	first := h.put(r)[0] // the answer that got lost
	head := h.head()
	h.git("update-ref", "-d", "refs/heads/main") // nor did the ref move
	h.start()
	require.Equal(t, head, h.head())
	again := h.put(r)[0]
	require.Equal(t, durable, again.GetOutcome())
	require.True(t, again.GetChanged())
	require.Equal(t, first.GetRevisionIds(), again.GetRevisionIds())
	require.Equal(t, "1", h.commits())
}

// FAILURES 33: the disk is full, at every single step of storing a result. It is told to come again, nothing of it is there, and with room it goes in.
func Test33AFullDiskHoldsResultsBack(t *testing.T) {
	h, device := open(t), newID()
	d := &disk{room: -1}
	h.fs = d
	h.start()
	h.put(h.result(device, "r1", config1))
	for room := 0; ; room++ {
		r := h.result(device, "r1", written(strings.Repeat("a line\n", room+1)))
		before, number := h.head(), len(h.revisions(device))
		d.room = room
		out := h.put(r)[0]
		full := d.room == 0
		d.room = -1
		if out.GetOutcome() != durable {
			require.Equal(t, retryLater, out.GetOutcome())
			require.Equal(t, "DISK_FULL", out.GetReason())
			require.Equal(t, before, h.head())
			require.Len(t, h.revisions(device), number)
			out = h.put(r)[0]
		}
		require.Equal(t, durable, out.GetOutcome())
		require.Len(t, h.revisions(device), number+1)
		if !full {
			require.Greater(t, room, 8, "the steps were all there")
			break
		}
	}
	h.git("fsck", "--full", "--strict")
	require.Empty(t, h.verify())
	left, err := filepath.Glob(filepath.Join(h.repo(), "objects", "pack", "tmp_*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

// FAILURES 78: another owner moves the head in the middle of our commit. Our batch counts for nothing and is made again on top of theirs; both are in one line of history.
func Test78AnotherWriterMovesTheHead(t *testing.T) {
	h, mine, theirs := open(t), newID(), newID()
	h.put(h.result(mine, "r1", config1))
	other := *h
	other.start()
	d := &disk{room: -1}
	h.fs = d
	h.start()
	interrupt := func(times int) {
		d.named = func(name string) {
			if times > 0 && filepath.Ext(name) == ".idx" { // our pack is there, our head is not
				times--
				other.fence = max(other.fence, h.fence)
				require.True(t, other.put(other.result(theirs, "r2", written(newID())))[0].GetChanged())
			}
		}
	}
	interrupt(1)
	require.Equal(t, durable, h.put(h.result(mine, "r1", config2))[0].GetOutcome())
	require.Equal(t, "3", h.commits())
	require.Len(t, h.revisions(mine), 2)
	require.Len(t, h.revisions(theirs), 1)

	// An owner that is always faster: we give up, keep nothing, and the result goes in when it is over.
	interrupt(100)
	r := h.result(mine, "r1", config1)
	out := h.put(r)[0]
	require.Equal(t, retryLater, out.GetOutcome())
	require.Equal(t, "HEAD_MOVED", out.GetReason())
	require.Len(t, h.revisions(mine), 2)
	interrupt(0)
	require.Equal(t, durable, h.put(r)[0].GetOutcome())
	require.Len(t, h.revisions(mine), 3)
	require.Contains(t, h.git("show", "HEAD:default/r1/running.cfg"), "description old")
	h.git("fsck", "--full", "--strict")
	require.Empty(t, h.verify())
}

// FAILURES 79: the bucket is away for a day. Commits go on, the lag says how far behind it is, and it catches up by itself.
func Test79ABucketThatIsAway(t *testing.T) {
	backend := s3mem.New()
	require.NoError(t, backend.CreateBucket("backups"))
	var away atomic.Bool
	s3 := gofakes3.New(backend).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if away.Load() {
			w.WriteHeader(http.StatusForbidden) // what is tried again by the client takes its time
			return
		}
		s3.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "somebody")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "something")
	h, device := open(t), newID()
	now := time.Now()
	h.now = func() time.Time { return now }
	h.mirrorTo("s3://backups/netraven?endpoint=" + server.URL + "&region=us-east-1")
	h.put(h.result(device, "r1", config1))
	require.NoError(t, h.round())
	require.Zero(t, h.service.MirrorLag())

	away.Store(true)
	for hour := range 24 {
		require.Equal(t, durable, h.put(h.result(device, "r1", written(newID())))[0].GetOutcome(), "hour %d", hour)
		now = now.Add(time.Hour)
		require.Error(t, h.round())
	}
	require.Equal(t, 24*time.Hour, h.service.MirrorLag())
	require.Equal(t, true, h.service.Health()["mirror"].(map[string]any)["failing"]) //nolint:forcetypeassert // a test

	away.Store(false)
	require.NoError(t, h.round())
	require.Zero(t, h.service.MirrorLag())
	n, err := h.restoreTo(t)
	require.NoError(t, err)
	requireEqualNodes(t, h, n, device)
}

// FAILURES 12, from a disk that keeps no promise: the ref's file is empty. The database knows the head, so the start writes it anew, and so does a commit.
func Test12AnEmptyRefFollowsTheDatabase(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", config1))
	head, ref := h.head(), filepath.Join(h.repo(), "refs", "heads", "main")
	require.NoError(t, os.WriteFile(ref, nil, 0o600))
	h.start()
	require.Equal(t, head, h.head())
	require.NoError(t, os.WriteFile(ref, []byte("?"), 0o600))
	require.Equal(t, durable, h.put(h.result(device, "r1", config2))[0].GetOutcome())
	require.Equal(t, "2", h.commits())
	h.git("fsck", "--full", "--strict")
	require.Empty(t, h.verify())
}
