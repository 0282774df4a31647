package mirror

import (
	"context"
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPlacesThatCannotBeReadAreRefused(t *testing.T) {
	for place, says := range map[string]string{
		"s3://":                                        "s3://BUCKET/PREFIX",
		"s3://b/p?key=secret":                          "the option key",
		"s3://b/p?endpoint=minio.example":              "is not a URL",
		"s3://b/p?endpoint=ftp://x.exampl":             "is not a URL",
		"s3://id:secret@b/p":                           "no key belongs",
		"s3://b/p?endpoint=https://i:secret@x.example": "no key belongs",
		"s3://b/p?endpoint=ftp://i:secret@x.example":   "is not a URL",
		"s3://b/%zz?secret":                            "s3://BUCKET/PREFIX",
	} {
		_, err := Open(place)
		require.ErrorContains(t, err, says, place)
		require.NotContains(t, err.Error(), "secret")
	}
	s, err := Open("s3://b/p/?endpoint=https://s3.example&region=eu")
	require.NoError(t, err)
	require.Equal(t, "s3://b/p", s.String())
}

func TestAFolderHasWholeObjectsOnly(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir)
	require.NoError(t, err)
	ctx := context.Background()
	require.NoError(t, s.Put(ctx, "packs/a", 3, strings.NewReader("one")))
	require.Error(t, s.Put(ctx, "packs/a", 4, strings.NewReader("two")), "cut short")
	gone, cancel := context.WithCancel(ctx)
	cancel()
	require.ErrorIs(t, s.Put(gone, "packs/a", 3, strings.NewReader("two")), context.Canceled)
	all, err := s.List(ctx)
	require.NoError(t, err)
	require.Equal(t, []Object{{Name: "packs/a", Size: 3}}, all, "no half is left")
	b, err := os.ReadFile(filepath.Join(dir, "packs", "a"))
	require.NoError(t, err)
	require.Equal(t, "one", string(b))
	require.NoError(t, s.Remove(ctx, "packs/a"))
	require.NoError(t, s.Remove(ctx, "packs/a"))
	_, err = s.Get(ctx, "packs/a")
	require.ErrorIs(t, err, ErrMissing)
}

func TestAManifestNamesObjectsOnly(t *testing.T) {
	s, err := Open(t.TempDir())
	require.NoError(t, err)
	public, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	ctx := context.Background()
	for _, name := range []string{"packs/../../x", "packs/pack-1.pack", "packs/configs/pack-1.pack", "packs/../pack-" + strings.Repeat("0", 40) + ".pack", "/etc/passwd", ""} {
		require.NoError(t, Write(ctx, s, &Manifest{Format: Format, Repositories: []Repository{{Name: "configs", Packs: []File{{Name: name}}}}}, key))
		_, err := Read(ctx, s, public)
		require.ErrorContains(t, err, "which is no object of a mirror", name)
	}
	require.NoError(t, Write(ctx, s, &Manifest{Format: Format, Repositories: []Repository{{Name: "../configs"}}}, key))
	_, err = Read(ctx, s, public)
	require.ErrorContains(t, err, "which is no repository")
	require.NoError(t, Write(ctx, s, &Manifest{Format: 1}, key))
	_, err = Read(ctx, s, public)
	require.ErrorContains(t, err, "format 1")
	for _, text := range []string{"", "x", "netraven-mirror-v1 a b\n{}", strings.Repeat("\n", 100)} {
		_, _, err := verify([]byte(text))
		require.ErrorContains(t, err, "damaged")
	}
}
