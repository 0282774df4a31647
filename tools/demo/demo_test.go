package main

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/lab"
)

func devices(t *testing.T) *lab.Lab {
	t.Helper()
	l, err := lab.New(lab.Config{Count: deviceCount})
	require.NoError(t, err)
	return l
}

func TestPlacedPutsEveryPlatformOnBothSides(t *testing.T) {
	var inventory bytes.Buffer
	require.NoError(t, devices(t).WriteInventory(&inventory))
	file, err := placed(inventory.Bytes())
	require.NoError(t, err)
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	require.NoError(t, err)
	require.Equal(t, []string{"name", "address", "port", "platform", "site", "tags"}, rows[0])
	count := map[string]int{}
	for _, row := range rows[1:] {
		count[row[3]+"@"+row[4]]++
	}
	require.Len(t, count, 2*len(lab.Platforms()))
	for where, n := range count {
		require.Equal(t, deviceCount/len(lab.Platforms())/2, n, where)
	}
	_, err = placed([]byte("name,address\na,b\n"))
	require.ErrorContains(t, err, "no column site")
}

func TestShapesFindTheLabsSecrets(t *testing.T) {
	for _, d := range devices(t).Devices() {
		found := map[string]string{}
		for _, shape := range shapes {
			for _, m := range shape.FindAllStringSubmatch(d.Config(), -1) {
				found[m[len(m)-1]] = d.Info().Name
			}
		}
		require.NotEmpty(t, found, d.Info().Name)
		require.Error(t, leaks([]byte(d.Config()), "the device", found))
		require.NoError(t, leaks([]byte("nothing here"), "the text", found))
	}
}

func TestLeaksDoNotRepeatTheSecret(t *testing.T) {
	err := leaks([]byte("a\nkey 7 0123456789ABCDEF end\nb"), "git", map[string]string{"0123456789ABCDEF": "core1"})
	require.EqualError(t, err, `git holds a secret of core1: "key 7 (secret) end"`)
}

func TestBarWritesALineForEachTenth(t *testing.T) {
	var out strings.Builder
	b := newBar(&out)
	for _, done := range []int32{0, 3, 5, 6, 50} {
		b.show(&jobv1.Run_Counts{Total: 50, Succeeded: done})
	}
	b.end()
	require.Equal(t, "      5 of 50 done, 0 failed\n      50 of 50 done, 0 failed\n", out.String())
}
