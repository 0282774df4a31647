package gitstore_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	gitstoredb "github.com/netraven/netraven/db/gitstore"
	"github.com/netraven/netraven/internal/pgtest"
)

// A device goes where a page masks its text anew, and another page gives it back as it was; then it comes home and changes. What one repository says does not tell that something happened to
// the revision in another one, and all is indexed as it was all the same.
func TestAPageThatGivesATextBackIsIndexedAgain(t *testing.T) {
	h, device := open(t), newID()
	h.put(at(h.result(device, "r1", config1), "lab", "zoo"))
	h.dump()
	h.readBy(hidesDescriptions)
	h.put(at(h.result(device, "r1", config1), "lab", "attic"))
	h.builtinPage()
	h.put(at(h.result(device, "r1", config1), "lab", "attic"))
	h.put(at(h.result(device, "r1", config2), "lab", "zoo"))
	require.Len(t, h.revisions(device), 2)
	want, image := h.memory(device), h.image()
	require.Equal(t, "attic", want.revs[0].GetRepository())
	require.NotNil(t, want.revs[0].GetRemaskedAt())
	same := func() {
		requireRemembered(t, want, h.memory(device))
		require.Empty(t, h.verify())
	}
	same()
	h.reindex(false)
	require.Equal(t, image, h.image())
	h.restore()
	h.start()
	same()
	h.pool = pgtest.New(t, "gitstore", gitstoredb.Migrations)
	h.start()
	same()
}
