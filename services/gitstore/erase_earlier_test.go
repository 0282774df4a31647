package gitstore_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	gitstoredb "github.com/netraven/netraven/db/gitstore"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/services/gitstore"
)

// A commit of another repository names the digest of the text that it came from. Erased text leaves no digest behind, and the index can be made again as before.
func TestAnErasedTextIsNamedByNoCommitOfAnotherRepository(t *testing.T) {
	h, a, b := open(t), newID(), newID()
	h.put(h.result(a, "r1", leaking(1)))
	leakedDigest := h.revisions(a)[0].GetDigest()
	h.put(at(h.result(b, "r2", plain(0)), "lab", "attic"))
	h.put(at(h.result(a, "r1", plain(2)), "lab", "attic")) // nothing of the text itself is there
	h.put(at(h.result(a, "r1", plain(3)), "lab", "attic"))
	h.put(h.result(b, "r2", config1), h.result(a, "r1", leaking(4)))
	h.put(at(h.result(b, "r2", strings.Replace(config1, "hostname r1", "hostname r9", 1)), "lab", "attic"), at(unchanged(h.result(a, "r1", leaking(4))), "lab", "zoo"))
	require.Contains(t, h.gitIn("attic", "log", "--format=%B"), "NetRaven-Earlier: 1 "+leakedDigest)
	before := h.headIn("attic")

	require.Equal(t, 4, h.erase(gitstore.EraseConfig{Texts: []string{leaked}}).Affected)
	require.NotContains(t, h.objectsIn("configs", "attic", "zoo"), leakedDigest)
	require.NotContains(t, h.objectsIn("configs", "attic", "zoo"), leaked)
	require.NotEqual(t, before, h.headIn("attic"))
	h.sound("configs", "attic", "zoo")
	require.Empty(t, h.verify())
	image := h.image()
	require.True(t, h.reindex(false).Written)
	require.Equal(t, image, h.image())
	wantA, wantB := h.memory(a), h.memory(b)
	h.pool = pgtest.New(t, "gitstore", gitstoredb.Migrations)
	h.start()
	requireRemembered(t, wantA, h.memory(a))
	requireRemembered(t, wantB, h.memory(b))
}
