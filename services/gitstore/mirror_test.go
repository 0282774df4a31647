package gitstore_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	gitstoredb "github.com/netraven/netraven/db/gitstore"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/keyfile"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/services/gitstore"
)

// eachMirror runs a test with a mirror in a folder and one in a bucket of an S3-compatible server.
func eachMirror(t *testing.T, test func(t *testing.T, h *house)) {
	t.Run("folder", func(t *testing.T) {
		h := open(t)
		h.mirrorTo(t.TempDir())
		test(t, h)
	})
	t.Run("bucket", func(t *testing.T) {
		backend := s3mem.New()
		require.NoError(t, backend.CreateBucket("backups"))
		server := httptest.NewServer(gofakes3.New(backend).Server())
		t.Cleanup(server.Close)
		t.Setenv("AWS_ACCESS_KEY_ID", "somebody")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "something")
		h := open(t)
		h.mirrorTo("s3://backups/netraven/one?endpoint=" + server.URL + "&region=us-east-1")
		test(t, h)
	})
}

// mirrorTo starts the service again, with a mirror.
func (h *house) mirrorTo(place string) {
	h.t.Helper()
	key, err := keyfile.Open(filepath.Join(h.t.TempDir(), "gitstore.key"))
	require.NoError(h.t, err)
	h.mirror, h.key = place, key
	h.start()
}

func (h *house) round() error { return h.service.MirrorOnce(context.Background()) }

// restoreTo makes a new node of the mirror: a new folder, a new database, and a vault whose database is new too.
func (h *house) restoreTo(t *testing.T) (*house, error) { return h.restoreWith(t, false) }

func (h *house) restoreWith(t *testing.T, withoutLost bool) (*house, error) {
	t.Helper()
	n := &house{t: t, dir: filepath.Join(t.TempDir(), "gitstore"), pool: pgtest.New(t, "gitstore", gitstoredb.Migrations), page: h.page, pages: h.pages, trust: &trust{}, vault: newVault(h.vault.salt + 1)}
	public, err := gitstore.MirrorPublicKey(h.key)
	require.NoError(t, err)
	if _, err := gitstore.Restore(context.Background(), gitstore.RestoreConfig{From: h.mirror, Dir: n.dir, Trusted: public, WithoutLost: withoutLost}); err != nil {
		return nil, err
	}
	n.start()
	return n, nil
}

// everything is all that a node answers about a device: lists as they are, masked and unmasked contents, diffs.
func (h *house) everything(device string) (lists []*gitstorev1.Revision, texts []string) {
	h.t.Helper()
	lists = h.revisions(device)
	for i, r := range lists {
		for _, view := range []string{"masked", "restorable"} {
			text, err := h.content(h.read, r.GetId(), view)
			require.NoError(h.t, err)
			texts = append(texts, text)
		}
		if i > 0 {
			d, err := h.read.GetDiff(context.Background(), &gitstorev1.GetDiffRequest{From: r.GetId(), To: lists[i-1].GetId()})
			require.NoError(h.t, err)
			texts = append(texts, string(d.GetData()))
		}
	}
	return lists, texts
}

func requireEqualNodes(t *testing.T, old, restored *house, devices ...string) {
	t.Helper()
	for _, d := range devices {
		lists, texts := old.everything(d)
		got, gotTexts := restored.everything(d)
		require.NotEmpty(t, lists)
		require.Len(t, got, len(lists))
		for i := range lists {
			require.True(t, proto.Equal(lists[i], got[i]), "want %v\ngot  %v", lists[i], got[i])
		}
		require.Equal(t, texts, gotTexts)
	}
	require.Equal(t, old.head(), restored.head())
	restored.git("fsck", "--full", "--strict")
}

func TestANewNodeRestoredFromTheMirrorAnswersTheSame(t *testing.T) {
	eachMirror(t, func(t *testing.T, h *house) {
		a, b := newID(), newID()
		facts := "Cisco IOS Software, Version 15.2(4)\n"
		h.put(h.with(h.result(a, "r1", config1), "facts.txt", facts), h.result(b, "r2", config1))
		require.NoError(t, h.round())
		byAnn := "! Last configuration change at 10:00:00 UTC Sun Nov 22 2026 by ann\n" + config2
		h.put(h.result(a, "r1", byAnn))
		h.put(h.result(a, "core/r1", config1)) // renamed
		require.NoError(t, h.round())
		later := strings.Replace(config1, "120 bytes", "121 bytes", 1) // noise: the masked text is the same, the original is not
		h.put(h.result(b, "r2", later))
		h.readBy(hidesDescriptions)
		h.put(h.result(b, "r2", later))
		require.Len(t, h.revisions(b), 1)
		require.NotNil(t, h.revisions(b)[0].GetRemaskedAt())
		require.NoError(t, h.round())

		n, err := h.restoreTo(t)
		require.NoError(t, err)
		requireEqualNodes(t, h, n, a, b)
		text, err := n.content(n.read, n.revisions(b)[0].GetId(), "restorable")
		require.NoError(t, err)
		require.Equal(t, later, text, "the original is the last one")
		require.NoDirExists(t, filepath.Join(n.dir, "configs.originals"), "what is in the database lies nowhere else")

		// Life goes on there, on the same mirror too.
		n.mirror, n.key = h.mirror, h.key
		n.fence = h.fence
		n.start()
		n.put(n.result(a, "core/r1", config2))
		require.Len(t, n.revisions(a), len(h.revisions(a))+1)
		tags := n.git("show", "HEAD:default/r2/running.cfg")
		require.False(t, n.put(n.result(b, "r2", later))[0].GetChanged())
		require.NotEqual(t, tags, n.git("show", "HEAD:default/r2/running.cfg"), "the new node's tags are others, and no device changed")
		require.NoError(t, n.round())
		kept, err := n.recovered(gitstore.RecoverConfig{})
		require.NoError(t, err, "the recovery key of the old node opens what the new one writes")
		require.NotEmpty(t, kept)
		h.put(h.result(a, "core/r1", config2))
		require.ErrorContains(t, h.round(), "which this history lacks", "the old node, still running, does not write over the new one's")
		again, err := n.restoreTo(t)
		require.NoError(t, err)
		requireEqualNodes(t, n, again, a, b)
	})
}

// FAILURES 79.
func Test79TheMirrorSaysHowFarBehindItIs(t *testing.T) {
	h := open(t)
	place := t.TempDir()
	h.mirrorTo(place)
	h.put(h.result(newID(), "r1", config1))
	require.NoError(t, h.round())
	require.Equal(t, false, h.service.Health()["mirror"].(map[string]any)["failing"])
	require.Zero(t, h.service.MirrorLag())

	// A disk that is gone holds no backup up, and is said.
	require.NoError(t, os.Rename(place, place+".away"))
	h.put(h.result(newID(), "r2", config1))
	require.Error(t, h.round())
	require.NoDirExists(t, place, "nothing is written beside a mount point")
	require.Positive(t, h.service.MirrorLag())
	require.Equal(t, true, h.service.Health()["mirror"].(map[string]any)["failing"])

	h.start() // nor does it keep the service from starting
	h.put(h.result(newID(), "r3", config1))
	require.ErrorContains(t, h.round(), "mount its disk")

	require.NoError(t, os.Rename(place+".away", place))
	require.NoError(t, h.round())
	require.Zero(t, h.service.MirrorLag())
	_, err := h.restoreTo(t)
	require.NoError(t, err)
}

func TestDamagedMirrorsAreNamedAndHealed(t *testing.T) {
	h := open(t)
	h.mirrorTo(t.TempDir())
	a := newID()
	h.put(h.result(a, "r1", config1))
	require.NoError(t, h.round())
	h.put(h.result(a, "r1", config2))
	require.NoError(t, h.round())
	object := func(pattern string) string {
		found, err := filepath.Glob(filepath.Join(h.mirror, pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		return found[0]
	}
	fails := func(says ...string) {
		t.Helper()
		_, err := h.restoreTo(t)
		for _, s := range says {
			require.ErrorContains(t, err, s)
		}
	}
	heals := func() {
		t.Helper()
		h.start() // the first round of a process looks over what is there
		require.NoError(t, h.round())
		n, err := h.restoreTo(t)
		require.NoError(t, err)
		requireEqualNodes(t, h, n, a)
	}
	for _, pattern := range []string{"packs/configs/*.pack", "originals/*.seg"} {
		file := object(pattern)
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		b[len(b)/2] ^= 1
		require.NoError(t, os.WriteFile(file, b, 0o600))
		fails(filepath.Base(file), "is damaged")
		require.NoError(t, os.Remove(file))
		fails(filepath.Base(file), "is missing")
		heals()
	}
	one, other := object("packs/configs/*.pack"), object("originals/*.seg")
	require.NoError(t, os.Truncate(one, 20))
	fails(filepath.Base(one), "is damaged")
	require.NoError(t, os.WriteFile(other, nil, 0o600))
	fails(filepath.Base(other), "is damaged")
	heals()

	// The manifest is what it was signed as, or nothing.
	file := filepath.Join(h.mirror, "manifest")
	b, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(b), `"generation": `, `"generation": 1`, 1)), 0o600))
	fails("its signature is wrong")
	h.start()
	require.ErrorContains(t, h.round(), "its signature is wrong", "and nobody writes over it")
	require.NoError(t, os.Remove(file))
	fails("there is no mirror at")
}

func TestAMirrorIsNeverReplacedByLess(t *testing.T) {
	h := open(t)
	place := t.TempDir()
	h.mirrorTo(place)
	a := newID()
	h.put(h.result(a, "r1", config1))
	require.NoError(t, h.round())

	// Another installation, and ours made anew with the right key: neither writes.
	stranger := open(t)
	stranger.mirrorTo(place)
	stranger.put(stranger.result(a, "r1", config1))
	require.ErrorContains(t, stranger.round(), "signed by another installation")
	empty := open(t)
	empty.mirror, empty.key = place, h.key
	empty.start()
	require.ErrorContains(t, empty.round(), "which this history lacks")
	empty.put(empty.result(newID(), "r9", config1))
	require.ErrorContains(t, empty.round(), "which this history lacks")
	n, err := h.restoreTo(t)
	require.NoError(t, err)
	requireEqualNodes(t, h, n, a)
	_, err = gitstore.Restore(context.Background(), gitstore.RestoreConfig{From: place, Dir: n.dir, Trusted: nil})
	require.ErrorContains(t, err, "another installation")
	public, err := gitstore.MirrorPublicKey(h.key)
	require.NoError(t, err)
	_, err = gitstore.Restore(context.Background(), gitstore.RestoreConfig{From: place, Dir: n.dir, Trusted: public})
	require.ErrorContains(t, err, "is left as it is")
}

// FAILURES 95: the database was restored to an older moment. Originals that only the mirror has stay there, and come back with a restore.
func Test95TheMirrorKeepsWhatARestoredDatabaseForgot(t *testing.T) {
	h := open(t)
	h.mirrorTo(t.TempDir())
	a := newID()
	h.put(h.result(a, "r1", config1))
	h.dump()
	h.put(h.result(a, "r1", config2))
	h.put(h.result(a, "r1", config1))
	require.NoError(t, h.round())
	lists, texts := h.everything(a)
	h.restore()
	h.start()
	_, err := h.content(h.read, h.revisions(a)[0].GetId(), "restorable")
	require.Equal(t, "ORIGINAL_NOT_KEPT", reason(err))
	h.put(h.result(newID(), "r2", config1))
	require.NoError(t, h.round())
	n, err := h.restoreTo(t)
	require.NoError(t, err)
	got, gotTexts := n.everything(a)
	require.Len(t, got, len(lists))
	require.Equal(t, texts, gotTexts)
}

// What packs do when git folds them: the mirror follows and forgets the old ones.
func TestFoldedPacksReplaceTheirPartsInTheMirror(t *testing.T) {
	h := open(t)
	h.mirrorTo(t.TempDir())
	a := newID()
	for range 3 {
		h.put(h.result(a, "r1", config1))
		h.put(h.result(a, "r1", config2))
		require.NoError(t, h.round())
	}
	packs := func() int {
		found, err := filepath.Glob(filepath.Join(h.mirror, "packs", "configs", "*"))
		require.NoError(t, err)
		return len(found)
	}
	before := packs()
	h.git("repack", "-a", "-d", "--quiet")
	h.put(h.result(a, "r1", config1))
	require.NoError(t, h.round())
	h.put(h.result(a, "r1", config2))
	require.NoError(t, h.round())
	h.put(h.result(a, "r1", config1))
	require.NoError(t, h.round())
	require.Less(t, packs(), before)
	segments, err := filepath.Glob(filepath.Join(h.mirror, "originals", "*"))
	require.NoError(t, err)
	require.LessOrEqual(t, len(segments), 4, "small segments are written together")
	n, err := h.restoreTo(t)
	require.NoError(t, err)
	requireEqualNodes(t, h, n, a)
	require.NoError(t, errors.Join(h.round(), h.round()), "nothing new is nothing to do")
}
