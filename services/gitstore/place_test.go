package gitstore_test

import (
	"context"
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// filesOf a device, by its name.
func (h *house) filesOf(device string) []string {
	var out []string
	for f := range strings.FieldsSeq(h.git("ls-tree", "-r", "--name-only", "HEAD")) {
		if strings.Contains(f, "/"+device+"/") {
			out = append(out, f)
		}
	}
	return out
}

// A site's folder is written anew at each commit below it, so that it must not grow with the site.
func TestFurtherDevicesOfACrowdedSiteLieALevelDeeper(t *testing.T) {
	h, early := open(t), newID()
	h.put(h.result(early, "early", config1))
	require.NoError(t, h.service.Fill(context.Background(), 1000, func(i int) (string, []byte) { return fmt.Sprintf("default/sw%d/running.cfg", i), []byte("x\n") }))
	late, level := newID(), newID()
	h.put(h.result(late, "late", config1), h.result(level, "ab", config1))
	deep := fmt.Sprintf("default/%s/late/running.cfg", late[34:])
	require.Equal(t, []string{deep}, h.filesOf("late"))
	require.Contains(t, h.git("ls-tree", "-r", "--name-only", "HEAD"), fmt.Sprintf("default/%s/ab~", level[34:]), "a device that is called like a level never meets one")

	h.put(h.result(late, "late", config2), h.result(early, "early", config2))
	require.Equal(t, []string{deep}, h.filesOf("late"), "who lies somewhere stays there")
	require.Equal(t, []string{"default/early/running.cfg"}, h.filesOf("early"))
	require.Len(t, strings.Fields(h.git("log", "--format=%h", "--", deep)), 2)

	h.put(h.result(early, "renamed", config1))
	require.Empty(t, h.filesOf("early"))
	require.Equal(t, []string{fmt.Sprintf("default/%s/renamed/running.cfg", early[34:])}, h.filesOf("renamed"))
	h.git("fsck", "--full", "--strict")
}

// Twins of a crowded site are kept apart on their level, also when they are new in one call or come from another repository.
func TestTwinsOfACrowdedSiteStayApart(t *testing.T) {
	h := open(t)
	require.NoError(t, h.service.Fill(context.Background(), 1000, func(i int) (string, []byte) { return fmt.Sprintf("default/sw%d/running.cfg", i), []byte("x\n") }))
	a := newID()
	b := newID()[:34] + a[34:]
	c := newID()[:34] + a[34:]
	h.put(at(h.result(c, "LATE", config1), "default", "zoo"))
	h.put(h.with(h.result(a, "late", config1), "facts.txt", facts1), h.with(h.result(b, "Late", config1), "facts.txt", facts1))
	h.put(h.result(c, "LATE", config2))
	folders := map[string]bool{}
	for f := range strings.FieldsSeq(h.git("ls-tree", "-r", "--name-only", "HEAD")) {
		if strings.HasPrefix(f, "default/"+a[34:]+"/") {
			folders[strings.ToLower(path.Dir(f))] = true
		}
	}
	require.Len(t, folders, 3)
	require.Empty(t, h.files("zoo"))
	h.put(h.result(a, "late", config2), h.result(b, "Late", config2))
	require.Len(t, h.filesOf("late"), 2, "who lies somewhere stays there")
}

func TestATwinStaysApart(t *testing.T) {
	h, twin := open(t), newID()
	h.put(h.result(newID(), "R1", config1))
	h.put(h.result(twin, "r1", config1))
	h.put(h.result(twin, "r1", config2))
	require.Empty(t, h.filesOf("r1"), "the second revision lies where the first did")
	require.Equal(t, "2", strings.TrimSpace(h.git("rev-list", "--count", "HEAD", "--", ":(glob)default/r1~*/**")))
}

// What lies under a name that is marked by now, for it is no normal form of Unicode's, moves with its next backup.
func TestAFolderThatWouldBeMarkedNowIsLeft(t *testing.T) {
	const ohm = "\u2126"
	h, device := open(t), newID()
	h.put(h.result(device, "r1", config1))
	text := h.git("show", "HEAD:default/r1/running.cfg")
	require.NoError(t, h.service.Fill(context.Background(), 1, func(int) (string, []byte) { return "default/" + ohm + "/running.cfg", []byte(text) }))
	h.exec("DELETE FROM artifact WHERE device_id <> $1", device)
	h.exec("UPDATE artifact SET path = $1", "default/"+ohm+"/running.cfg")
	require.Empty(t, h.verify())
	require.Equal(t, durable, h.put(unchanged(h.result(device, ohm, config1)))[0].GetOutcome())
	require.NotContains(t, h.git("ls-tree", "-r", "-z", "--name-only", "HEAD"), ohm+"/")
	require.Len(t, h.column("SELECT path FROM artifact WHERE path LIKE 'default/%~%'"), 1)
	require.Empty(t, h.verify())
	h.sound("configs")
}

// A name that is cleaned to one with a space and dots before the mark is a folder as well, and holds up nobody.
func TestADeviceWhoseNameEndsInSpaceAndDots(t *testing.T) {
	h, odd, other := open(t), newID(), newID()
	for _, out := range h.put(h.result(odd, "r1 ..", config1), h.result(other, "r2", config1)) {
		require.Equal(t, durable, out.GetOutcome())
	}
	require.Empty(t, h.verify())
	h.sound("configs")
}
