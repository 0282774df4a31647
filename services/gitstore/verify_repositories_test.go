package gitstore_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	gitstoredb "github.com/netraven/netraven/db/gitstore"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/services/gitstore"
)

// FAILURES 80 in a second repository: its packs are damaged, or gone altogether, and come back from the one mirror; the first one goes on meanwhile.
func Test80APackOfASecondRepositoryComesBack(t *testing.T) {
	lose := func(t *testing.T, h *house, pack string) {
		t.Helper()
		require.NoError(t, os.Remove(pack))
		require.NoError(t, os.Remove(strings.TrimSuffix(pack, ".pack")+".idx"))
		h.start() // nobody knows that there was one, until the mirror is looked at
		require.NoError(t, h.round())
	}
	for name, harm := range map[string]func(t *testing.T, h *house, pack string){
		"rot":  func(t *testing.T, _ *house, pack string) { t.Helper(); rot(t, pack) },
		"gone": lose, "newest gone": lose,
	} {
		t.Run(name, func(t *testing.T) {
			eachMirror(t, func(t *testing.T, h *house) {
				var log bytes.Buffer
				h.log = slog.New(slog.NewTextHandler(&log, nil))
				h.start()
				a := newID()
				h.travel(a)
				require.NoError(t, h.round())
				require.Empty(t, h.verify(), "moves and what came before them fit together")
				want := h.memory(a)
				packs := h.packsIn("zoo")
				pack := packs[0]
				if name == "newest gone" {
					pack = packs[len(packs)-1]
				}
				log.Reset()
				harm(t, h, pack)
				require.Empty(t, h.verify())
				require.Contains(t, log.String(), "repository=zoo pack="+filepath.Base(pack))
				require.Empty(t, h.service.KnownDamage())
				requireRemembered(t, want, h.memory(a))
				h.sound("configs", "attic", "zoo")
				h.put(at(h.result(a, "r1", written("after")), "lab", "zoo"))
				require.NoError(t, h.round())
				n, err := h.restoreTo(t)
				require.NoError(t, err)
				requireEqualNodes(t, h, n, a)
			})
		})
	}
}

// Without a mirror its damage is named with its repository, and keeps no other repository from anything.
func Test80DamageStaysInItsRepository(t *testing.T) {
	h, a, b := open(t), newID(), newID()
	h.put(h.result(a, "r1", config1), at(h.result(b, "r2", config1), "lab", "zoo"))
	pack := h.packsIn("zoo")[0]
	rot(t, pack)
	found := h.verify()
	require.Equal(t, "zoo", found[0].Repository)
	require.Equal(t, filepath.Base(pack), found[0].Pack)
	require.Equal(t, []string{"zoo/" + filepath.Base(pack)}, h.service.KnownDamage())
	_, err := h.content(h.viewer, h.revisions(b)[0].GetId(), "masked")
	require.ErrorContains(t, err, "of the repository zoo is damaged")

	home := at(h.result(b, "r2", config1), "default", "")
	out := h.put(home, h.result(a, "r1", config2))
	require.Equal(t, retryLater, out[0].GetOutcome(), "what cannot be read cannot move")
	require.Equal(t, durable, out[1].GetOutcome())
	for i := range gitstore.MaxPacks {
		h.put(h.result(a, "r1", written(fmt.Sprint("line ", i))))
	}
	require.NoError(t, gitstore.FoldOnce(h.service, context.Background()))
	require.Less(t, len(h.packs()), gitstore.MaxPacks, "this one is whole, and folded")
	require.Equal(t, []string{pack}, h.packsIn("zoo"))
}

// A pass over several repositories goes on where it was, wherever that is.
func TestAPassOverSeveralRepositoriesGoesOn(t *testing.T) {
	h, a := open(t), newID()
	h.travel(a)
	all, err := h.service.VerifyUntil(context.Background(), 1<<30)
	require.NoError(t, err)
	for cut := 1; cut < all; cut += 7 {
		_, err := h.service.VerifyUntil(context.Background(), cut)
		require.ErrorIs(t, err, context.Canceled)
		h.start()
		require.Empty(t, h.verify())
	}
}

// A device that moved, back and forth: git alone says in which order its revisions came, and where it lies.
func TestAReindexOfSeveralRepositories(t *testing.T) {
	for name, harm := range map[string][]string{
		"sound":          nil,
		"rows wrong":     {"UPDATE revision SET repository = 'configs', number = number + 100, digest = 'x'"},
		"numbers turned": {"UPDATE revision SET number = 1000 - number"},
		"states wrong":   {"UPDATE artifact SET repository = 'configs', path = 'x'"},
		"head lost":      {"UPDATE repository SET head = '' WHERE name = 'zoo'"},
		"row lost":       {"DELETE FROM repository WHERE name = 'zoo'"},
		"all lost":       {"TRUNCATE revision, gone, suspect, artifact, original, stored_attempt", "UPDATE repository SET head = ''"},
	} {
		t.Run(name, func(t *testing.T) {
			h, a, b := open(t), newID(), newID()
			h.travel(a)
			h.put(at(h.result(b, "r2", config1), "lab", "zoo"), h.result(newID(), "R1", config1))
			h.put(h.with(at(unchanged(h.result(b, "r2", config1)), "lab", "attic"), "facts.txt", facts1))
			before, wantA, wantB, places := h.image(), h.memory(a), h.memory(b), h.places()
			for _, sql := range harm {
				h.exec(sql)
			}
			out := h.reindex(false)
			require.True(t, out.Written, "%+v", out)
			require.Len(t, out.Heads, 3)
			require.Zero(t, out.Foreign+out.Skipped)
			if name != "all lost" && name != "states wrong" { // the fence of a move counts for a state that is made anew
				require.Equal(t, before, h.image(), "ids and originals too")
			}
			requireRemembered(t, wantA, h.memory(a))
			requireRemembered(t, wantB, h.memory(b))
			require.Equal(t, places, h.places())
			require.Empty(t, h.verify())
			h.put(at(h.result(b, "r2", config2), "lab", "configs"))
			require.Empty(t, h.verify(), "life goes on")
		})
	}
}

// Where the order is lost with a repository, the others are indexed as they are.
func TestAReindexWithoutARepository(t *testing.T) {
	h, a := open(t), newID()
	h.travel(a)
	require.NoError(t, os.RemoveAll(filepath.Join(h.dir, "zoo.git")))
	h.pool = pgtest.New(t, "gitstore", gitstoredb.Migrations)
	out := h.reindex(false)
	require.True(t, out.Written)
	require.Len(t, h.revisions(a), 6)
	require.EqualValues(t, 6, out.Revisions)
}

// What a revision took away is told anew where it changes, and where the one before does.
func TestAReindexForgetsWhatIsGoneWhereTextsChange(t *testing.T) {
	h, a, b := open(t), newID(), newID()
	for _, config := range []string{config1, config2, written("one"), written("two")} {
		h.put(h.result(a, "r1", config), h.result(b, "r2", config))
	}
	require.NoError(t, gitstore.CompareAll(h.service, context.Background()))
	all, gone := h.column("SELECT id::text FROM revision WHERE compared ORDER BY id"), h.column("SELECT g::text FROM gone g ORDER BY revision_id")
	require.Len(t, all, 8)
	require.Len(t, gone, 6)
	h.reindex(false)
	require.Equal(t, gone, h.column("SELECT g::text FROM gone g ORDER BY revision_id"), "a sound index is left")
	require.Equal(t, all, h.column("SELECT id::text FROM revision WHERE compared ORDER BY id"))

	h.exec("UPDATE revision SET blob = (SELECT blob FROM revision WHERE device_id = $1 AND number = 4) WHERE device_id = $1 AND number = 2", a)
	h.reindex(false)
	again := h.column("SELECT number::text FROM revision WHERE NOT compared ORDER BY id")
	require.Equal(t, []string{"2", "3"}, again)
	require.Len(t, h.column("SELECT revision_id::text FROM gone"), 4)
	require.NoError(t, gitstore.CompareAll(h.service, context.Background()))
	require.Equal(t, gone, h.column("SELECT g::text FROM gone g ORDER BY revision_id"))
}
