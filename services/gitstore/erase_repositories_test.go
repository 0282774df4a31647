package gitstore_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/services/gitstore"
	"github.com/netraven/netraven/services/gitstore/remote"
	"github.com/netraven/netraven/services/gitstore/remote/remotetest"
)

// rows is every value of the database: bytes as they are where they are text.
func (h *house) rows() string {
	h.t.Helper()
	columns, err := h.pool.Query(context.Background(), `SELECT format(CASE data_type WHEN 'bytea' THEN 'SELECT encode(%2$I, ''escape'') FROM %1$I WHERE %2$I IS NOT NULL'
		ELSE 'SELECT %2$I::text FROM %1$I WHERE %2$I IS NOT NULL' END, table_name, column_name) FROM information_schema.columns WHERE table_schema = current_schema()`)
	require.NoError(h.t, err)
	queries, err := pgx.CollectRows(columns, pgx.RowTo[string])
	require.NoError(h.t, err)
	require.NotEmpty(h.t, queries)
	var all strings.Builder
	for _, q := range queries {
		rows, err := h.pool.Query(context.Background(), q)
		require.NoError(h.t, err)
		values, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(h.t, err)
		all.WriteString(strings.Join(values, "\n") + "\n")
	}
	return all.String()
}

// objectsIn is what all objects of some repositories hold.
func (h *house) objectsIn(repositories ...string) (all string) {
	for _, r := range repositories {
		all += h.gitIn(r, "cat-file", "--batch-all-objects", "--batch")
	}
	return all
}

func (h *house) headIn(repository string) string {
	return strings.TrimSpace(h.gitIn(repository, "rev-parse", "main"))
}

// movedAway is a history in which a device showed a secret, moved with it to another repository, and came back without it; a second device stays, a third has a repository of its own.
func (h *house) movedAway() (a, b, c string) {
	a, b, c = newID(), newID(), newID()
	lab := func(in *gitstorev1.StoreResultsRequest_Item) *gitstorev1.StoreResultsRequest_Item {
		return at(in, "lab", "customer-7")
	}
	h.put(h.result(b, "r2", plain(0)), at(h.result(c, "r3", plain(0)), "bank", "bank"))
	h.put(h.result(a, "r1", plain(0)))
	h.put(h.result(a, "r1", leaking(1)))
	h.put(lab(unchanged(h.result(a, "r1", leaking(1)))), h.result(b, "r2", plain(1)))
	h.put(lab(h.result(a, "r1", leaking(2))))
	h.put(lab(h.result(a, "r1", plain(2))))
	h.put(h.result(a, "r1", plain(3)))
	h.names[a], h.names[b], h.names[c] = "r1", "r2", "r3"
	h.sift()
	return a, b, c
}

func TestAnErasureReachesAllRepositoriesOfADeviceThatMoved(t *testing.T) {
	for name, cfg := range map[string]gitstore.EraseConfig{"everywhere": {}, "of the device": {Devices: []string{"r1"}}} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			h.mirrorTo(t.TempDir())
			a, b, c := h.movedAway()
			require.NoError(t, h.round())
			all := []string{"bank", "configs", "customer-7"}
			for _, r := range all[1:] {
				require.Contains(t, h.objectsIn(r), leaked)
			}
			require.Contains(t, h.rows(), leaked)
			before, bank, configs, customer := h.revisions(a), h.headIn("bank"), h.headIn("configs"), h.headIn("customer-7")
			_, bTexts := h.everything(b)

			cfg.Texts = []string{leaked}
			out := h.erase(cfg)
			require.Equal(t, 3, out.Affected, "the text, the move, and the text after it")
			require.Equal(t, 2, out.Texts)
			require.Empty(t, out.Newest)
			require.Equal(t, []gitstore.ErasedHead{{Name: "configs", OldHead: configs, NewHead: h.headIn("configs")}, {Name: "customer-7", OldHead: customer, NewHead: h.headIn("customer-7")}},
				out.Repositories)
			require.Equal(t, bank, h.headIn("bank"), "what has nothing of it stays as it is")
			require.NotContains(t, h.objectsIn(all...), leaked)
			require.NotContains(t, h.rows(), leaked)
			h.sound(all...)

			after := h.revisions(a)
			require.Len(t, after, len(before))
			for i := range after {
				require.Equal(t, []any{before[i].GetId(), before[i].GetRepository(), before[i].GetNumber()}, []any{after[i].GetId(), after[i].GetRepository(), after[i].GetNumber()})
				text, err := h.content(h.read, after[i].GetId(), "masked")
				require.NoError(t, err)
				place := map[string]string{"configs": "default", "customer-7": "lab"}[after[i].GetRepository()]
				require.Equal(t, text, h.gitIn(after[i].GetRepository(), "show", after[i].GetCommit()+":"+place+"/r1/running.cfg"))
			}
			_, texts := h.everything(b)
			require.Equal(t, bTexts, texts)
			h.requireReindexed(a)

			// What is gone is found again by what stands there now.
			h.sift()
			require.Contains(t, h.rows(), "description <erased> line 2")
			hits, _, _ := h.search(&gitstorev1.SearchConfigsRequest{Q: "<erased> line 2", History: true})
			require.Len(t, hits, 1)

			require.NoError(t, h.round())
			found, err := filepath.Glob(filepath.Join(h.mirror, "*", "*", "*.pack"))
			require.NoError(t, err)
			mine, err := filepath.Glob(filepath.Join(h.dir, "*.git", "objects", "pack", "*.pack"))
			require.NoError(t, err)
			require.Len(t, found, len(mine), "the mirror has nothing old")
			n, err := h.restoreTo(t)
			require.NoError(t, err)
			requireEqualNodes(t, h, n, a, b, c)
			require.NotContains(t, n.objectsIn(all...), leaked)

			require.True(t, h.put(at(h.result(a, "r1", plain(5)), "lab", "customer-7"))[0].GetChanged())
			require.NoError(t, h.round())
		})
	}
}

// Killed where one branch has followed and the other has not, or one old history is away and the other is not.
func TestAnErasureOfSeveralRepositoriesMayBreakOffAnywhere(t *testing.T) {
	for _, step := range []string{"packs", "database", "ref", "purge"} {
		t.Run(step, func(t *testing.T) {
			h := open(t)
			a, _, _ := h.movedAway()
			killed := errors.New("killed")
			_, err := h.tryErase(gitstore.Broken(gitstore.EraseConfig{Texts: []string{leaked}}, step, killed))
			require.ErrorIs(t, err, killed)
			h.start()
			if step == "packs" {
				h.erase(gitstore.EraseConfig{Texts: []string{leaked}})
			}
			require.NotContains(t, h.objectsIn("bank", "configs", "customer-7"), leaked)
			require.NotContains(t, h.rows(), leaked)
			h.sound("bank", "configs", "customer-7")
			h.put(at(h.result(a, "r1", plain(6)), "lab", "customer-7"))
			require.Len(t, h.revisions(a), 6)

			// Where only the old packs were left, backups went on meanwhile.
			h.exec("UPDATE erasure SET done_at = NULL")
			h.start()
			require.Len(t, h.revisions(a), 6)
			require.NotContains(t, h.tables("erasure"), `"done_at":null`)
		})
	}
}

// A repository may have had nothing but the device.
func TestAllThereIsOfADeviceThatMoved(t *testing.T) {
	h := open(t)
	h.mirrorTo(t.TempDir())
	a, b, c := h.movedAway()
	require.NoError(t, h.round())
	h.erase(gitstore.EraseConfig{Devices: []string{a}, Whole: true})
	require.Empty(t, h.revisions(a))
	for _, s := range []string{a, leaked, "40000 r1", "line 3"} {
		require.NotContains(t, h.objectsIn("configs", "customer-7"), s)
	}
	require.NotContains(t, h.tables("revision", "artifact", "gone"), a)
	require.Equal(t, "1\n", h.gitIn("customer-7", "rev-list", "--count", "main"))
	h.sound("configs", "customer-7")
	require.NoError(t, gitstore.TickOnce(h.service, context.Background()))
	require.NoError(t, h.round())
	n, err := h.restoreTo(t)
	require.NoError(t, err)
	requireEqualNodes(t, h, n, b, c)
	require.True(t, h.put(at(h.result(a, "r1", plain(1)), "lab", "customer-7"))[0].GetChanged(), "it may begin anew")
	require.Equal(t, []string{"lab/r1/running.cfg"}, h.files("customer-7"))
}

// Shredding knows no repositories, and leaves what is masked as it is.
func TestShreddingADeviceThatMovedLeavesWhatIsMasked(t *testing.T) {
	h := open(t)
	h.mirrorTo(t.TempDir())
	a, b, _ := h.movedAway()
	require.NoError(t, h.round())
	gone := h.tables("gone")
	done, err := h.shred(a)
	require.NoError(t, err)
	require.EqualValues(t, 5, done.GetOriginals())
	require.Equal(t, gone, h.tables("gone"))
	require.NoError(t, h.round())
	segments, err := filepath.Glob(filepath.Join(h.mirror, "originals", "*"))
	require.NoError(t, err)
	require.NotEmpty(t, segments)
	for _, s := range segments {
		bytes, err := os.ReadFile(s)
		require.NoError(t, err)
		require.NotContains(t, string(bytes), a)
	}
	for _, r := range h.revisions(b) {
		_, err := h.restorable(r)
		require.NoError(t, err)
	}
}

// A device that was made anew with another one's text where that lies has no commit for it there, also if its revision is in another repository.
func TestTextsThatTwoDevicesShareAfterAMoveAreErasedTogetherOrNot(t *testing.T) {
	h, a, b := open(t), newID(), newID()
	h.put(at(h.result(a, "r1", leaking(1)), "lab", "customer-7"))
	h.put(h.result(b, "r1", leaking(1)))
	h.put(at(unchanged(h.result(b, "r1", leaking(1))), "lab", "customer-7"))
	for _, d := range []string{a, b} {
		_, err := h.tryErase(gitstore.EraseConfig{Texts: []string{leaked}, Devices: []string{d}})
		require.ErrorContains(t, err, "erase both together")
	}
	h.start()
	h.erase(gitstore.EraseConfig{Texts: []string{leaked}, Devices: []string{a, b}})
	require.NotContains(t, h.objectsIn("configs", "customer-7"), leaked)
	h.sound("configs", "customer-7")
}

func TestARemoteOfARepositoryThatWasMadeAgainIsLeft(t *testing.T) {
	r, dir := openRemotes(t), remotetest.Bare(t)
	r.put(r.result(newID(), "r2", plain(0)))
	r.put(r.result(newID(), "r1", leaking(1)))
	made := r.add(https(remotetest.ServeHTTPS(t, dir)))
	pushed := r.tick(made.GetId()).GetState().GetLastPushedCommit()
	require.Equal(t, r.head(), pushed)
	r.metrics = nil
	r.erase(gitstore.EraseConfig{Texts: []string{leaked}})
	r.RemoteServiceClient = r.admin()
	require.Equal(t, remote.Diverged, r.pushNow(made.GetId()).GetState().GetReason())
	require.Equal(t, pushed, strings.TrimSpace(remotetest.Git(t, dir, "rev-parse", "main")))

	// What docs/erase.md says: take the branch away there.
	remotetest.Git(t, dir, "update-ref", "-d", "refs/heads/main")
	got := r.pushNow(made.GetId()).GetState()
	require.Empty(t, got.GetReason())
	require.Equal(t, r.head(), strings.TrimSpace(remotetest.Git(t, dir, "rev-parse", "main")))
}
