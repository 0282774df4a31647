package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLicencesAreFoundByName(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"LICENSE", "LICENCE.md", "license.txt", "COPYING", "NOTICE", "PATENTS", "LICENSE-MIT", "licenses.go", "README.md", "license_test.go"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("terms  \r\nof "+name+"\n\n"), 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "licenses"), 0o700))
	found, err := licences(dir)
	require.NoError(t, err)
	var names []string
	for _, f := range found {
		names = append(names, f.name)
		require.Equal(t, "terms\nof "+f.name, f.text, "line ends and trailing blanks are ours")
	}
	require.Equal(t, []string{"COPYING", "LICENCE.md", "LICENSE", "LICENSE-MIT", "NOTICE", "PATENTS", "license.txt"}, names)
}

func TestModuleWithoutLicenceIsRefused(t *testing.T) {
	_, err := notices(map[string]module{"example.com/x": {Path: "example.com/x", Version: "v1.0.0", Dir: t.TempDir()}})
	require.EqualError(t, err, "example.com/x: carries no licence file")
}

func TestMissingModuleSaysWhatToDo(t *testing.T) {
	_, err := notices(map[string]module{"example.com/x": {Path: "example.com/x", Dir: filepath.Join(t.TempDir(), "gone")}})
	require.ErrorContains(t, err, "go mod download")
}

func TestNoticesAreInOrder(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "LICENSE"), []byte("terms"), 0o600))
	text, err := notices(map[string]module{
		"example.com/b": {Path: "example.com/b", Version: "v2.0.0", Dir: dir},
		"example.com/a": {Path: "example.com/a", Version: "v1.0.0", Replace: &module{Dir: dir}},
	})
	require.NoError(t, err)
	require.Regexp(t, `(?s)example\.com/a v1\.0\.0.*terms.*example\.com/b v2\.0\.0.*terms`, string(text))
}
