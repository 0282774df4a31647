package gitstore_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/services/gitstore"
)

// verify is a pass over everything.
func (h *house) verify() []gitstore.Finding {
	h.t.Helper()
	found, err := h.service.VerifyOnce(context.Background())
	require.NoError(h.t, err)
	return found
}

// packs are the packs of the first repository, oldest first.
func (h *house) packs() []string { return h.packsIn("configs") }

func (h *house) packsIn(repository string) []string {
	h.t.Helper()
	files, err := filepath.Glob(filepath.Join(h.dir, repository+".git", "objects", "pack", "*.pack"))
	require.NoError(h.t, err)
	slices.SortFunc(files, func(a, b string) int {
		x, err := os.Stat(a)
		require.NoError(h.t, err)
		y, err := os.Stat(b)
		require.NoError(h.t, err)
		return x.ModTime().Compare(y.ModTime())
	})
	return files
}

// rot turns all bytes of a file but its first and last ones.
func rot(t *testing.T, file string) {
	t.Helper()
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	for i := 12; i < len(b)-20; i++ {
		b[i] ^= 0x55
	}
	require.NoError(t, os.Chmod(file, 0o600))
	require.NoError(t, os.WriteFile(file, b, 0o600)) // the same inode: who has it open sees it too
}

func (h *house) health() map[string]any {
	return h.service.Health()["verify"].(map[string]any) //nolint:forcetypeassert // a test
}

// FAILURES 80 and a corrupt pack as input: it is found, named, restored from the mirror, and reads meanwhile say what is the matter.
func Test80ADamagedPackIsRestoredFromTheMirror(t *testing.T) {
	for name, harm := range map[string]func(t *testing.T, pack string){
		"rot":   rot,
		"short": func(t *testing.T, pack string) { t.Helper(); require.NoError(t, os.Truncate(pack, 40)) },
		"index": func(t *testing.T, pack string) { t.Helper(); rot(t, strings.TrimSuffix(pack, ".pack")+".idx") },
		"no index": func(t *testing.T, pack string) {
			t.Helper()
			require.NoError(t, os.Chmod(pack, 0o600))
			require.NoError(t, os.WriteFile(strings.TrimSuffix(pack, ".pack")+".idx", nil, 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachMirror(t, func(t *testing.T, h *house) {
				var log bytes.Buffer
				h.log = slog.New(slog.NewTextHandler(&log, nil))
				a := newID()
				h.start()
				first := h.put(h.result(a, "r1", config1))[0].GetRevisionIds()[0]
				h.put(h.result(a, "r1", config2))
				require.NoError(t, h.round())
				require.Empty(t, h.verify(), "all is well")
				want, texts := h.everything(a)
				pack := h.packs()[0]
				harm(t, pack)
				if _, err := h.content(h.viewer, first, "masked"); name == "rot" {
					require.Equal(t, "HISTORY_DAMAGED", reason(err))
					require.ErrorContains(t, err, filepath.Base(pack))
				}
				require.Empty(t, h.verify(), "it is whole again")
				require.Contains(t, log.String(), filepath.Base(pack))
				require.Empty(t, h.service.KnownDamage())
				got, gotTexts := h.everything(a)
				require.Equal(t, texts, gotTexts)
				require.Len(t, got, len(want))
				h.git("fsck", "--full", "--strict")
				aside, err := filepath.Glob(filepath.Join(h.repo(), "damaged", "*.bad"))
				require.NoError(t, err)
				require.NotEmpty(t, aside, "what was damaged is kept")
				h.put(h.result(a, "r1", config1))
				require.NoError(t, h.round())
			})
		})
	}
}

// Without a mirror people are told which file is damaged and what to do, and backups go on. A file that was put back is found good.
func Test80WithoutAMirrorTheDamageIsNamed(t *testing.T) {
	h, a, b, c := open(t), newID(), newID(), newID()
	var log bytes.Buffer
	h.log = slog.New(slog.NewTextHandler(&log, nil))
	h.start()
	first := h.put(h.result(a, "r1", config1), h.result(c, "r3", config1+"!\n"))[0].GetRevisionIds()[0]
	h.put(h.result(a, "r1", config2))
	pack := h.packs()[0]
	kept, err := os.ReadFile(pack)
	require.NoError(t, err)
	rot(t, pack)
	found := h.verify()
	require.Equal(t, filepath.Base(pack), found[0].Pack)
	require.Contains(t, found[0].What, "no mirror")
	require.Contains(t, found[0].What, "put back this file from a backup")
	revision := slices.IndexFunc(found, func(f gitstore.Finding) bool { return f.Revision == first })
	require.Positive(t, revision, "what it costs is named too")
	require.Equal(t, a, found[revision].Device)
	require.Equal(t, []string{"configs/" + filepath.Base(pack)}, h.service.KnownDamage())
	require.Equal(t, 1, h.health()["damaged_packs"], "a count: whoever asks is not signed in")
	require.Contains(t, log.String(), "a pack of the history is damaged")
	require.Contains(t, log.String(), first)
	_, err = h.content(h.viewer, first, "masked")
	require.Equal(t, "HISTORY_DAMAGED", reason(err))
	held := h.result(c, "r3", config2)
	out := h.put(h.result(b, "r2", config1), held, h.result(a, "r1", config1))
	require.Equal(t, durable, out[0].GetOutcome())
	require.Equal(t, retryLater, out[1].GetOutcome(), "nobody can tell what it shrank from")
	require.Equal(t, "HISTORY_DAMAGED", out[1].GetReason())
	require.Equal(t, durable, out[2].GetOutcome())
	h.start()
	require.Equal(t, []string{"configs/" + filepath.Base(pack)}, h.service.KnownDamage(), "a restart forgets nothing")

	require.NoError(t, os.WriteFile(pack, kept, 0o600))
	require.Empty(t, h.verify())
	require.Equal(t, 0, h.health()["damaged_packs"])
	require.Zero(t, h.health()["wrong_rows"])
	require.Equal(t, durable, h.put(held)[0].GetOutcome())
}

// The newest commit's own pack is damaged while the service is down: it comes up all the same.
func Test80AStartMendsWhatItNeeds(t *testing.T) {
	h, a := open(t), newID()
	h.mirrorTo(t.TempDir())
	h.put(h.result(a, "r1", config1))
	h.put(h.result(a, "r1", config2))
	require.NoError(t, h.round())
	head := h.head()
	require.NoError(t, os.Truncate(h.packs()[1], 50))
	mirror := h.mirror
	h.mirror = ""
	h.git("update-ref", "-d", "refs/heads/main")
	_, err := h.make()
	require.ErrorContains(t, err, "is damaged where its newest commit is")
	h.mirror = mirror
	h.start()
	require.Equal(t, head, h.head())
	require.Len(t, h.revisions(a), 2)
	h.git("fsck", "--full", "--strict")
}

// A folded pack that the mirror has not got yet: it has what the pack was made of. And while something is damaged, the mirror loses nothing.
func Test80APackTheMirrorLacksIsMadeOfItsParts(t *testing.T) {
	h, a := open(t), newID()
	h.mirrorTo(t.TempDir())
	for i := range 60 {
		h.put(h.result(a, "r1", written(fmt.Sprint("line ", i))))
	}
	require.NoError(t, h.round())
	require.NoError(t, gitstore.FoldOnce(h.service, context.Background()))
	_, texts := h.everything(a)
	folded := slices.MaxFunc(h.packs(), func(x, y string) int {
		a, err := os.Stat(x)
		require.NoError(t, err)
		b, err := os.Stat(y)
		require.NoError(t, err)
		return int(a.Size() - b.Size())
	})
	mirrored, err := filepath.Glob(filepath.Join(h.mirror, "packs", "configs", "*"))
	require.NoError(t, err)
	require.NoError(t, os.Truncate(folded, 1000))
	h.mirror, mirrored = "", append(mirrored, h.mirror)
	h.start() // it has no mirror to mend from, and remembers
	h.mirror = mirrored[len(mirrored)-1]
	require.NotEmpty(t, h.verify())
	require.NoError(t, os.Rename(filepath.Join(h.mirror, "packs"), filepath.Join(h.mirror, "away")))
	h.start()
	require.ErrorContains(t, h.round(), "is left as it is")
	require.NoError(t, os.Rename(filepath.Join(h.mirror, "away"), filepath.Join(h.mirror, "packs")))
	require.ErrorContains(t, h.round(), "is left as it is")
	still, err := filepath.Glob(filepath.Join(h.mirror, "packs", "configs", "*"))
	require.NoError(t, err)
	require.Equal(t, mirrored[:len(mirrored)-1], still)

	require.Empty(t, h.verify())
	_, got := h.everything(a)
	require.Equal(t, texts, got)
	require.NoError(t, h.round())
	h.git("fsck", "--full", "--strict")
	n, err := h.restoreTo(t)
	require.NoError(t, err)
	requireEqualNodes(t, h, n, a)
}

// A file that is gone altogether, while the service runs or while it does not: it is named as damaged, comes back, and the mirror never forgets it.
func Test80APackThatIsGoneComesBack(t *testing.T) {
	for name, when := range map[string]func(h *house, lose func()){
		"running":          func(_ *house, lose func()) { lose() },
		"stopped":          func(h *house, lose func()) { lose(); h.start() },
		"newest, at start": func(h *house, lose func()) { h.git("update-ref", "-d", "refs/heads/main"); lose(); h.start() },
	} {
		t.Run(name, func(t *testing.T) {
			h, a := open(t), newID()
			h.mirrorTo(t.TempDir())
			for _, config := range []string{config1, config2, config1} {
				h.put(h.result(a, "r1", config))
			}
			require.NoError(t, h.round())
			_, texts := h.everything(a)
			pack := h.packs()[1]
			if strings.HasPrefix(name, "newest") {
				pack = h.packs()[2]
			}
			when(h, func() {
				require.NoError(t, os.Remove(pack))
				require.NoError(t, os.Remove(strings.TrimSuffix(pack, ".pack")+".idx"))
			})
			h.put(h.result(newID(), "r2", config1)) // a commit, so that the mirror has a round to make
			require.NoError(t, h.round())
			require.FileExists(t, filepath.Join(h.mirror, "packs", "configs", filepath.Base(pack)))
			require.Empty(t, h.verify())
			_, got := h.everything(a)
			require.Equal(t, texts, got)
			h.git("fsck", "--full", "--strict")
			require.NoError(t, h.round())
			_, err := h.restoreTo(t)
			require.NoError(t, err)
		})
	}
}

// The index against git: whatever row is lost or changed is named, with its device.
func TestWrongRowsAreNamed(t *testing.T) {
	h, a, b := open(t), newID(), newID()
	h.put(h.result(a, "r1", config1), h.result(b, "r2", config1))
	h.put(h.result(a, "r1", config2))
	require.Empty(t, h.verify())
	newest := h.revisions(a)[0].GetId()
	oldest := h.revisions(a)[1].GetId()
	h.exec("CREATE TABLE kept AS TABLE revision")
	h.exec("CREATE TABLE kept_artifact AS TABLE artifact")
	for what, sql := range map[string]string{
		"the index lacks what the commit made":               "DELETE FROM revision WHERE id = '" + oldest + "'",
		"its newest revision is missing":                     "DELETE FROM revision WHERE id = '" + newest + "'",
		"the index has another digest than the commit":       "UPDATE revision SET digest = repeat('0', 64) WHERE id = '" + oldest + "'",
		"its text is not what its digest says":               "UPDATE revision SET digest = repeat('0', 64) WHERE id = '" + oldest + "'",
		"its commit or text cannot be read":                  "UPDATE revision SET blob = repeat('0a', 20) WHERE id = '" + oldest + "'",
		"its newest revision is not what is known as newest": "UPDATE artifact SET number = 7 WHERE device_id = '" + a + "'",
		"it has 2 revisions, and the newest has number 3":    "WITH r AS (UPDATE revision SET number = 3 WHERE id = '" + newest + "') UPDATE artifact SET number = 3 WHERE device_id = '" + a + "'",
		"its file in the newest commit has another text":     "UPDATE artifact SET path = 'default/r2/running.cfg' WHERE device_id = '" + a + "'; DELETE FROM artifact WHERE device_id = '" + b + "'",
		"its file is not in the newest commit":               "UPDATE artifact SET path = 'default/r9/running.cfg' WHERE device_id = '" + a + "'",
	} {
		for sql := range strings.SplitSeq(sql, ";") {
			h.exec(sql)
		}
		found := h.verify()
		require.True(t, slices.ContainsFunc(found, func(f gitstore.Finding) bool { return strings.Contains(f.What, what) && f.Device != "" }), "%s: %v", what, found)
		require.Equal(t, len(found), h.health()["wrong_rows"])
		h.exec("DELETE FROM revision")
		h.exec("DELETE FROM artifact")
		h.exec("INSERT INTO revision TABLE kept")
		h.exec("INSERT INTO artifact TABLE kept_artifact")
		require.Empty(t, h.verify())
	}
}

// A pass that is cut off goes on where it was, also in the next process.
func TestAPassGoesOnAfterARestart(t *testing.T) {
	h, a := open(t), newID()
	for i := range 5 {
		h.put(h.result(a, "r1", written(fmt.Sprint("line ", i))))
	}
	_, err := h.service.VerifyUntil(context.Background(), 20)
	require.ErrorIs(t, err, context.Canceled)
	h.start()
	rest, err := h.service.VerifyUntil(context.Background(), 1<<30)
	require.NoError(t, err)
	again, err := h.service.VerifyUntil(context.Background(), 1<<30)
	require.NoError(t, err)
	require.Equal(t, again-20, rest, "each step is done once")
}
