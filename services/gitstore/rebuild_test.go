package gitstore_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/services/gitstore"
)

func (h *house) reindex(prune bool) *gitstore.Reindexed {
	h.t.Helper()
	out, err := gitstore.Reindex(context.Background(), gitstore.Config{Dir: h.dir}, gitstore.Deps{Pool: h.pool, Log: h.log, Now: h.now}, prune, nil)
	require.NoError(h.t, err)
	h.start()
	return out
}

// column is what a query for one text answers.
func (h *house) column(query string) []string {
	h.t.Helper()
	rows, err := h.pool.Query(context.Background(), query)
	require.NoError(h.t, err)
	out, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(h.t, err)
	return out
}

// image is all that the index says, but for when something was seen and stored.
func (h *house) image() []string {
	h.t.Helper()
	var out []string
	for _, q := range []string{
		"SELECT r::text FROM revision r ORDER BY id",
		"SELECT (device_id, name, repository, path, covered, revision_id, number, blob, text_digest, label, digest, fence)::text FROM artifact ORDER BY device_id, name",
		"SELECT (revision_id, sealed, task_id, fence, size)::text FROM original ORDER BY revision_id",
		"SELECT (task_id, fence, device_id, changed, observation, suspect, (SELECT array_agg(x ORDER BY x) FROM unnest(revision_ids) x))::text FROM stored_attempt ORDER BY task_id, fence",
		"SELECT (name, head)::text FROM repository ORDER BY name", "SELECT s::text FROM suspect s ORDER BY revision_id",
	} {
		out = append(out, h.column(q)...)
	}
	return out
}

// history is one with all that an index has to tell: two artifacts in a commit, a suspect let in and one that waits, names changed, an author, a device made anew under its old name with its old text.
func (h *house) history() (devices []string) {
	h.t.Helper()
	a, b, c, d := newID(), newID(), newID(), newID()
	facts := "Cisco IOS Software, Version 15.2(4)\n"
	long := strings.Replace(config2, "!\nend", strings.Repeat("interface Gi0/2\n description a port of the access layer\n!\n", 40)+"end", 1)
	h.put(h.with(h.result(a, "r1", config1), "facts.txt", facts), h.result(b, "r2", config1))
	h.put(h.with(h.result(a, "r1", long), "facts.txt", strings.Replace(facts, "15.2", "15.3", 1)))
	kept := h.put(h.result(a, "core/r1", config2))[0].GetSuspect()
	_, err := h.read.AcceptRevision(context.Background(), &gitstorev1.AcceptRevisionRequest{Id: kept.GetRevisionId()})
	require.NoError(h.t, err)
	h.put(h.result(a, "core/r1", config1))
	h.put(h.result(b, "r2", "! Last configuration change at 10:00:00 UTC Sun Nov 22 2026 by ann\n"+config2), h.result(c, "r3", long))
	h.put(h.result(b, "r2", config1))
	require.NotNil(h.t, h.put(h.result(c, "r3", config1))[0].GetSuspect())
	h.put(h.result(d, "r2", config1)) // anew: git has that text already
	h.put(h.result(d, "r2", config2))
	return []string{a, b, c, d}
}

func TestAReindexOfASoundIndexChangesNothing(t *testing.T) {
	h := open(t)
	h.history()
	before := h.image()
	out := h.reindex(true)
	require.Equal(t, before, h.image())
	require.True(t, out.Written)
	require.Equal(t, out.Revisions, out.Kept)
	require.EqualValues(t, h.count()-1, out.Revisions, "all but the suspect that waits")
	require.Zero(t, out.Corrected+out.Made+out.Artifacts+out.Foreign+out.Skipped)
	require.Empty(t, h.verify())
}

// Whatever happens to the index, git brings it back: what is still there keeps its id and original, what is lost is made.
func TestAReindexMakesTheIndexAgain(t *testing.T) {
	for name, harm := range map[string][]string{
		"rows lost":      {"DELETE FROM revision WHERE number = 1 AND artifact = 'facts.txt'", "DELETE FROM revision WHERE number = 2"},
		"rows wrong":     {"UPDATE revision SET digest = 'x', size = 1, lines_added = 77 WHERE NOT suspect", "UPDATE revision SET blob = 'y', run_id = gen_random_uuid() WHERE number > 1"},
		"numbers wrong":  {"UPDATE revision SET number = number + 7 WHERE NOT suspect"},
		"numbers turned": {"UPDATE revision SET number = 1000 - number WHERE NOT suspect"},
		"states lost":    {"DELETE FROM artifact"},
		"states wrong":   {"UPDATE artifact SET path = 'x', number = 9, blob = 'z', revision_id = gen_random_uuid()"},
		"head lost":      {"UPDATE repository SET head = ''"},
		"head foreign":   {"UPDATE repository SET head = repeat('0a', 20)"},
		"all lost":       {"TRUNCATE revision, gone, artifact, original, stored_attempt, suspect", "UPDATE repository SET head = ''"},
	} {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			devices := h.history()
			type memory struct{ texts, diffs []string }
			before, lists := map[string]memory{}, map[string]int{}
			for _, d := range devices[:2] {
				revs, texts, diffs := h.remembered(d)
				before[d], lists[d] = memory{texts, diffs}, len(revs)
			}
			kept := h.image()
			for _, sql := range harm {
				h.exec(sql)
			}
			out := h.reindex(false)
			require.True(t, out.Written, "%+v", out)
			require.Empty(t, h.verify())
			for _, d := range devices[:2] {
				revs, texts, diffs := h.remembered(d)
				now := memory{texts, diffs}
				require.Equal(t, before[d], now)
				require.Len(t, revs, lists[d])
			}
			switch name {
			case "rows wrong", "numbers wrong", "numbers turned", "head lost", "head foreign":
				require.Equal(t, kept, h.image(), "all is as it was, ids and originals too")
			case "rows lost":
				require.Positive(t, out.Made)
			}
			for _, d := range devices { // life goes on, also where originals are lost
				names := map[string]string{devices[0]: "core/r1", devices[1]: "r2", devices[2]: "r3", devices[3]: "r2"}
				h.put(h.result(d, names[d], written(fmt.Sprint("after", d))))
			}
			h.git("fsck", "--full", "--strict")
		})
	}
}

// What git does not have is named, and taken away only when told so.
func TestAReindexNamesWhatGitDoesNotHave(t *testing.T) {
	h, device := open(t), newID()
	h.put(h.result(device, "r1", config1))
	h.put(h.result(device, "r1", config2))
	lost := h.revisions(device)[0]
	head := h.head()
	h.git("update-ref", "refs/heads/main", head+"~1")
	h.exec("UPDATE repository SET head = $1", strings.TrimSpace(h.git("rev-parse", "HEAD")))
	before := h.image()
	out := h.reindex(false)
	require.False(t, out.Written)
	require.EqualValues(t, 1, out.Foreign)
	require.Equal(t, lost.GetId(), out.ForeignRows[0].Revision)
	require.Equal(t, device, out.ForeignRows[0].Device)
	require.Equal(t, before, h.image(), "nothing is changed")
	out = h.reindex(true)
	require.True(t, out.Written)
	require.Len(t, h.revisions(device), 1)
	require.Empty(t, h.verify())
	require.True(t, h.put(h.result(device, "r1", config2))[0].GetChanged(), "it comes again with the next backup")
	require.Equal(t, []int32{2, 1}, h.numbers(device))
}

func (h *house) numbers(device string) (out []int32) {
	h.t.Helper()
	for _, r := range h.revisions(device) {
		out = append(out, r.GetNumber())
	}
	require.True(h.t, slices.IsSortedFunc(out, func(a, b int32) int { return int(b - a) }))
	return out
}
