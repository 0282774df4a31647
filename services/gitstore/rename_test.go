package gitstore_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/services/gitstore"
)

// A new name takes all files of a device along, in one commit, whether the result changes or brings them or not, and makes no revision.
func TestARenamedDeviceTakesAllItsFilesAlong(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.with(h.result(device, "r1", config1), "facts.txt", facts1))
	out := h.put(unchanged(h.result(device, "core/1", config1)))[0]
	require.Equal(t, durable, out.GetOutcome())
	require.False(t, out.GetChanged())
	require.Len(t, h.revisions(device), 2, "no text is new")
	files := h.files("configs")
	require.Len(t, files, 2)
	for _, f := range files {
		require.True(t, strings.HasPrefix(f, "default/core_1~"), f)
	}
	require.Equal(t, "2", h.commits())
	h.put(unchanged(h.result(device, "core/1", config1)))
	require.Equal(t, "2", h.commits(), "once")

	moved := h.result(device, "r3", config2) // of a site with another name too, and changed
	moved.SiteName = "lab"
	require.True(t, h.put(moved)[0].GetChanged())
	require.Equal(t, []string{"lab/r3/facts.txt", "lab/r3/running.cfg"}, h.files("configs"))
	require.Equal(t, "3", h.commits(), "one commit")
	require.Len(t, h.revisions(device), 3)
	require.Contains(t, h.git("log", "--follow", "--format=%s", "--", "lab/r3/facts.txt"), "r1: ")
	h.sound("configs")
	require.Empty(t, h.verify())

	before := h.column("SELECT concat_ws(' ', repository, path, revision_id, number, blob, text_digest, fence) FROM artifact ORDER BY 1")
	again := h.reindex(false)
	require.True(t, again.Written)
	require.EqualValues(t, 3, again.Kept)
	require.Zero(t, again.Made+again.Corrected+again.Artifacts)
	require.Equal(t, before, h.column("SELECT concat_ws(' ', repository, path, revision_id, number, blob, text_digest, fence) FROM artifact ORDER BY 1"))

	h.exec("TRUNCATE revision, artifact, original, stored_attempt CASCADE") // and from git alone
	require.EqualValues(t, 3, h.reindex(false).Made)
	require.Len(t, h.revisions(device), 3)
	require.Empty(t, h.verify())
}

// FAILURES 95: a move that the restored database does not know.
func Test95ARenameIsIndexedAgain(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.with(h.result(device, "r1", config1), "facts.txt", facts1))
	h.dump()
	h.put(unchanged(h.result(device, "r2", config1)))
	h.put(h.result(device, "r3", config2))
	h.restore()
	h.start()
	require.Len(t, h.revisions(device), 3)
	h.put(h.with(h.result(device, "r3", config1), "facts.txt", facts1))
	require.Equal(t, []string{"default/r3/facts.txt", "default/r3/running.cfg"}, h.files("configs"))
	require.Len(t, h.revisions(device), 4)
	require.Empty(t, h.verify())
}

// Devices that take each other's names do not leave files in each other's folders, whoever is backed up first.
func TestSwappedNamesSwapAllFiles(t *testing.T) {
	h, a, b := open(t), newID(), newID()
	other := strings.Replace(config1, "hostname r1", "hostname r2", 1)
	h.put(h.with(h.result(a, "one", config1), "facts.txt", facts1), h.with(h.result(b, "two", other), "facts.txt", "Cisco IOS Software, Version 12.2\n"))
	h.put(unchanged(h.result(a, "two", config1)))
	h.put(unchanged(h.result(b, "one", other)))
	require.Equal(t, []string{"default/one/facts.txt", "default/one/running.cfg", "default/two/facts.txt", "default/two/running.cfg"}, h.files("configs"))
	require.Contains(t, h.git("show", "HEAD:default/two/running.cfg"), "hostname r1")
	require.Contains(t, h.git("show", "HEAD:default/one/running.cfg"), "hostname r2")
	require.Contains(t, h.git("show", "HEAD:default/one/facts.txt"), "12.2")
	require.Len(t, h.revisions(a), 2)
	require.Len(t, h.revisions(b), 2)
	h.sound("configs")
	require.Empty(t, h.verify())
}

// What came along with a name is erased with the rest, and erasing one of two devices that swapped names leaves the other whole.
func TestErasingFollowsRenames(t *testing.T) {
	h, a, b := open(t), newID(), newID()
	h.put(h.with(h.result(a, "one", leaking(1)), "facts.txt", facts1), h.with(h.result(b, "two", plain(1)), "facts.txt", "Cisco IOS Software, Version 12.2\n"))
	h.put(unchanged(h.result(a, "two", leaking(1))))
	h.put(unchanged(h.result(b, "one", plain(1))))
	h.put(h.result(a, "two", plain(2)))
	h.erase(gitstore.EraseConfig{Texts: []string{leaked}})
	require.NotContains(t, h.objects(), leaked)
	require.Empty(t, h.verify())
	h.requireReindexed(a)
	h.requireReindexed(b)
	lists, texts := h.everything(b)
	h.erase(gitstore.EraseConfig{Devices: []string{a}, Whole: true})
	got, gotTexts := h.everything(b)
	require.Equal(t, texts, gotTexts)
	require.Len(t, got, len(lists))
	require.Equal(t, []string{"default/one/facts.txt", "default/one/running.cfg"}, h.files("configs"))
	require.NotContains(t, h.objects(), plain(2))
	require.Empty(t, h.verify())
	h.sound("configs")
}
