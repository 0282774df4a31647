package repo

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
)

// Folding while one goroutine writes and another reads: nothing is lost, and few packs are left.
func TestRepackWhileOthersWork(t *testing.T) {
	r := open(t, Options{})
	content := func(i int) []byte {
		return append(bytes.Repeat([]byte("interface Ethernet\n"), 100), fmt.Sprintf("vlan %d\n", i)...)
	}
	var blobs []Hash
	for i := range 40 {
		blobs = append(blobs, store(t, r, put("s/d/running.cfg", string(content(i)))).Commits[0].Blobs[0])
	}
	var g errgroup.Group
	g.Go(func() error {
		for i := range 20 {
			head, err := r.Head()
			if err != nil {
				return err
			}
			b, err := r.Prepare(context.Background(), head, []Change{put("s/e/running.cfg", fmt.Sprint(i))})
			if err != nil {
				return err
			}
			if err := r.SetHead(head, b.Head); err != nil {
				return err
			}
		}
		return nil
	})
	g.Go(func() error {
		for i := range 2000 {
			got, err := r.Blob(context.Background(), blobs[i%len(blobs)])
			if err != nil {
				return err
			}
			if !bytes.Equal(got, content(i%len(blobs))) {
				return fmt.Errorf("version %d has other content", i%len(blobs))
			}
		}
		return nil
	})
	f, err := r.Repack(t.Context())
	require.NoError(t, err)
	require.False(t, f.Left)
	require.NoError(t, g.Wait())
	f, err = r.Repack(t.Context())
	require.NoError(t, err)
	require.Less(t, f.After, 10)
	f, err = r.Repack(t.Context())
	require.NoError(t, err)
	require.Equal(t, f.Before, f.After, "nothing left to fold")
	require.Equal(t, "60\n", git(t, r.Dir(), "rev-list", "--count", "main"))
	for i, h := range blobs {
		got, err := r.Blob(t.Context(), h)
		require.NoError(t, err)
		require.Equal(t, content(i), got)
	}
}

// A clone in flight keeps the packs it may be reading.
func TestRepackWaitsForReadersOfGit(t *testing.T) {
	r := open(t, Options{FS: newCrashFS()})
	for i := range 5 {
		store(t, r, put("a", fmt.Sprint(i)))
	}
	r.reading.RLock() // somebody clones
	f, err := r.Repack(t.Context())
	require.NoError(t, err)
	require.True(t, f.Left)
	require.GreaterOrEqual(t, f.After, 5)
	r.reading.RUnlock()
	f, err = r.Repack(t.Context())
	require.NoError(t, err)
	require.Equal(t, 1, f.After)
}
