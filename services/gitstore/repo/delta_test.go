package repo

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

func FuzzDelta(f *testing.F) {
	f.Add([]byte("one two three"), []byte("one 2 three"))
	f.Add([]byte(nil), []byte("x"))
	f.Add(bytes.Repeat([]byte("ab"), 40_000), append(bytes.Repeat([]byte("ab"), 40_000), 'c'))
	f.Add([]byte("aaa"), []byte("aaaa"))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		got, err := applyDelta(a, spliceDelta(a, b), 1<<20)
		require.NoError(t, err)
		require.True(t, bytes.Equal(b, got))
		_, _ = applyDelta(a, b, 1<<16) // b as a delta: any error, no panic, no more memory than allowed
	})
}
