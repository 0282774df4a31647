package gitstore_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

// hostileNames are what devices may be called by whoever names them, or by what an import brings.
var hostileNames = []string{
	"a/b", "a\\b", "../../etc/passwd", "/etc/passwd", "..", ".", "", " ", ".git", ".GIT", "git~1", ".git/hooks/post-checkout", ".gitmodules", "-rf", "--upload-pack=x",
	"con", "NUL.txt", "a:b", "a*?\"<>|b", "trailing.", "trailing ", "tab\tname", "line\nfeed", "nul\x00byte", "esc\x1b[2Jname", "bell\x07", "del\x7f", "r\u202e1", "\u200c.git",
	"bad\xff\xfeutf8", "e\u0301", "\u00e9", "Core", "core", "CORE", "stra\u00dfe", "strasse", strings.Repeat("x", 4096), strings.Repeat("x", 4095) + "y", strings.Repeat("ж", 2048),
	strings.Repeat("../", 1365), "name\nNetRaven-Device: 00000000-0000-0000-0000-000000000000", "~", "$(touch x)", "`touch x`", "%2e%2e%2f", "running.cfg",
}

// Bad input: whatever devices and sites are called, each keeps a place of its own that every file system can hold, nothing lies outside, no text is lost, and git and a clone of it are well.
func TestHostileNamesAreSafePaths(t *testing.T) {
	h := open(t)
	devices := map[string]string{} // id -> text
	var items []*gitstorev1.StoreResultsRequest_Item
	for i, name := range hostileNames {
		for _, site := range []string{"default", name} {
			id := newID()
			devices[id] = written(fmt.Sprintf("device %d at %d", i, len(site)))
			in := h.result(id, strings.ToValidUTF8(name, "\ufffd"), devices[id]) // the wire carries valid text only
			in.SiteName = strings.ToValidUTF8(site, "\ufffd")
			items = append(items, in)
		}
	}
	for _, in := range items { // one by one, and then changed all at once
		require.Equal(t, durable, h.put(in)[0].GetOutcome(), "%q", in.GetDeviceName())
	}
	for i, in := range items {
		id := in.GetDeviceId()
		devices[id] += "! again\n"
		items[i] = h.result(id, in.GetDeviceName(), devices[id])
		items[i].SiteName = in.GetSiteName()
	}
	for _, o := range h.put(items...) {
		require.Equal(t, durable, o.GetOutcome())
	}
	h.git("fsck", "--full", "--strict")
	require.Empty(t, h.verify())
	folded := map[string]bool{}
	paths := strings.Split(strings.TrimSuffix(h.git("ls-tree", "-r", "-z", "--name-only", "HEAD"), "\x00"), "\x00")
	require.Len(t, paths, len(devices), "a place for each")
	for _, p := range paths {
		require.False(t, folded[strings.ToLower(p)], "%q differs in case only", p)
		folded[strings.ToLower(p)] = true
		parts := strings.Split(p, "/")
		require.Len(t, parts, 3)
		for _, c := range parts {
			require.True(t, utf8.ValidString(c) && len(c) <= 200 && c != "" && !strings.HasPrefix(c, ".") && !strings.HasPrefix(c, "-"), "%q", c)
			require.False(t, strings.ContainsAny(c, "\\:*?\"<>|") || strings.ContainsFunc(c, unicode.IsControl), "%q", c)
		}
	}
	for id, text := range devices {
		revs := h.revisions(id)
		require.Len(t, revs, 2)
		content, err := h.content(h.read, revs[0].GetId(), "restorable")
		require.NoError(t, err)
		require.Equal(t, text, content)
		require.Equal(t, id, strings.TrimSpace(h.git("log", "-1", "--format=%(trailers:key=NetRaven-Device,valueonly)", revs[0].GetCommit())), "no name writes a trailer")
	}
	clone := filepath.Join(t.TempDir(), "clone")
	h.git("clone", "-q", h.repo(), clone)
	n := 0
	require.NoError(t, filepath.WalkDir(clone, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() && d.Name() == ".git" {
			return filepath.SkipDir
		}
		if err == nil && !d.IsDir() {
			require.Equal(t, "running.cfg", d.Name(), path)
			n++
		}
		return err
	}))
	require.Equal(t, len(devices), n)
}

// hostileLines are lines of a configuration that are no text, or text that a terminal or a browser would obey.
var hostileLines = []string{"nul \x00 byte", "latin \xe9\xe8", "\xff\xfe\xfd", "half \xe2\x82", "esc \x1b]0;title\x07 \x1b[2J", "back\b\b\bspace", "<script>alert(1)</script>", "turned \u202e text",
	"line \u2028 separator", strings.Repeat("\xf0", 5000), "--- a/running.cfg", "+++ b", "@@ -1 +1 @@", "\\ No newline at end of file"}

// Bad input: binary and invalid UTF-8 are stored byte for byte, and every answer that shows them is one that its reader can parse.
func TestHostileContentIsStoredAndShown(t *testing.T) {
	t.Run("text", func(t *testing.T) { hostileContent(t, hostileLines[1:], "+latin \xe9\xe8 changed\n") })
	t.Run("binary", func(t *testing.T) {
		hostileContent(t, hostileLines, "Binary files running.cfg@1 and running.cfg@2 differ\n")
	}) // as git says it
}

func hostileContent(t *testing.T, lines []string, shown string) {
	t.Helper()
	h, device := open(t), newID()
	h.names[device] = "r1"
	first := written(strings.Join(lines, "\n"))
	second := written(strings.Join(lines, " changed\n"))
	h.put(h.result(device, "r1", first))
	require.True(t, h.put(h.result(device, "r1", second))[0].GetChanged())
	revs := h.revisions(device)
	require.Len(t, revs, 2)
	for i, text := range []string{second, first} {
		original, err := h.content(h.read, revs[i].GetId(), "restorable")
		require.NoError(t, err)
		require.Equal(t, text, original, "byte for byte")
		masked, err := h.content(h.read, revs[i].GetId(), "masked")
		require.NoError(t, err)
		require.Contains(t, masked, "latin \xe9\xe8")
	}
	ctx := context.Background()
	diff, err := h.read.GetDiff(ctx, &gitstorev1.GetDiffRequest{From: revs[1].GetId(), To: revs[0].GetId()})
	require.NoError(t, err)
	require.Contains(t, string(diff.GetData()), shown)
	require.Equal(t, "text/plain; charset=utf-8", diff.GetContentType(), "no browser takes it for a page")
	data, err := h.read.GetDiff(ctx, &gitstorev1.GetDiffRequest{From: revs[1].GetId(), To: revs[0].GetId(), Format: "json"})
	require.NoError(t, err)
	require.True(t, json.Valid(data.GetData()))
	require.True(t, utf8.Valid(data.GetData()))
	blame, err := h.read.GetBlame(ctx, &gitstorev1.GetBlameRequest{Id: revs[0].GetId()})
	require.NoError(t, err)
	require.NotEmpty(t, blame.GetSections())
	for q, want := range map[string]string{"latin": "latin", "script>alert": "script>alert", "half": "half"} {
		found, err := h.find.SearchConfigs(ctx, &gitstorev1.SearchConfigsRequest{Q: q})
		require.NoError(t, err)
		require.NotEmpty(t, found.GetItems(), q)
		require.Contains(t, found.GetItems()[0].String(), want)
	}
	h.git("fsck", "--full", "--strict")
	h.git("log", "-p", "--", "default/r1/running.cfg")
	require.Empty(t, h.verify())
}
