package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/services/gitstore"
)

func TestRecoveredFilesStayInTheirFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	var said bytes.Buffer
	for _, c := range []struct{ path, want string }{
		{"default/r1/running.cfg", "default/r1/running.cfg"},
		{"../../etc/passwd", "id-1/running.cfg"},
		{"/etc/passwd", "id-1/running.cfg.id-1"}, // the name before is taken
	} {
		r := gitstore.Recovered{DeviceID: "id-1", Artifact: "running.cfg", Path: c.path, Text: []byte(c.path)}
		require.NoError(t, save(&said, dir, r))
		file := filepath.Join(dir, filepath.FromSlash(c.want))
		b, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, c.path, string(b))
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	require.Error(t, save(&said, dir, gitstore.Recovered{DeviceID: "id-1", Artifact: "running.cfg"}), "nothing is written over")
	require.Equal(t, 3, strings.Count(said.String(), "\n"))
}

func TestOneOriginalIsPrintedByteForByteAndSeveralAreNot(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, show(&out, []gitstore.Recovered{{Text: []byte("a\r\n\x00b")}}, false))
	require.Equal(t, "a\r\n\x00b", out.String())
	require.ErrorContains(t, show(&out, []gitstore.Recovered{{Artifact: "running.cfg"}, {Artifact: "vlan.dat"}}, false), "[running.cfg vlan.dat]")
}
