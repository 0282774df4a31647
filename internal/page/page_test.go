package page_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
)

func TestSize(t *testing.T) {
	for asked, want := range map[int32]int32{-1: 100, 0: 100, 1: 1, 1000: 1000, 1001: 1000} {
		require.Equal(t, want, page.Size(asked))
	}
}

func TestTokenRoundTrip(t *testing.T) {
	parts, err := page.Parse(page.Token("a/b", "", "Ω"), 3)
	require.NoError(t, err)
	require.Equal(t, []string{"a/b", "", "Ω"}, parts)
	first, err := page.Parse("", 3)
	require.NoError(t, err)
	require.Nil(t, first)
}

func FuzzParse(f *testing.F) {
	f.Add(page.Token("a", "b"))
	f.Add("%%%")
	f.Fuzz(func(t *testing.T, token string) {
		parts, err := page.Parse(token, 2)
		if err != nil {
			require.Equal(t, "PAGE_TOKEN_INVALID", errs.Reason(err))
		} else if token != "" {
			require.Len(t, parts, 2)
		}
	})
}
