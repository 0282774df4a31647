package gitstore_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/services/gitstore"
)

// ports is a configuration of 3 lines a port, 4 more, and a secret.
func ports(n int) string {
	return "hostname r1\nusername ann secret 5 $1$abcd$efghijklmnopqrstuv\n" +
		strings.Repeat("interface Gi0/1\n description a port of the access layer\n!\n", n) + "!\nend\n"
}

func (h *house) accept(id string) *gitstorev1.Revision {
	h.t.Helper()
	r, err := h.read.AcceptRevision(context.Background(), &gitstorev1.AcceptRevisionRequest{Id: id})
	require.NoError(h.t, err)
	return r
}

// list answers the numbers of revisions; a suspect is 0.
func (h *house) list(device string, state gitstorev1.Revision_State) []int32 {
	h.t.Helper()
	out, err := h.read.ListRevisions(context.Background(), &gitstorev1.ListRevisionsRequest{DeviceId: device, State: state})
	require.NoError(h.t, err)
	numbers := []int32{}
	for _, r := range out.GetItems() {
		require.Equal(h.t, r.GetNumber() == 0, r.GetSuspect())
		require.Equal(h.t, r.GetSuspect(), r.GetCommit() == "")
		numbers = append(numbers, r.GetNumber())
	}
	return numbers
}

// FAILURES 72: what lost more than half is kept apart, sealed and masked; the history is as it was until a person lets it in.
func Test72AShrunkConfigurationIsKeptApart(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", ports(60)))
	head := h.head()
	short := h.result(device, "r1", ports(10))
	out := h.put(h.with(short, "facts.txt", "Cisco IOS Software, Version 15.2(4)\n"))[0]
	require.Equal(t, durable, out.GetOutcome(), "the agent need not keep it")
	require.False(t, out.GetChanged())
	require.Empty(t, out.GetRevisionIds())
	kept := out.GetSuspect()
	require.Equal(t, []any{"running.cfg", int32(184), int32(34)}, []any{kept.GetArtifact(), kept.GetLinesBefore(), kept.GetLinesNow()})
	require.Equal(t, head, h.head(), "no commit")
	require.Equal(t, []int32{0, 1}, h.list(device, 0), "also nothing of the other files of the attempt")
	require.Equal(t, []int32{1}, h.list(device, gitstorev1.Revision_ACCEPTED))
	require.Equal(t, []int32{0}, h.list(device, gitstorev1.Revision_SUSPECT))
	require.Equal(t, []int32{0}, h.list("", gitstorev1.Revision_SUSPECT), "of all devices")
	require.Equal(t, []int32{1}, h.list("", gitstorev1.Revision_ACCEPTED))
	require.Equal(t, []int32{0, 1}, h.list("", 0))

	masked, err := h.content(h.viewer, kept.GetRevisionId(), "masked")
	require.NoError(t, err)
	require.Contains(t, masked, "<secret:")
	require.NotContains(t, masked, "efghijklmnop")
	original, err := h.content(h.read, kept.GetRevisionId(), "restorable")
	require.NoError(t, err)
	require.Equal(t, ports(10), original)
	diff, err := h.read.GetDiff(context.Background(), &gitstorev1.GetDiffRequest{From: h.revisions(device)[1].GetId(), To: kept.GetRevisionId()})
	require.NoError(t, err)
	require.Contains(t, string(diff.GetData()), "running.cfg@suspect")

	_, err = h.viewer.AcceptRevision(context.Background(), &gitstorev1.AcceptRevisionRequest{Id: kept.GetRevisionId()})
	require.Equal(t, "PERMISSION_DENIED", reason(err))
	h.trust.lines = nil
	r := h.accept(kept.GetRevisionId())
	require.Equal(t, []any{kept.GetRevisionId(), int32(2), false, int32(150)}, []any{r.GetId(), r.GetNumber(), r.GetSuspect(), r.GetLinesRemoved()})
	require.Equal(t, "revision.accept", h.trust.lines[0].GetAction())
	require.Equal(t, "ann", h.trust.lines[0].GetActorName())
	require.Equal(t, r, h.accept(r.GetId()), "idempotent")
	require.Len(t, h.trust.lines, 1)
	require.Equal(t, []int32{2, 1}, h.list(device, 0))
	require.Equal(t, masked, h.git("show", "HEAD:default/r1/running.cfg"))
	require.Contains(t, h.git("log", "-1"), "NetRaven-Accepted-By: ann")
	h.git("fsck", "--full", "--strict")

	require.False(t, h.put(unchanged(h.result(device, "r1", ports(10))))[0].GetChanged(), "it is what is known now")
	require.Equal(t, kept.GetRevisionId(), h.put(short)[0].GetSuspect().GetRevisionId(), "a repeat gets the first answer")
	require.True(t, h.put(h.result(device, "r1", ports(11)))[0].GetChanged())
}

func TestTheSameSuspectIsKeptOnceAndTheNewestOnly(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", ports(60)))
	first := h.put(h.result(device, "r1", ports(10)))[0].GetSuspect().GetRevisionId()
	noise := "Building configuration...\nCurrent configuration : 120 bytes\n" + ports(10)
	again := h.put(h.result(device, "r1", noise))[0].GetSuspect().GetRevisionId()
	require.Equal(t, first, again)
	require.Equal(t, []int32{0, 1}, h.list(device, 0))
	original, err := h.content(h.read, first, "restorable")
	require.NoError(t, err)
	require.Equal(t, noise, original, "refreshed, as that of a revision is")

	other := h.put(h.result(device, "r1", ports(9)), h.result(newID(), "r2", ports(9)))
	require.NotEqual(t, first, other[0].GetSuspect().GetRevisionId())
	require.Nil(t, other[1].GetSuspect(), "the first one is never short")
	require.Equal(t, []int32{0, 1}, h.list(device, 0))
	_, err = h.read.AcceptRevision(context.Background(), &gitstorev1.AcceptRevisionRequest{Id: first})
	require.Equal(t, "REVISION_NOT_FOUND", reason(err))
}

// A whole backup, changed or as it was, takes a suspect's place; one that came before it does not.
func TestAWholeBackupTakesTheSuspectsPlace(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", ports(60)))
	late := h.result(device, "r1", ports(59))
	h.put(h.result(device, "r1", ports(10)))
	require.False(t, h.put(late)[0].GetChanged())
	require.Equal(t, []int32{0, 1}, h.list(device, 0))
	require.False(t, h.put(unchanged(h.result(device, "r1", ports(60))))[0].GetChanged())
	require.Equal(t, []int32{1}, h.list(device, 0))
	h.put(h.result(device, "r1", ports(10)))
	require.True(t, h.put(h.result(device, "r1", ports(61)))[0].GetChanged())
	require.Equal(t, []int32{2, 1}, h.list(device, 0))
}

func TestWhatIsSuspicious(t *testing.T) {
	for _, c := range []struct {
		name          string
		before, after string
		keptApart     bool
	}{
		{"half", ports(60), ports(30), false},
		{"less than half", ports(60), ports(29), true},
		{"a few lines more or less say nothing", config1, strings.Join(strings.SplitAfter(config1, "\n")[4:7], "") + "end\n", false},
		{"nothing but its end is left", ports(2), "hostname r1\nend\n", true},
		{"it grew", ports(2), ports(60), false},
		{"long lines went", "hostname r1\n" + strings.Repeat("banner motd "+strings.Repeat("x", 200)+"\n", 9) + "end\n", "hostname r1\n" + strings.Repeat("interface Gi0/1\n", 9) + "end\n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, device := open(t), newID()
			h.put(h.result(device, "r1", c.before))
			require.Equal(t, c.keptApart, h.put(h.result(device, "r1", c.after))[0].GetSuspect() != nil)
		})
	}

	h, device := open(t), newID()
	facts := strings.Repeat("Cisco IOS Software, Version 15.2(4), RELEASE SOFTWARE\n", 60)
	h.put(h.with(h.result(device, "r1", config1), "facts.txt", facts))
	require.True(t, h.put(h.with(h.result(device, "r1", config1), "facts.txt", facts[:60]))[0].GetChanged(), "only the main artifact tells what is missing")
}

// A database that was restored to the time when a suspect waited learns from git that it was accepted.
func TestAnAcceptedSuspectIsIndexedAgain(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", ports(60)))
	kept := h.put(h.result(device, "r1", ports(10)))[0].GetSuspect().GetRevisionId()
	h.dump()
	h.accept(kept)
	h.restore()
	h.start()
	require.Equal(t, []int32{2, 1}, h.list(device, 0))
	require.True(t, h.put(h.result(device, "r1", ports(11)))[0].GetChanged())
}

func TestSuspectsThatNobodyAcceptedExpire(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", ports(60)))
	h.put(h.result(device, "r1", ports(10)))
	now := time.Now().Add(29 * 24 * time.Hour)
	h.now = func() time.Time { return now }
	s, err := h.make()
	require.NoError(t, err)
	require.NoError(t, gitstore.TickOnce(s, context.Background()))
	require.Equal(t, []int32{0, 1}, h.list(device, 0))
	now = now.Add(48 * time.Hour)
	require.NoError(t, gitstore.TickOnce(s, context.Background()))
	require.Equal(t, []int32{1}, h.list(device, 0))
}
