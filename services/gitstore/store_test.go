package gitstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/errs"
)

const (
	durable = gitstorev1.StoreResultsResponse_Item_DURABLE
	config1 = "Building configuration...\n\nCurrent configuration : 120 bytes\n!\nhostname r1\nusername ann secret 5 $1$abcd$efghijklmnopqrstuv\ninterface Gi0/1\n description old\n!\nend\n"
)

var config2 = strings.Replace(config1, "description old", "description new", 1)

func TestOnlyAChangeMakesARevision(t *testing.T) {
	h, device := open(t), newID()
	first := h.put(h.result(device, "r1", config1))[0]
	require.Equal(t, durable, first.GetOutcome())
	require.True(t, first.GetChanged())

	again := h.put(unchanged(h.result(device, "r1", config1)))[0]
	require.Equal(t, durable, again.GetOutcome())
	require.False(t, again.GetChanged())
	noise := h.put(h.result(device, "r1", strings.Replace(config1, "120 bytes", "121 bytes", 1)))[0]
	require.False(t, noise.GetChanged(), "noise is no change, even when it comes with bytes")

	second := h.put(h.result(device, "r1", config2))[0]
	require.True(t, second.GetChanged())
	revs := h.revisions(device)
	require.Len(t, revs, 2)
	require.EqualValues(t, 2, revs[0].GetNumber(), "newest first")
	require.EqualValues(t, 1, revs[0].GetLinesAdded())
	require.EqualValues(t, 1, revs[0].GetLinesRemoved())

	diff, err := h.read.GetDiff(context.Background(), &gitstorev1.GetDiffRequest{From: revs[1].GetId(), To: revs[0].GetId()})
	require.NoError(t, err)
	require.Contains(t, string(diff.GetData()), "\n- description old\n+ description new\n")
	js, err := h.read.GetDiff(context.Background(), &gitstorev1.GetDiffRequest{From: revs[1].GetId(), To: revs[0].GetId(), Format: "json"})
	require.NoError(t, err)
	require.Contains(t, string(js.GetData()), `"lines_added":`)
}

func TestGitHoldsMaskedTextOnlyAndGitIsHappy(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", config1), h.result(newID(), "r2", config1))
	last := h.result(device, "r1", config2)
	last.Trigger = "schedule"
	h.put(last)
	h.git("fsck", "--full", "--strict")
	log := h.git("log", "-p", "--", "default/r1/running.cfg")
	require.Contains(t, log, "+ description new")
	require.Contains(t, log, "<secret:")
	require.NotContains(t, log, "efghijklmnop")
	require.Contains(t, log, "r1: running.cfg +1 -1")
	require.Equal(t, "3", strings.TrimSpace(h.git("rev-list", "--count", "HEAD")), "a commit per changed device")
	for _, trailer := range []string{"Device: " + device, "Run: " + last.GetRunId(), "Task: " + last.GetTaskId(), "Artifact: running.cfg", "Digest: " + h.revisions(device)[0].GetDigest(), "Trigger: schedule"} {
		require.Contains(t, h.git("log", "-1", "--format=%(trailers)"), "NetRaven-"+trailer+"\n")
	}
	clone := t.TempDir()
	h.git("clone", "-q", h.repo(), clone)
}

func TestTheOriginalOpensForThoseWhoMayAndLeavesATrace(t *testing.T) {
	h, device := open(t), newID()
	id := h.put(h.result(device, "r1", config1))[0].GetRevisionIds()[0]
	masked, err := h.content(h.viewer, id, "masked")
	require.NoError(t, err)
	require.NotContains(t, masked, "efghijklmnop")
	require.Empty(t, h.trust.lines)

	_, err = h.content(h.viewer, id, "restorable")
	require.Equal(t, "PERMISSION_DENIED", reason(err))
	require.Equal(t, "PERMISSION_DENIED", h.trust.lines[0].GetOutcome(), "a refusal leaves a trace too")
	original, err := h.content(h.read, id, "restorable")
	require.NoError(t, err)
	require.Equal(t, config1, original, "byte for byte")
	require.Equal(t, "config.read_secret", h.trust.lines[1].GetAction())
	require.Equal(t, id, h.trust.lines[1].GetObjectId())

	fresh := strings.Replace(config1, "120 bytes", "130 bytes", 1)
	h.put(h.result(device, "r1", fresh))
	original, err = h.content(h.read, id, "restorable")
	require.NoError(t, err)
	require.Equal(t, fresh, original, "refreshed though the masked text is the same")
}

// FAILURES 10, 26: the same result again gets the first answer and no second commit.
func Test26ARepeatGetsTheFirstAnswer(t *testing.T) {
	h, device := open(t), newID()
	r := h.result(device, "r1", config1)
	first := h.put(r)[0]
	for range 2 {
		again := h.put(r)[0]
		require.Equal(t, first.GetRevisionIds(), again.GetRevisionIds())
		require.True(t, again.GetChanged())
	}
	twice := h.result(device, "r1", config2)
	both := h.put(twice, twice)
	require.Equal(t, both[0].GetRevisionIds(), both[1].GetRevisionIds(), "also within one call")
	h.start()
	require.Equal(t, first.GetRevisionIds(), h.put(r)[0].GetRevisionIds(), "also after a restart")
	require.Len(t, h.revisions(device), 2)
	require.Equal(t, "2", strings.TrimSpace(h.git("rev-list", "--count", "HEAD")))
}

// FAILURES 15, 27: a late result never goes over newer content.
func Test27AStaleFenceIsAnObservation(t *testing.T) {
	h, device := open(t), newID()
	late := h.result(device, "r1", config1)
	h.put(h.result(device, "r1", config2))
	out := h.put(late)[0]
	require.Equal(t, durable, out.GetOutcome())
	require.False(t, out.GetChanged())
	require.Len(t, h.revisions(device), 1)
	content, err := h.content(h.read, h.revisions(device)[0].GetId(), "")
	require.NoError(t, err)
	require.Contains(t, content, "description new")
}

func TestUnchangedIsBelievedOnlyForTheKnownDigest(t *testing.T) {
	h, device := open(t), newID()
	out := h.put(unchanged(h.result(device, "r1", config1)))[0]
	require.Equal(t, gitstorev1.StoreResultsResponse_Item_NEED_CONTENT, out.GetOutcome())
	require.Equal(t, []string{"running.cfg"}, out.GetArtifacts())
	h.put(h.result(device, "r1", config1))
	require.Equal(t, gitstorev1.StoreResultsResponse_Item_NEED_CONTENT, h.put(unchanged(h.result(device, "r1", config2)))[0].GetOutcome())
	known, err := h.store.GetKnownDigests(context.Background(), &gitstorev1.GetKnownDigestsRequest{DeviceIds: []string{device, newID()}})
	require.NoError(t, err)
	require.Len(t, known.GetItems()[0].GetDigests(), 1)
	require.Empty(t, known.GetItems()[1].GetDigests())
}

// FAILURES 62, 63: what was not sealed for this device and attempt, or is not what its digest says, is refused; the rest of the call goes on.
func Test63ForgedResultsAreRejected(t *testing.T) {
	h := open(t)
	stolen, moved, wrong, unknown := h.result(newID(), "a", config1), h.result(newID(), "b", config1), h.result(newID(), "c", config1), h.result(newID(), "d", config1)
	stolen.DeviceId = newID()
	moved.Fence += 100
	wrong.Artifacts[0].Digest = strings.Repeat("0", 64)
	unknown.PageDigest = "nope"
	out := h.put(stolen, moved, wrong, unknown, h.result(newID(), "e", config1))
	for i, want := range []string{"SEAL_BROKEN", "SEAL_BROKEN", "DIGEST_WRONG", "PAGE_UNKNOWN"} {
		require.Equal(t, gitstorev1.StoreResultsResponse_Item_REJECTED, out[i].GetOutcome())
		require.Equal(t, want, out[i].GetReason())
	}
	require.Equal(t, durable, out[4].GetOutcome())
}

// FAILURES 31: what could never be rows is refused for good and keeps no neighbour out; sent again and again, it would fail with each.
func Test31WhatCanBeNoRowIsRefusedForGood(t *testing.T) {
	h := open(t)
	for name, harm := range map[string]func(in *gitstorev1.StoreResultsRequest_Item){
		"twice": func(in *gitstorev1.StoreResultsRequest_Item) { in.Artifacts = append(in.Artifacts, in.Artifacts[0]) },
		"unchanged twice": func(in *gitstorev1.StoreResultsRequest_Item) {
			unchanged(in)
			in.Artifacts = append(in.Artifacts, in.Artifacts[0])
		},
		"NUL":  func(in *gitstorev1.StoreResultsRequest_Item) { in.Artifacts[0].Label = "a\x00b" },
		"long": func(in *gitstorev1.StoreResultsRequest_Item) { in.Artifacts[0].Label = strings.Repeat("a", 1<<20) },
	} {
		bad := h.result(newID(), "r1", config1)
		harm(bad)
		out := h.put(bad, h.result(newID(), "r2", config1))
		require.Equal(t, []any{gitstorev1.StoreResultsResponse_Item_REJECTED, "ARTIFACTS_INVALID"}, []any{out[0].GetOutcome(), out[0].GetReason()}, name)
		require.Equal(t, durable, out[1].GetOutcome(), name)
	}
}

// FAILURES 77: without keys nothing is acknowledged, and nothing is lost.
func Test77WithoutVaultTheResultMustComeAgain(t *testing.T) {
	h := open(t)
	r := h.result(newID(), "r1", config1)
	h.vault.away = status.Error(codes.Unavailable, "down")
	require.Equal(t, gitstorev1.StoreResultsResponse_Item_RETRY_LATER, h.put(r)[0].GetOutcome())
	h.vault.away = nil
	require.Equal(t, durable, h.put(r)[0].GetOutcome())
}

// FAILURES 9, 11: the database decides. A ref that was left behind is moved up; a pack nobody names is ignored.
func Test11TheRefFollowsTheDatabase(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", config1))
	before := strings.TrimSpace(h.git("rev-parse", "HEAD"))
	h.put(h.result(device, "r1", config2))
	after := strings.TrimSpace(h.git("rev-parse", "HEAD"))
	h.git("update-ref", "refs/heads/main", before)
	h.start()
	require.Equal(t, after, strings.TrimSpace(h.git("rev-parse", "HEAD")))
}

func TestARenamedDeviceKeepsItsHistoryAndLeavesNoFileBehind(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", config1))
	h.put(h.result(device, "core/../1", config2))
	require.Len(t, h.revisions(device), 2)
	files := h.git("ls-tree", "-r", "--name-only", "HEAD")
	require.NotContains(t, files, "default/r1/")
	require.NotContains(t, files, "/../")
	require.Equal(t, 1, strings.Count(files, "running.cfg"))
	h.git("fsck", "--full", "--strict")
}

func TestSwappedNamesLoseNothing(t *testing.T) {
	h, a, b := open(t), newID(), newID()
	other := strings.Replace(config1, "hostname r1", "hostname r2", 1)
	h.put(h.result(a, "one", config1), h.result(b, "two", other))
	h.put(h.result(a, "two", config2), h.result(b, "one", other+"!\n"))
	require.Contains(t, h.git("show", "HEAD:default/two/running.cfg"), "description new")
	require.Contains(t, h.git("show", "HEAD:default/one/running.cfg"), "hostname r2")
}

func TestNamesThatDifferInCaseOnlyDoNotMeet(t *testing.T) {
	h := open(t)
	h.put(h.result(newID(), "R1", config1))
	h.put(h.result(newID(), "r1", config2))
	files := strings.Fields(h.git("ls-tree", "-r", "--name-only", "HEAD"))
	require.Len(t, files, 2)
	require.NotEqual(t, strings.ToLower(files[0]), strings.ToLower(files[1]))
}

// Also when they are new in the same call, are changed later, or come by being renamed.
func TestTwinsKeepTheirPlaces(t *testing.T) {
	h, a, b, c := open(t), newID(), newID(), newID()
	site := func(in *gitstorev1.StoreResultsRequest_Item) *gitstorev1.StoreResultsRequest_Item {
		in.SiteName = "DEFAULT"
		return in
	}
	files := func() []string { return strings.Fields(h.git("ls-tree", "-r", "--name-only", "HEAD")) }
	h.put(h.result(a, "R1", config1), h.result(b, "r1", config1), site(h.result(c, "r9", config1)))
	first := files()
	require.Len(t, first, 3)
	h.put(h.result(a, "R1", config2), h.result(b, "r1", config2), site(h.result(c, "r9", config2)))
	require.Equal(t, first, files())
	h.put(h.result(b, "r2", config1))
	h.put(h.result(b, "r1", config2))
	folded := map[string]bool{}
	for _, f := range files() {
		place, _, _ := strings.Cut(strings.ToLower(f), "/running.cfg")
		folded[place] = true
		if site, _, _ := strings.Cut(place, "/"); site != "default" {
			require.Contains(t, site, "default~", "a site's twin is apart too")
		}
	}
	require.Len(t, folded, 3)
	require.Empty(t, h.verify())
}

func TestManyDevicesInOneCall(t *testing.T) {
	h := open(t)
	var items []*gitstorev1.StoreResultsRequest_Item
	for i := range 200 {
		items = append(items, h.result(newID(), fmt.Sprintf("d%03d", i), strings.Replace(config1, "r1", fmt.Sprint("d", i), 1)))
	}
	for _, o := range h.put(items...) {
		require.Equal(t, durable, o.GetOutcome())
	}
	require.Equal(t, "200", strings.TrimSpace(h.git("rev-list", "--count", "HEAD")))
	h.git("fsck", "--full", "--strict")
}

func TestBadRequests(t *testing.T) {
	h := open(t)
	_, err := h.read.GetRevision(context.Background(), &gitstorev1.GetRevisionRequest{Id: "nope"})
	require.Equal(t, "REVISION_NOT_FOUND", reason(err))
	_, err = h.read.GetRevision(context.Background(), &gitstorev1.GetRevisionRequest{Id: newID()})
	require.Equal(t, "REVISION_NOT_FOUND", reason(err))
	id := h.put(h.result(newID(), "r1", config1))[0].GetRevisionIds()[0]
	_, err = h.content(h.read, id, "plain")
	require.Equal(t, "VIEW_UNKNOWN", reason(err))
	_, err = h.read.GetDiff(context.Background(), &gitstorev1.GetDiffRequest{From: id})
	require.Equal(t, "to", errs.From(err).Details()[0].Field)
	_, err = h.read.GetDiff(context.Background(), &gitstorev1.GetDiffRequest{From: id, To: id, Format: "html"})
	require.Equal(t, "FORMAT_UNKNOWN", reason(err))
	_, err = h.store.StoreResults(context.Background(), &gitstorev1.StoreResultsRequest{Items: []*gitstorev1.StoreResultsRequest_Item{{DeviceId: "x"}}})
	require.Equal(t, "FIELD_INVALID", reason(err))
	require.Empty(t, h.revisions("nope"))
}
