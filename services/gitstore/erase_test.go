package gitstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/services/gitstore"
)

// leaked stands in a configuration where no rule looks for it.
const leaked = "hunter2-in-clear"

// with a number, so that there are many texts.
func leaking(n int) string {
	return strings.Replace(config1, "description old", fmt.Sprintf("description %s line %d", leaked, n), 1)
}

func plain(n int) string {
	return strings.Replace(config1, "description old", fmt.Sprintf("description line %d", n), 1)
}

func (h *house) tryErase(c gitstore.EraseConfig) (*gitstore.Erased, error) {
	c.Dir = h.dir
	return gitstore.Erase(context.Background(), c, gitstore.Deps{Pool: h.pool, Now: h.now})
}

func (h *house) erase(c gitstore.EraseConfig) *gitstore.Erased {
	h.t.Helper()
	out, err := h.tryErase(c)
	require.NoError(h.t, err)
	h.start()
	return out
}

// objects is what all objects of git hold, whether anything leads to them or not.
func (h *house) objects() string { return h.git("cat-file", "--batch-all-objects", "--batch") }

// tables is what the database holds as text.
func (h *house) tables(names ...string) (all string) {
	if len(names) == 0 {
		names = []string{"revision", "artifact", "suspect", "stored_attempt", "erasure", "erased_commit"}
	}
	for _, table := range names {
		rows, err := h.pool.Query(context.Background(), "SELECT row_to_json(t)::text FROM "+table+" t")
		require.NoError(h.t, err)
		for rows.Next() {
			var s string
			require.NoError(h.t, rows.Scan(&s))
			all += s + "\n"
		}
		require.NoError(h.t, rows.Err())
	}
	return all
}

// written is a history of two devices, of which one showed a secret for a while, and another one in a change's author.
func (h *house) written() (a, b string) {
	a, b = newID(), newID()
	h.put(h.result(b, "r2", plain(0)))
	h.put(h.result(a, "r1", plain(0)), h.result(b, "r2", plain(1)))
	h.put(h.result(a, "r1", leaking(1)))
	h.put(h.result(a, "r1", leaking(2)), h.result(b, "r2", plain(2)))
	h.put(h.result(a, "r1", "! Last configuration change at 10:00:00 UTC Sun Nov 22 2026 by "+leaked+"\n"+plain(3)))
	h.put(h.result(b, "r2", plain(3)))
	h.put(h.result(a, "r1", plain(4)))
	return a, b
}

func TestErasedTextIsInNoObjectAndTheHistoryGoesOn(t *testing.T) {
	h := open(t)
	h.mirrorTo(t.TempDir())
	a, b := h.written()
	require.NoError(t, h.round())
	h.names[a], h.names[b] = "r1", "r2"
	h.sift()
	require.Contains(t, h.rows(), "description "+leaked+" line 2", "the lines that are gone are known")
	before, count, head := h.revisions(a), h.commits(), h.head()
	bLists, bTexts := h.everything(b)
	require.Contains(t, h.objects(), leaked)

	dry := h.erase(gitstore.EraseConfig{Texts: []string{leaked}, DryRun: true})
	require.Equal(t, 3, dry.Affected)
	require.Equal(t, 2, dry.Texts)
	require.Empty(t, dry.Newest)
	require.Equal(t, head, h.head(), "a dry run changes nothing")
	require.Contains(t, h.objects(), leaked)

	out := h.erase(gitstore.EraseConfig{Texts: []string{leaked}})
	require.Equal(t, dry.Affected, out.Affected)
	require.Equal(t, []gitstore.ErasedHead{{Name: "configs", OldHead: head, NewHead: h.head()}}, out.Repositories)
	require.Positive(t, out.Rewritten)
	require.Less(t, out.Rewritten, out.Commits, "commits before the first one stay")
	require.NotContains(t, h.objects(), leaked)
	require.NotContains(t, h.rows(), leaked)
	require.NoDirExists(t, filepath.Join(h.repo(), "logs"))
	h.git("fsck", "--full", "--strict")
	require.Equal(t, count, h.commits())

	after := h.revisions(a)
	require.Len(t, after, len(before))
	for i := range after {
		require.Equal(t, before[i].GetId(), after[i].GetId())
		require.Equal(t, before[i].GetCreatedAt().AsTime(), after[i].GetCreatedAt().AsTime())
		text, err := h.content(h.read, after[i].GetId(), "masked")
		require.NoError(t, err)
		require.NotContains(t, text, leaked)
		require.EqualValues(t, len(text), after[i].GetSize())
		at := h.git("show", after[i].GetCommit()+":default/r1/running.cfg")
		require.Equal(t, text, at, "index and git say the same")
		require.Contains(t, h.git("log", "-1", "--format=%B", after[i].GetCommit()), after[i].GetDigest())
	}
	require.Equal(t, "erased", after[1].GetAuthor())
	text, err := h.content(h.read, after[3].GetId(), "masked")
	require.NoError(t, err)
	require.Contains(t, text, "description <erased> line 1")
	lists, texts := h.everything(b)
	require.Equal(t, bTexts, texts)
	for i := range lists {
		require.Equal(t, bLists[i].GetDigest(), lists[i].GetDigest())
	}

	// Backups go on as if nothing had been, and the index can be made from git again.
	require.False(t, h.put(unchanged(h.result(a, "r1", plain(4))))[0].GetChanged())
	require.True(t, h.put(h.result(a, "r1", plain(5)))[0].GetChanged())
	h.sift()
	hits, _, _ := h.search(&gitstorev1.SearchConfigsRequest{Q: "line 5"})
	require.Len(t, hits, 1)
	h.requireReindexed(a)

	// The mirror follows, keeps nothing of the old history, and makes the same node again.
	require.NoError(t, h.round())
	packs, err := filepath.Glob(filepath.Join(h.mirror, "packs", "configs", "*.pack"))
	require.NoError(t, err)
	mine, err := filepath.Glob(filepath.Join(h.repo(), "objects", "pack", "*.pack"))
	require.NoError(t, err)
	require.Len(t, packs, len(mine))
	segments, err := filepath.Glob(filepath.Join(h.mirror, "originals", "*"))
	require.NoError(t, err)
	for _, s := range segments {
		b, err := os.ReadFile(s)
		require.NoError(t, err)
		require.NotContains(t, string(b), leaked, "nor who changed the device")
	}
	n, err := h.restoreTo(t)
	require.NoError(t, err)
	requireEqualNodes(t, h, n, a, b)
	require.NotContains(t, n.objects(), leaked)
}

// requireReindexed makes the index of a device anew, in a new database, from git alone.
func (h *house) requireReindexed(device string) {
	h.t.Helper()
	n := open(h.t)
	require.NoError(h.t, os.RemoveAll(n.dir))
	require.NoError(h.t, os.CopyFS(n.dir, os.DirFS(h.dir)))
	n.start()
	want, got := h.revisions(device), n.revisions(device)
	require.Len(h.t, got, len(want))
	for i := range want {
		require.Equal(h.t, want[i].GetDigest(), got[i].GetDigest())
		require.Equal(h.t, want[i].GetCommit(), got[i].GetCommit())
		require.Equal(h.t, want[i].GetLinesAdded(), got[i].GetLinesAdded())
		require.Equal(h.t, want[i].GetLinesRemoved(), got[i].GetLinesRemoved())
		require.Equal(h.t, want[i].GetNumber(), got[i].GetNumber())
	}
}

// What only the mirror has, because the database was restored to an older moment, is written anew too: it says who changed the device. And shredding goes on after an erasure, also on a
// clock that stands still.
func TestErasuresReachWhatOnlyTheMirrorHas(t *testing.T) {
	h := open(t)
	now := time.Now()
	h.now = func() time.Time { return now }
	h.mirrorTo(t.TempDir())
	a := newID()
	h.put(h.result(a, "r1", plain(0)))
	h.dump()
	by := "! Last configuration change at 10:00:00 UTC Sun Nov 22 2026 by " + leaked + "\n"
	h.put(h.result(a, "r1", by+plain(1)))
	h.put(h.result(a, "r1", plain(2)))
	require.NoError(t, h.round())
	h.restore()
	h.start()
	require.NoError(t, h.round())
	segments := func() (all string) {
		found, err := filepath.Glob(filepath.Join(h.mirror, "originals", "*"))
		require.NoError(t, err)
		for _, f := range found {
			b, err := os.ReadFile(f)
			require.NoError(t, err)
			all += string(b)
		}
		return all
	}
	require.Contains(t, segments(), leaked)
	h.erase(gitstore.EraseConfig{Texts: []string{leaked}})
	require.NoError(t, h.round())
	require.NotContains(t, segments(), leaked)
	list, err := h.recovered(gitstore.RecoverConfig{List: true})
	require.NoError(t, err)
	require.Len(t, list, 3)
	n, err := h.restoreTo(t)
	require.NoError(t, err)
	require.Equal(t, "erased", n.revisions(a)[1].GetAuthor(), "as the commit says")

	_, err = h.shred(a)
	require.NoError(t, err)
	require.NoError(t, h.round())
	require.NotContains(t, segments(), a)
}

// However an erasure breaks off, the next start finds a history that is whole, and the next erasure, or the start itself, goes on.
func TestAnErasureMayBreakOffAnywhere(t *testing.T) {
	for _, step := range []string{"packs", "database", "ref", "purge"} {
		for _, by := range []string{"start", "erase"} {
			t.Run(step+", then "+by, func(t *testing.T) {
				h := open(t)
				a, _ := h.written()
				killed := errors.New("killed")
				_, err := h.tryErase(gitstore.Broken(gitstore.EraseConfig{Texts: []string{leaked}}, step, killed))
				require.ErrorIs(t, err, killed)
				if by == "start" {
					h.start()
				}
				if by == "erase" || step == "packs" { // nothing had happened
					out := h.erase(gitstore.EraseConfig{Texts: []string{leaked}})
					require.Equal(t, map[bool]int{true: 3, false: 0}[step == "packs"], out.Affected)
				}
				require.NotContains(t, h.objects(), leaked)
				require.NotContains(t, h.tables(), leaked)
				require.Len(t, h.revisions(a), 5)
				h.git("fsck", "--full", "--strict")
				h.put(h.result(a, "r1", plain(5)))
				require.Len(t, h.revisions(a), 6)
			})
		}
	}
}

func TestWhatTheNewestTextHoldsComesBackUnlessARuleMasksIt(t *testing.T) {
	h, a := open(t), newID()
	h.put(h.result(newID(), "r2", plain(1)))
	h.put(h.result(a, "r1", leaking(1)))
	out := h.erase(gitstore.EraseConfig{Texts: []string{leaked}, Devices: []string{"default/R1"}})
	require.Equal(t, []string{a + "/running.cfg"}, out.Newest)
	again := h.put(unchanged(h.result(a, "r1", leaking(1))))[0]
	require.Equal(t, gitstorev1.StoreResultsResponse_Item_NEED_CONTENT, again.GetOutcome(), "no digest stands for a text that was erased from")
	text, err := h.restorable(h.revisions(a)[0])
	require.NoError(t, err)
	require.Contains(t, text, leaked, "the original is what it is for")

	h.readBy(`  - '(` + leaked + `.*)'`)
	require.False(t, h.put(h.result(a, "r1", leaking(1)))[0].GetChanged(), "the device is as it was")
	require.Contains(t, h.git("show", "HEAD:default/r1/running.cfg"), "description <secret:")
	require.NotContains(t, h.objects(), leaked)
	require.Empty(t, h.verify())
}

func TestWholeRevisionsAreBlanked(t *testing.T) {
	h := open(t)
	a, b := h.written()
	h.put(h.result(a, "r1", leaking(2))) // the same text again
	revs := h.revisions(a)
	out := h.erase(gitstore.EraseConfig{Revisions: []string{revs[3].GetId()}})
	require.Equal(t, 2, out.Affected, "and the same text of the same device elsewhere")
	for i, r := range h.revisions(a) {
		text, err := h.content(h.read, r.GetId(), "masked")
		require.NoError(t, err)
		_, openErr := h.restorable(r)
		if i == 0 || i == 3 {
			require.Equal(t, "<erased>\n", text)
			require.Equal(t, "ORIGINAL_NOT_KEPT", reason(openErr))
		} else {
			require.NotContains(t, text, "<erased>")
			require.NoError(t, openErr)
		}
	}
	require.Contains(t, h.objects(), leaked, "the other revision is another text")
	require.Len(t, h.revisions(b), 4)
	h.git("fsck", "--full", "--strict")
	h.requireReindexed(a)
}

func TestAllThereIsOfADevice(t *testing.T) {
	eachMirror(t, func(t *testing.T, h *house) {
		a, b := h.written()
		h.put(h.result(a, "moved", plain(8))) // renamed
		h.put(h.result(b, "r1", plain(7)))    // another one at its old place
		require.NoError(t, h.round())
		lists, texts := h.everything(b)
		head := h.head()
		out := h.erase(gitstore.EraseConfig{Devices: []string{a}, Whole: true})
		require.Equal(t, 6, out.Affected)
		require.Empty(t, h.revisions(a))
		require.NotContains(t, h.tables("revision", "artifact", "suspect"), a)
		all := h.objects()
		for _, s := range []string{a, leaked, "moved", plain(8)} {
			require.NotContains(t, all, s)
		}
		got, gotTexts := h.everything(b)
		require.Equal(t, texts, gotTexts)
		require.Len(t, got, len(lists))
		h.git("fsck", "--full", "--strict")
		require.Equal(t, "default/r1/running.cfg\n", h.git("ls-tree", "-r", "--name-only", "HEAD"))

		h.trust.lines = nil
		require.NoError(t, gitstore.TickOnce(h.service, context.Background()))
		require.EqualValues(t, 1, h.vault.shredded[a], "its key goes with the next start")
		require.NoError(t, gitstore.TickOnce(h.service, context.Background()))
		require.Len(t, h.trust.lines, 1, "once")
		line := h.trust.lines[0]
		require.Equal(t, []string{"config.erase", "configs", "OK", head, h.head()}, []string{line.GetAction(), line.GetObjectId(), line.GetOutcome(), line.GetDetails()["old_head"], line.GetDetails()["new_head"]})
		require.NoError(t, h.round())
		kept, err := h.recovered(gitstore.RecoverConfig{})
		require.NoError(t, err)
		require.Len(t, kept, 1)
		n, err := h.restoreTo(t)
		require.NoError(t, err)
		requireEqualNodes(t, h, n, b)
		require.Error(t, n.tryGit("cat-file", "-e", head))

		h.erase(gitstore.EraseConfig{Devices: []string{b}, Whole: true})
		require.Equal(t, "1\n", h.git("rev-list", "--count", "HEAD"), "a commit without files")
		require.Empty(t, h.git("ls-tree", "-r", "HEAD"))
		h.git("fsck", "--full", "--strict")
		require.NoError(t, h.round())
		require.True(t, h.put(h.result(b, "r2", plain(1)))[0].GetChanged())
	})
}

// A device that was made anew under its old name, with its old text, has no commit of its own for it.
func TestTextsThatTwoDevicesShareAreErasedTogetherOrNot(t *testing.T) {
	h, a, b := open(t), newID(), newID()
	h.put(h.result(newID(), "r2", plain(1)))
	h.put(h.result(a, "r1", leaking(1)))
	h.put(h.result(b, "r1", leaking(1)))
	for _, c := range []gitstore.EraseConfig{{Texts: []string{leaked}, Devices: []string{a}}, {Texts: []string{leaked}, Devices: []string{b}}, {Whole: true, Devices: []string{a}}} {
		_, err := h.tryErase(c)
		require.ErrorContains(t, err, "erase both together")
	}
	h.start()
	h.erase(gitstore.EraseConfig{Texts: []string{leaked}, Devices: []string{a, b}})
	require.NotContains(t, h.objects(), leaked)
	for _, d := range []string{a, b} {
		text, err := h.content(h.read, h.revisions(d)[0].GetId(), "masked")
		require.NoError(t, err)
		require.Contains(t, text, "<erased>")
	}
}

func TestSuspectsAreErasedFrom(t *testing.T) {
	h, a := open(t), newID()
	long := strings.Replace(plain(1), "!\nend", strings.Repeat("interface Gi0/2\n description a port of the access layer\n!\n", 40)+"end", 1)
	h.put(h.result(a, "r1", long))
	kept := h.put(h.result(a, "r1", leaking(1)))[0].GetSuspect()
	require.NotNil(t, kept)
	out := h.erase(gitstore.EraseConfig{Texts: []string{leaked}})
	require.Equal(t, 1, out.Suspects)
	require.Zero(t, out.Affected)
	text, err := h.content(h.read, kept.GetRevisionId(), "masked")
	require.NoError(t, err)
	require.Contains(t, text, "<erased>")
	h.accept(kept.GetRevisionId())
	require.NotContains(t, h.objects(), leaked)
	h.git("fsck", "--full", "--strict")
}

func TestErasuresThatAreRefused(t *testing.T) {
	h, a := open(t), newID()
	h.put(h.result(a, "r1", leaking(1)))
	for _, c := range []struct {
		cfg  gitstore.EraseConfig
		says string
	}{
		{gitstore.EraseConfig{}, "say what"},
		{gitstore.EraseConfig{Whole: true}, "name the devices"},
		{gitstore.EraseConfig{Texts: []string{"abc"}}, "less than 4 bytes"},
		{gitstore.EraseConfig{Texts: []string{"erased"}}, "written instead"},
		{gitstore.EraseConfig{Texts: []string{leaked}, Devices: []string{"r9"}}, `called "r9"`},
		{gitstore.EraseConfig{Revisions: []string{newID()}}, "there are only 0"},
		{gitstore.EraseConfig{Revisions: []string{newID()}, Devices: []string{"r1"}}, "name no device"},
	} {
		_, err := h.tryErase(c.cfg)
		require.ErrorContains(t, err, c.says)
	}
	h.git("tag", "mine", "HEAD")
	_, err := h.tryErase(gitstore.EraseConfig{Texts: []string{leaked}})
	require.ErrorContains(t, err, "refs/tags/mine")
	require.Contains(t, h.objects(), leaked)
}
