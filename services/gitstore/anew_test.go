package gitstore_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	gitstoredb "github.com/netraven/netraven/db/gitstore"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/pgtest"
)

// A device was deleted, another one had its name, and it is back: git shows its text after its next backup, changed or not. Whatever happened meanwhile is no damage, and what an index
// that is made anew says.
func TestADeviceThatComesBackIsShownAgain(t *testing.T) {
	const facts = "Cisco IOS Software, Version 15.2(4)\n"
	later := strings.Replace(config1, "description old", "description later", 1)
	for name, c := range map[string]struct {
		meanwhile func(h *house, newer string)
		files     string
		// comes is what the older device brings then.
		comes string
		as    string
	}{
		"nothing":       {func(*house, string) {}, "default/r1/facts.txt default/r1/running.cfg", config1, "r1"},
		"same text":     {func(h *house, newer string) { h.put(h.result(newer, "r1", config1)) }, "default/r1/facts.txt default/r1/running.cfg", config1, "r1"},
		"renamed":       {func(h *house, newer string) { h.put(h.result(newer, "r2", config2)) }, "default/r1/facts.txt default/r1/running.cfg default/r2/running.cfg", config1, "r1"},
		"other changes": {func(h *house, newer string) { h.put(h.result(newer, "r1", later)) }, "default/r1/facts.txt default/r1/running.cfg", config2, "r1"},
		"new name":      {func(h *house, newer string) { h.put(h.result(newer, "r2", config2)) }, "default/r2/running.cfg default/r3/facts.txt default/r3/running.cfg", config1, "r3"},
		"both":          {func(*house, string) {}, "default/r1/running.cfg default/r3/facts.txt default/r3/running.cfg", config1, "r3"},
		"elsewhere": {func(h *house, newer string) { h.put(at(h.result(newer, "r1", config2), "default", "zoo")) },
			"default/r1/facts.txt default/r1/running.cfg", config1, "r1"},
	} {
		t.Run(name, func(t *testing.T) {
			h, older, newer := open(t), newID(), newID()
			h.put(h.with(h.result(older, "r1", config1), "facts.txt", facts))
			h.put(h.result(newer, "r1", config2))
			c.meanwhile(h, newer)
			require.Empty(t, h.verify())
			h.reindexed(t)

			brought := h.with(h.result(older, c.as, c.comes), "facts.txt", facts)
			if c.comes == config1 {
				brought = unchanged(brought)
			}
			for range 2 {
				require.Equal(t, durable, h.put(brought)[0].GetOutcome())
				brought = unchanged(h.with(h.result(older, c.as, c.comes), "facts.txt", facts))
				require.Equal(t, c.files, strings.Join(h.files("configs"), " "))
			}
			text, err := h.content(h.viewer, h.revisions(older)[0].GetId(), "masked")
			require.NoError(t, err)
			shown := "description old"
			if c.comes == config2 {
				shown = "description new"
			}
			require.Contains(t, text+h.git("show", "HEAD:default/"+c.as+"/running.cfg"), shown)
			require.Contains(t, h.git("show", "HEAD:default/"+c.as+"/running.cfg"), shown)
			commits := h.commits()
			h.put(unchanged(h.with(h.result(older, c.as, c.comes), "facts.txt", facts)))
			require.Equal(t, commits, h.commits(), "once")
			require.Empty(t, h.verify())
			if name != "same text" { // which made no commit: whose file it is, is not in git and all the same
				h.reindexed(t)
			}
			h.sound("configs")
		})
	}
}

// reindexed tells that an index made anew says the same as this one: of git and the rows there are, and where the database is restored or empty.
func (h *house) reindexed(t *testing.T) {
	t.Helper()
	image, places := h.image(), h.places()
	h.reindex(false)
	require.Equal(t, image, h.image())
	pool := h.pool
	h.pool = pgtest.New(t, "gitstore", gitstoredb.Migrations)
	h.start()
	require.Equal(t, places, h.places())
	require.Empty(t, h.verify())
	h.pool = pool
	h.start()
}

// A suspect of a deleted device is let in where that lay, though another one lies there now, which is shown again after its next backup.
func TestASuspectOfADeletedDeviceIsShownUntilTheNextBackup(t *testing.T) {
	h, older, newer := open(t), newID(), newID()
	long := strings.Replace(config1, "!\nend", strings.Repeat("interface Gi0/2\n description a port of the access layer\n!\n", 40)+"end", 1)
	h.put(h.result(older, "r1", long))
	kept := h.put(h.result(older, "r1", config1))[0].GetSuspect()
	h.put(h.result(newer, "r1", config2))
	_, err := h.read.AcceptRevision(context.Background(), &gitstorev1.AcceptRevisionRequest{Id: kept.GetRevisionId()})
	require.NoError(t, err)
	require.Contains(t, h.git("show", "HEAD:default/r1/running.cfg"), "description old")
	require.Empty(t, h.verify())
	require.False(t, h.put(unchanged(h.result(newer, "r1", config2)))[0].GetChanged())
	require.Contains(t, h.git("show", "HEAD:default/r1/running.cfg"), "description new")
	require.Empty(t, h.verify())
	h.reindexed(t)
	h.sound("configs")
}
