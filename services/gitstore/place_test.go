package gitstore_test

import (
	"context"
	"fmt"
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

func TestATwinStaysApart(t *testing.T) {
	h, twin := open(t), newID()
	h.put(h.result(newID(), "R1", config1))
	h.put(h.result(twin, "r1", config1))
	h.put(h.result(twin, "r1", config2))
	require.Empty(t, h.filesOf("r1"), "the second revision lies where the first did")
	require.Equal(t, "2", strings.TrimSpace(h.git("rev-list", "--count", "HEAD", "--", ":(glob)default/r1~*/**")))
}
