package gitstore_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	gitstoredb "github.com/netraven/netraven/db/gitstore"
	"github.com/netraven/netraven/internal/pgtest"
)

// remadeAndMasked is a device that was made anew under its old name, with a text that git had already, and masked anew since, twice.
func (h *house) remadeAndMasked() (device string) {
	h.t.Helper()
	device = newID()
	h.put(h.result(newID(), "r1", config1))
	h.put(h.result(device, "r1", config1))
	require.Equal(h.t, "1", h.commits(), "the row names the commit of another device")
	for _, drop := range []string{"^nothing ", "^interface "} {
		h.readBy(hidesDescriptions, drop)
		require.False(h.t, h.put(h.result(device, "r1", config1))[0].GetChanged())
	}
	return device
}

// A revision without a commit of its own is what the commits of changed pages made of it.
func TestAReindexKnowsWhatWasMaskedAnewWithoutACommitBefore(t *testing.T) {
	h := open(t)
	device := h.remadeAndMasked()
	require.Empty(t, h.verify())
	image := h.image()
	out := h.reindex(false)
	require.True(t, out.Written)
	require.Zero(t, out.Made+out.Corrected+out.Artifacts)
	require.Equal(t, image, h.image())

	h.put(h.result(device, "r1", config2))
	h.builtinPage()
	require.False(t, h.put(h.result(device, "r1", config2))[0].GetChanged())
	require.Len(t, h.revisions(device), 2)
	require.Empty(t, h.verify())
	image = h.image()
	h.reindex(false)
	require.Equal(t, image, h.image())
}

// It waits for nothing, so that what does wait for another repository is indexed in its order.
func TestWhatWasMaskedAnewWithoutACommitBeforeHoldsUpNothing(t *testing.T) {
	h, other := open(t), newID()
	device := h.remadeAndMasked()
	h.put(h.result(other, "r3", config1))
	h.put(h.result(other, "r3", config2))
	h.put(at(h.result(other, "r3", strings.Replace(config1, "hostname r1", "hostname r9", 1)), "lab", "attic"))
	want := h.memory(other)
	h.pool = pgtest.New(t, "gitstore", gitstoredb.Migrations)
	h.start()
	requireRemembered(t, want, h.memory(other))
	require.Len(t, h.revisions(device), 1)
	require.Empty(t, h.verify())
}

// A revision that no commit made went to another repository. Nothing brings what its commit there waits for, which is the oldest that waits: it goes on without, and everything else in its order.
func TestWhatWaitsForNothingGoesOnBeforeWhatIsNewer(t *testing.T) {
	h, device, other := open(t), newID(), newID()
	h.put(at(h.result(newID(), "r1", config1), "lab", "attic"))
	h.put(at(h.result(device, "r1", config1), "lab", "attic"))
	require.Equal(t, "1", strings.TrimSpace(h.gitIn("attic", "rev-list", "--count", "HEAD")))
	h.put(at(unchanged(h.result(device, "r1", config1)), "lab", "zoo"))
	h.readBy(hidesDescriptions)
	h.put(at(h.result(device, "r1", config1), "lab", "zoo"))
	h.put(at(h.result(other, "r3", config1), "lab", "zoo"))
	h.put(at(h.result(other, "r3", config2), "lab", "zoo"))
	h.put(at(h.result(other, "r3", plain(7)), "lab", "attic"))
	h.exec("UPDATE artifact SET covered = false") // git has no trace of the device that lay on the first one's text, and no need of it: that text is there
	want, image := h.memory(other), h.image()
	check := func() {
		requireRemembered(t, want, h.memory(other))
		require.Equal(t, []int32{1}, h.numbers(device))
		require.Empty(t, h.verify())
	}
	check()
	h.reindex(false)
	require.Equal(t, image, h.image())
	h.exec("TRUNCATE revision, artifact, original, stored_attempt CASCADE")
	h.reindex(false)
	check()
	h.pool = pgtest.New(t, "gitstore", gitstoredb.Migrations)
	h.start()
	check()
}
