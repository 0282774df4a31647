package gitstore_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	gitstoredb "github.com/netraven/netraven/db/gitstore"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/services/gitstore"
)

// A device moved to another repository with a change that is erased: its texts before and after are the same then, and still two revisions for whoever makes the index from git. What
// the commit there said of the text before is no longer of the one that was erased.
func TestAMoveWithAChangeThatIsErasedStaysARevision(t *testing.T) {
	for name, texts := range map[string][]string{
		"both":   {leaked, "hunter3-in-clear"},
		"before": {leaked},
	} {
		t.Run(name, func(t *testing.T) {
			h, a := open(t), newID()
			h.mirrorTo(t.TempDir())
			later := strings.ReplaceAll(leaking(1), leaked, "hunter3-in-clear")
			h.put(h.result(a, "r1", leaking(1)))
			was := h.revisions(a)[0].GetDigest()
			h.put(at(h.result(a, "r1", later), "lab", "zoo"))
			h.put(h.result(a, "r1", later)) // and back, which is no revision
			require.Len(t, h.revisions(a), 2)
			require.Contains(t, h.objectsIn("zoo"), was)

			h.erase(gitstore.EraseConfig{Texts: texts})
			require.NotContains(t, h.objectsIn("configs", "zoo"), was, "with the rest of the text, its digest tells whether a guess at what was erased is right")
			h.sound("configs", "zoo")
			require.Empty(t, h.verify())
			before, places := h.memory(a), h.places()
			image := h.image()
			h.reindex(false)
			require.Equal(t, image, h.image())
			h.pool = pgtest.New(t, "gitstore", gitstoredb.Migrations)
			h.start()
			require.Equal(t, places, h.places())
			requireRemembered(t, before, h.memory(a))
			require.Empty(t, h.verify())
		})
	}
}

// What an erasure left without a change is a device's own still: another one with the same texts may be erased alone.
func TestTextsThatAnErasureMadeTheSameAreEachDevicesOwn(t *testing.T) {
	h, a, b := open(t), newID(), newID()
	later := strings.ReplaceAll(leaking(1), leaked, "hunter3-in-clear")
	for _, text := range []string{leaking(1), later} {
		h.put(h.result(a, "r1", text))
		h.put(h.result(b, "r2", text))
	}
	h.erase(gitstore.EraseConfig{Texts: []string{leaked, "hunter3-in-clear"}})
	want := h.memory(b)
	h.erase(gitstore.EraseConfig{Devices: []string{a}, Whole: true})
	require.Empty(t, h.revisions(a))
	require.Equal(t, want.texts, h.memory(b).texts)
	require.Equal(t, []string{"default/r2/running.cfg"}, h.files("configs"))
	require.Empty(t, h.verify())
	h.sound("configs")
}
