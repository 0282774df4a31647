package lab

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/platforms"
)

// The page of hosts is what the loop is for: if the page changes, the lab has to follow.
func TestTheLabKnowsTheLoopOfThePage(t *testing.T) {
	page, ok := platforms.Builtin().Lookup("linux")
	require.True(t, ok)
	l, ok := parseLinuxLoop(page.Main().Send[0])
	require.True(t, ok)
	require.Contains(t, l.patterns, "/etc/hosts")
	require.Equal(t, "### $f", l.heading)
	require.Equal(t, "### end", l.last)

	_, ok = parseLinuxLoop("cat /etc/hosts")
	require.False(t, ok)
}

func TestFilesOfAHost(t *testing.T) {
	require.Equal(t, []string{"/etc/hosts", "/etc/passwd"}, linuxFiles(strings.ReplaceAll("\n/etc/hosts\nx\n/etc/passwd\nroot:x\n", "\n", "\r\n")))
}
