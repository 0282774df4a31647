package gitstore_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/seal"
	"github.com/netraven/netraven/platforms"
)

var tables = []string{"repository", "artifact", "revision", "original", "stored_attempt", "suspect", "gone"}

func (h *house) exec(sql string, args ...any) {
	h.t.Helper()
	_, err := h.pool.Exec(context.Background(), sql, args...)
	require.NoError(h.t, err)
}

// dump keeps the database as it is now, restore brings it back.
func (h *house) dump() {
	for _, t := range tables {
		h.exec("CREATE TABLE dump_" + t + " AS TABLE " + t)
	}
}

func (h *house) restore() {
	h.exec("TRUNCATE " + strings.Join(tables, ", "))
	for _, t := range tables {
		h.exec("INSERT INTO " + t + " TABLE dump_" + t)
	}
}

func (h *house) head() string { return strings.TrimSpace(h.git("rev-parse", "HEAD")) }

func (h *house) commits() string { return strings.TrimSpace(h.git("rev-list", "--count", "HEAD")) }

// with adds another artifact to a result.
func (h *house) with(in *gitstorev1.StoreResultsRequest_Item, name, text string) *gitstorev1.StoreResultsRequest_Item {
	h.t.Helper()
	for _, def := range h.page.Backup {
		if def.Name != name {
			continue
		}
		label, digest := platforms.ChangeDigest([]byte("digest "+in.GetDeviceId()), h.page, def, def.Clean([]byte(text)))
		aad := seal.ArtifactAAD{DeviceID: in.GetDeviceId(), Artifact: name, TaskID: in.GetTaskId(), Fence: in.GetFence()}
		sealed, err := seal.SealArtifact(h.vault.sealKey(in.GetDeviceId()), aad, []byte(text))
		require.NoError(h.t, err)
		in.Artifacts = append(in.Artifacts, &gitstorev1.StoredArtifact{Name: name, Label: label, Digest: digest, Sealed: sealed, Size: int32(len(text))})
		return in
	}
	require.Fail(h.t, "no artifact "+name)
	return nil
}

// remembered is a device's list of revisions without their ids and fractions of seconds, their texts, and the diffs between neighbours of one artifact.
func (h *house) remembered(device string) (revs []*gitstorev1.Revision, texts, diffs []string) {
	h.t.Helper()
	older := map[string]string{}
	for _, r := range slices.Backward(h.revisions(device)) {
		r = proto.CloneOf(r)
		text, err := h.content(h.viewer, r.GetId(), "masked")
		require.NoError(h.t, err)
		if from := older[r.GetArtifact()]; from != "" {
			d, err := h.read.GetDiff(context.Background(), &gitstorev1.GetDiffRequest{From: from, To: r.GetId()})
			require.NoError(h.t, err)
			diffs = append(diffs, string(d.GetData()))
		}
		older[r.GetArtifact()] = r.GetId()
		r.Id, r.CreatedAt = "", timestamppb.New(r.GetCreatedAt().AsTime().Truncate(time.Second))
		revs, texts = append(revs, r), append(texts, text)
	}
	return revs, texts, diffs
}

func requireSame(t *testing.T, want, got []*gitstorev1.Revision) {
	t.Helper()
	require.Len(t, got, len(want))
	for i := range want {
		require.Empty(t, got[i].GetId())
		require.True(t, proto.Equal(want[i], got[i]), "want %v\ngot  %v", want[i], got[i])
	}
}

// FAILURES 95: the database was restored to an older moment. The commits that it does not know are indexed again; the ref does not move.
func Test95NewerCommitsAreIndexedAgain(t *testing.T) {
	h, a, b, c := open(t), newID(), newID(), newID()
	facts := "Cisco IOS Software, Version 15.2(4)\n"
	h.put(h.with(h.result(a, "r1", config1), "facts.txt", facts), h.result(b, "r2", config1))
	h.dump()

	long := strings.Replace(config2, "!\nend", strings.Repeat("interface Gi0/2\n description a port of the access layer\n!\n", 40)+"end", 1)
	byAnn := "! Last configuration change at 10:00:00 UTC Sun Nov 22 2026 by ann\n" + config2
	h.put(h.with(h.result(a, "r1", long), "facts.txt", strings.Replace(facts, "15.2", "15.3", 1))) // two artifacts in one commit
	kept := h.put(h.result(a, "core/r1", config2))[0].GetSuspect()                                 // less than half: a person lets it in
	_, err := h.read.AcceptRevision(context.Background(), &gitstorev1.AcceptRevisionRequest{Id: kept.GetRevisionId()})
	require.NoError(t, err)
	h.put(h.result(a, "core/r1", config1))                      // renamed
	h.put(h.result(b, "r2", byAnn), h.result(c, "r3", config1)) // changed by somebody; new since
	last := h.result(b, "r2", config1)
	require.True(t, h.put(last)[0].GetChanged())
	head, commits := h.head(), h.commits()
	type memory struct {
		revs         []*gitstorev1.Revision
		texts, diffs []string
	}
	before := map[string]memory{}
	for _, d := range []string{a, b, c} {
		var m memory
		m.revs, m.texts, m.diffs = h.remembered(d)
		before[d] = m
	}

	h.restore()
	var log bytes.Buffer
	h.log = slog.New(slog.NewTextHandler(&log, nil))
	h.start()
	require.Equal(t, 1, strings.Count(log.String(), "level=WARN"), log.String())
	require.Contains(t, log.String(), "revisions=7 commits=6 skipped=0")
	require.Equal(t, head, h.head(), "refs never move back")
	for d, want := range before {
		revs, texts, diffs := h.remembered(d)
		requireSame(t, want.revs, revs)
		require.Equal(t, want.texts, texts)
		require.Equal(t, want.diffs, diffs)
	}
	require.Equal(t, "ann", h.revisions(b)[1].GetAuthor())

	again := h.put(last)[0]
	require.Equal(t, durable, again.GetOutcome())
	require.True(t, again.GetChanged())
	require.Equal(t, []string{h.revisions(b)[0].GetId()}, again.GetRevisionIds())
	require.Equal(t, commits, h.commits(), "a repeat makes no second commit")

	h.put(h.result(b, "r2", config2))
	require.EqualValues(t, 4, h.revisions(b)[0].GetNumber(), "numbers go on")
	h.git("fsck", "--full", "--strict")
	log.Reset()
	h.start()
	require.Empty(t, log.String(), "once is enough")
}

// The originals were in the database only. The next result brings the newest one back, though the text is the same.
func Test95TheOriginalReturnsWithTheNextResult(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", config1))
	h.dump()
	h.put(h.result(device, "r1", config2))
	h.restore()
	h.start()
	newest := h.revisions(device)[0]
	_, err := h.content(h.read, newest.GetId(), "restorable")
	require.Equal(t, "ORIGINAL_NOT_KEPT", reason(err))

	known, err := h.store.GetKnownDigests(context.Background(), &gitstorev1.GetKnownDigestsRequest{DeviceIds: []string{device}})
	require.NoError(t, err)
	require.Empty(t, known.GetItems()[0].GetDigests(), "so agents send bytes")
	require.Equal(t, gitstorev1.StoreResultsResponse_Item_NEED_CONTENT, h.put(unchanged(h.result(device, "r1", config2)))[0].GetOutcome())
	nameless := unchanged(h.result(device, "r1", config2))
	nameless.Artifacts[0].Label, nameless.Artifacts[0].Digest = "", ""
	require.Equal(t, gitstorev1.StoreResultsResponse_Item_NEED_CONTENT, h.put(nameless)[0].GetOutcome(), "no label fits the missing one")

	out := h.put(h.result(device, "r1", config2))[0]
	require.Equal(t, durable, out.GetOutcome())
	require.False(t, out.GetChanged())
	original, err := h.content(h.read, newest.GetId(), "restorable")
	require.NoError(t, err)
	require.Equal(t, config2, original)
	require.Equal(t, durable, h.put(unchanged(h.result(device, "r1", config2)))[0].GetOutcome(), "from now on the digest is enough")
}

// A start that is cut short leaves whole batches behind; the next one goes on after them. The database may be empty, too.
func Test95AnInterruptedIndexingGoesOn(t *testing.T) {
	h := open(t)
	h.dump()
	var devices []string
	for len(devices) < 600 {
		var items []*gitstorev1.StoreResultsRequest_Item
		for range 200 {
			devices = append(devices, newID())
			items = append(items, h.result(devices[len(devices)-1], fmt.Sprintf("d%03d", len(devices)), strings.Replace(config1, "r1", fmt.Sprint("d", len(devices)), 1)))
		}
		h.put(items...)
	}
	head := h.head()
	h.restore()
	h.exec(fmt.Sprintf("ALTER TABLE revision ADD CONSTRAINT power_cut CHECK (device_id <> '%s')", devices[549]))
	_, err := h.make()
	require.ErrorContains(t, err, "power_cut")
	require.Equal(t, 500, h.count())
	require.Equal(t, head, h.head())

	h.exec("ALTER TABLE revision DROP CONSTRAINT power_cut")
	h.start()
	require.Equal(t, 600, h.count())
	for _, d := range []string{devices[0], devices[499], devices[500], devices[599]} {
		require.Len(t, h.revisions(d), 1)
	}
}

func (h *house) count() (n int) {
	h.t.Helper()
	require.NoError(h.t, h.pool.QueryRow(context.Background(), "SELECT count(*) FROM revision").Scan(&n))
	return n
}

// A file that had the same text before its commit is not among the changed ones: a device that was made anew under its old name.
func Test95AFileThatWasThereAlreadyIsFound(t *testing.T) {
	h, first, second := open(t), newID(), newID()
	facts := "Cisco IOS Software, Version 15.2(4)\n"
	h.put(h.with(h.result(first, "r1", config1), "facts.txt", facts))
	h.dump()
	h.put(h.with(h.result(second, "r1", config2), "facts.txt", facts))
	want, _, _ := h.remembered(second)
	require.Len(t, want, 2)
	h.restore()
	h.start()
	got, _, _ := h.remembered(second)
	requireSame(t, want, got)
}

// Commits that people made by hand are stepped over: they are in git for everybody to see, and say nothing about devices.
func Test95CommitsOfOthersAreSteppedOver(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", config1))
	tree := strings.TrimSpace(h.git("rev-parse", "HEAD^{tree}"))
	foreign := strings.TrimSpace(h.git("-c", "user.name=ann", "-c", "user.email=ann@localhost", "commit-tree", tree, "-p", "HEAD", "-m", "by hand"))
	h.git("update-ref", "refs/heads/main", foreign)
	h.start()
	require.Equal(t, foreign, h.head())
	h.put(h.result(device, "r1", config2))
	require.Len(t, h.revisions(device), 2)
	require.Equal(t, "3", h.commits())
}

// Histories that part cannot be put together: the service says so and touches nothing.
func Test95AnotherHistoryIsRefused(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", config1))
	was := h.head()
	tree := strings.TrimSpace(h.git("rev-parse", "HEAD^{tree}"))
	other := strings.TrimSpace(h.git("-c", "user.name=ann", "-c", "user.email=ann@localhost", "commit-tree", tree, "-m", "another root"))
	h.git("update-ref", "refs/heads/main", other)
	_, err := h.make()
	require.ErrorContains(t, err, "different histories")
	require.Equal(t, other, h.head())
	h.git("update-ref", "refs/heads/main", was)
	h.exec("UPDATE repository SET head = $1", strings.Repeat("0a", 20))
	_, err = h.make()
	require.ErrorContains(t, err, "older than the database")
}
