package pgembed

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// fakeServer makes a folder dir/bin of programs that know their version only.
func fakeServer(t *testing.T, dir string, version string) string {
	t.Helper()
	bin := filepath.Join(dir, "bin")
	require.NoError(t, os.MkdirAll(bin, 0o755))
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
	for _, name := range []string{"postgres", "initdb"} {
		require.NoError(t, os.WriteFile(filepath.Join(bin, name), []byte(script), 0o755))
	}
	return bin
}

func TestFind(t *testing.T) {
	dir := folder(t)
	bundles := []string{filepath.Join(dir, "bundles")}
	fakeServer(t, filepath.Join(dir, "bundles", "97.1"), "97.1")
	newest := fakeServer(t, filepath.Join(dir, "bundles", "98.2-beta"), "98beta2")
	onPath := fakeServer(t, filepath.Join(dir, "path"), "99.1 (Debian 99.1-1)")
	old := fakeServer(t, filepath.Join(dir, "old"), "14.9")
	links := filepath.Join(dir, "links")
	require.NoError(t, os.Mkdir(links, 0o755))
	for _, name := range []string{"postgres", "initdb"} {
		require.NoError(t, os.Symlink(filepath.Join(onPath, name), filepath.Join(links, name)))
	}
	for name, c := range map[string]struct {
		path, pgBin string
		major       int
		want        Binaries
	}{
		"the machine's own before a bundle":   {path: onPath, want: Binaries{onPath, 99}},
		"a folder of links stands for theirs": {path: links, want: Binaries{onPath, 99}},
		"the data's version from a bundle":    {path: onPath, major: 97, want: Binaries{filepath.Join(dir, "bundles", "97.1", "bin"), 97}},
		"the only bundle of a version":        {path: dir, major: 98, want: Binaries{newest, 98}},
		"pg-bin and nothing else":             {path: onPath, pgBin: newest, want: Binaries{newest, 98}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", c.path+":/usr/bin:/bin")
			got, err := Find(t.Context(), c.pgBin, bundles, c.major)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
	for want, c := range map[string]struct {
		pgBin string
		major int
	}{
		"no postgres and initdb in":      {pgBin: dir},
		"15 or newer is needed":          {pgBin: old},
		"belongs to PostgreSQL 12":       {pgBin: onPath, major: 12},
		"has only PostgreSQL 99 in":      {pgBin: onPath, major: 12},
		"server programs were not found": {pgBin: dir, major: 12},
	} {
		_, err := Find(t.Context(), c.pgBin, nil, c.major)
		require.ErrorContains(t, err, want)
	}
}

func TestBundledNewestIsTakenWhereTheMachineHasNone(t *testing.T) {
	dir := folder(t)
	fakeServer(t, filepath.Join(dir, "97"), "97.1")
	newest := fakeServer(t, filepath.Join(dir, "98"), "98.1")
	var fit []string
	for _, group := range searchOrder("", []string{dir})[1:] {
		fit = append(fit, group...)
	}
	require.Contains(t, fit, newest)
	require.Len(t, fit, 2)
}

func TestFolderThatTheServersUserMayNotSearchIsNamed(t *testing.T) {
	if os.Getuid() != 0 {
		return // only root's server runs as another user
	}
	dir := folder(t)
	closed := filepath.Join(dir, "closed")
	require.NoError(t, os.Mkdir(closed, 0o700))

	_, err := Start(deadline(t), config(closed))
	require.ErrorContains(t, err, "folder "+closed+" may not be searched by user ")
	require.ErrorContains(t, err, "chmod o+x "+closed)

	u, err := user.Lookup("nobody")
	require.NoError(t, err)
	nobody, err := accountOf(u)
	require.NoError(t, err)
	bin := fakeServer(t, closed, "99.1")
	_, err = find(t.Context(), nobody, bin, nil, 0)
	require.ErrorContains(t, err, "folder "+closed+" may not be searched by user nobody")
}

func TestRootRunsAnExistingClusterAsItsOwner(t *testing.T) {
	if os.Getuid() != 0 {
		return // a plain user's server is the user's own
	}
	u, err := user.Lookup("nobody")
	require.NoError(t, err)
	nobody, err := accountOf(u)
	require.NoError(t, err)
	cluster := filepath.Join(folder(t), "cluster")
	require.NoError(t, os.Mkdir(cluster, 0o700))
	require.NoError(t, nobody.own(cluster))
	got, err := chooseAccount(cluster)
	require.NoError(t, err)
	require.Equal(t, nobody, got)
}
