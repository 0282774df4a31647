package gitstore_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/platforms"
	"github.com/netraven/netraven/services/gitstore"
)

const hidesDescriptions = `  - '^ description (.+)'`

// readBy lets devices be read by the built-in page with more rules for secrets, and with lines of the main artifact dropped.
func (h *house) readBy(secrets string, drop ...string) {
	h.t.Helper()
	page, _ := platforms.Builtin().Lookup("cisco_ios")
	source := strings.Replace(string(page.Source()), "\nsecrets:\n", "\nsecrets:\n"+secrets+"\n", 1)
	for _, d := range drop {
		source = strings.Replace(source, "    drop:\n", "    drop:\n      - '"+d+"'\n", 1)
	}
	changed, problems := platforms.Parse("cisco_ios", []byte(source))
	require.Empty(h.t, problems)
	h.page, h.pages[changed.Digest()] = changed, changed.Source()
}

func (h *house) builtinPage() { h.page, _ = platforms.Builtin().Lookup("cisco_ios") }

// A rule that masks more changes the newest text, in git too, and makes no revision.
func TestAChangedPageAloneMakesNoRevision(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", config1))
	h.put(h.with(h.result(device, "r1", config2), "facts.txt", facts1))
	was := h.revisions(device)
	h.readBy(hidesDescriptions)
	noise := strings.Replace(config2, "120 bytes", "125 bytes", 1)
	out := h.put(h.with(h.result(device, "r1", noise), "facts.txt", facts1))[0]
	require.Equal(t, durable, out.GetOutcome())
	require.False(t, out.GetChanged())

	now := h.revisions(device)
	require.Len(t, now, len(was))
	newest := func(revs []*gitstorev1.Revision) *gitstorev1.Revision {
		for _, r := range revs {
			if r.GetArtifact() == "running.cfg" {
				return r
			}
		}
		return nil
	}
	a, b := newest(was), newest(now)
	require.Equal(t, a.GetId(), b.GetId())
	require.Equal(t, []any{a.GetNumber(), a.GetCreatedAt().AsTime(), a.GetRunId(), a.GetTaskId(), a.GetLinesAdded(), a.GetLinesRemoved()},
		[]any{b.GetNumber(), b.GetCreatedAt().AsTime(), b.GetRunId(), b.GetTaskId(), b.GetLinesAdded(), b.GetLinesRemoved()})
	require.NotEqual(t, a.GetCommit(), b.GetCommit())
	require.NotEqual(t, a.GetDigest(), b.GetDigest())
	require.Nil(t, a.GetRemaskedAt())
	require.NotNil(t, b.GetRemaskedAt())
	text, err := h.content(h.viewer, b.GetId(), "masked")
	require.NoError(t, err)
	require.Contains(t, text, " description <secret:")
	require.Equal(t, text, h.git("show", "HEAD:default/r1/running.cfg"))
	require.Equal(t, text, h.git("show", b.GetCommit()+":default/r1/running.cfg"))
	require.Contains(t, h.git("log", "-1", "--format=%s"), "by a changed platform page alone")
	require.Equal(t, "3", h.commits())
	original, err := h.content(h.read, b.GetId(), "restorable")
	require.NoError(t, err)
	require.Equal(t, noise, original, "the original is the newest")

	require.Equal(t, durable, h.put(unchanged(h.result(device, "r1", config2)))[0].GetOutcome(), "its label is known")
	require.Equal(t, "3", h.commits())
	require.Empty(t, h.verify())
	h.sound("configs")
	image := h.image()
	again := h.reindex(false)
	require.True(t, again.Written)
	require.Zero(t, again.Made+again.Corrected+again.Artifacts)
	require.Equal(t, image, h.image())

	h.builtinPage() // and back, with a change of the device: that is one
	require.True(t, h.put(h.result(device, "r1", config1))[0].GetChanged())
	require.Len(t, h.revisions(device), len(was)+1)
	require.Empty(t, h.verify())
	h.requireReindexed(device)
}

// What an agent kept while the server was away comes in one call: a change, and the same again by a page that came meanwhile.
func TestAChangedPageMakesNoRevisionOfWhatCameJustBefore(t *testing.T) {
	h, a, b := open(t), newID(), newID()
	h.put(h.result(a, "r1", config1))
	before := h.result(a, "r1", config2)
	fresh := h.result(b, "r2", config1)
	h.readBy(hidesDescriptions)
	h.put(before, h.result(a, "r1", config2), fresh, h.result(b, "r2", config1))
	require.Len(t, h.revisions(a), 2)
	require.Len(t, h.revisions(b), 1)
	for _, r := range []*gitstorev1.Revision{h.revisions(a)[0], h.revisions(b)[0]} {
		require.NotNil(t, r.GetRemaskedAt())
	}
	require.Empty(t, h.verify())
}

// A page that drops most of a text makes no suspect of it, and one that comes while one waits ends the wait.
func TestAPageThatDropsMuchMakesNoSuspect(t *testing.T) {
	h, device := open(t), newID()
	long := strings.Replace(config1, "!\nend", strings.Repeat("interface Gi0/2\n description a port of the access layer\n!\n", 40)+"end", 1)
	h.put(h.result(device, "r1", long))
	require.NotNil(t, h.put(h.result(device, "r1", config1))[0].GetSuspect())
	h.readBy("", "^ description ", "^interface Gi0/2", "^!$")
	out := h.put(h.result(device, "r1", long))[0]
	require.Nil(t, out.GetSuspect())
	require.False(t, out.GetChanged())
	require.Len(t, h.revisions(device), 1)
	require.NotContains(t, h.git("show", "HEAD:default/r1/running.cfg"), "description")
	require.Empty(t, h.verify())

	changed := strings.Replace(long, "hostname r1", "hostname r9", 1)
	h.builtinPage() // one that shows more hides no loss
	require.NotNil(t, h.put(h.result(device, "r1", ports(8)))[0].GetSuspect())
	h.put(h.result(device, "r1", long))
	h.readBy("", "^ description ", "^interface Gi0/2", "^!$")
	out = h.put(h.result(device, "r1", changed))[0] // nor does one that drops much make a suspect of a device that changed little
	require.Nil(t, out.GetSuspect())
	require.True(t, out.GetChanged())
	require.Empty(t, h.verify())
}

// Where the newest original is gone, nobody can tell what the page changed and what the device: it is a revision.
func TestWithoutAnOriginalAChangedPageMakesARevision(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", config1))
	h.exec("DELETE FROM original")
	h.readBy(hidesDescriptions)
	require.True(t, h.put(h.result(device, "r1", config1))[0].GetChanged())
	require.Len(t, h.revisions(device), 2)
}

// A history search finds what the page took away in the revision before, and not in the newest.
func TestASearchKnowsWhatWasMaskedAnew(t *testing.T) {
	h, device := open(t), newID()
	h.names[device] = "r1"
	h.put(h.result(device, "r1", config1))
	h.put(h.result(device, "r1", strings.Replace(config1, "hostname r1", "hostname r9", 1)))
	search := func() []*gitstorev1.Hit {
		out, err := h.find.SearchConfigs(context.Background(), &gitstorev1.SearchConfigsRequest{Q: "description old", History: true})
		require.NoError(t, err)
		return out.GetItems()
	}
	require.Len(t, search(), 1)
	h.readBy(hidesDescriptions)
	require.False(t, h.put(h.result(device, "r1", strings.Replace(config1, "hostname r1", "hostname r9", 1)))[0].GetChanged())
	for range 2 {
		hits := search()
		require.Len(t, hits, 1)
		require.Equal(t, h.revisions(device)[0].GetId(), hits[0].GetPresence().GetGoneRevisionId(), fmt.Sprint(hits[0]))
		h.start()
	}
}

// FAILURES 95: commits of changed pages that the restored database does not know.
func Test95WhatWasMaskedAnewIsIndexedAgain(t *testing.T) {
	h, a, b := open(t), newID(), newID()
	h.put(h.result(a, "r1", config1), h.result(b, "r2", config2))
	h.dump()
	h.readBy(hidesDescriptions)
	h.put(h.result(a, "r1", config1), h.result(b, "r2", config2))
	h.readBy(hidesDescriptions, "^interface ")
	h.put(h.result(a, "r1", config1))
	want, texts, _ := h.remembered(a)
	h.restore()
	h.start()
	got, gotTexts, _ := h.remembered(a)
	requireSame(t, want, got)
	require.Equal(t, texts, gotTexts)
	require.Empty(t, h.verify())
	h.put(h.result(a, "r1", config1))
	require.Len(t, h.revisions(a), 1, "bytes come again, and are the same")
	h.requireReindexed(a)
	h.requireReindexed(b)
}

// What a page hides now is erased from the commits before, by text and with the whole revision.
func TestTextsFromBeforeAChangedPageAreErased(t *testing.T) {
	for name, c := range map[string]func(id string) gitstore.EraseConfig{
		"text":     func(string) gitstore.EraseConfig { return gitstore.EraseConfig{Texts: []string{leaked}} },
		"revision": func(id string) gitstore.EraseConfig { return gitstore.EraseConfig{Revisions: []string{id}} },
	} {
		t.Run(name, func(t *testing.T) {
			h, device := open(t), newID()
			h.put(h.result(device, "r1", plain(1)))
			h.put(h.result(device, "r1", leaking(2)))
			h.readBy(`  - '(` + leaked + `)'`)
			h.put(h.result(device, "r1", leaking(2)))
			h.readBy(`  - '.*(`+leaked+`).*'`, "^!$")
			require.False(t, h.put(h.result(device, "r1", leaking(2)))[0].GetChanged())
			require.Contains(t, h.objects(), leaked)
			id := h.revisions(device)[0].GetId()
			h.erase(c(id))
			require.NotContains(t, h.objects(), leaked)
			require.Len(t, h.revisions(device), 2)
			require.Empty(t, h.verify())
			rows := func() []string {
				return h.column("SELECT concat_ws(' ', id, number, commit_hash, blob, remasked_at, remasked_fence) FROM revision ORDER BY id")
			}
			was := rows()
			h.reindex(false)
			require.Equal(t, was, rows(), "also where both texts are the same now")
			h.sound("configs")
			h.put(h.result(device, "r1", plain(3)))
			require.Empty(t, h.verify())
		})
	}
}
