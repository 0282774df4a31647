package platforms

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// testTag is a tag as an installation makes it, with the empty key.
func testTag(secret []byte) string {
	sum := sha256.Sum256(secret)
	return hex.EncodeToString(sum[:6])
}

var planted = regexp.MustCompile(`(?s)«(.*?)»`)

// Every file of testdata/mask is a configuration in which we marked each secret «so»: exactly the
// marked values must go, and nothing else may change.
func TestMaskExactlyTheSecrets(t *testing.T) {
	files, err := filepath.Glob("testdata/mask/*.txt")
	require.NoError(t, err)
	require.GreaterOrEqual(t, len(files), 6)
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txt")
		t.Run(name, func(t *testing.T) {
			marked, err := os.ReadFile(file)
			require.NoError(t, err)
			page, ok := Builtin().Lookup(name)
			require.Equal(t, name != "general", ok)
			text := planted.ReplaceAll(marked, []byte("$1"))
			want := planted.ReplaceAll(marked, []byte("<secret>"))
			got := page.Mask(text, nil)
			assert.Equal(t, lines(string(want)), lines(string(got)))
			tagged := page.Mask(text, testTag)
			assert.Equal(t, string(tagged), string(page.Mask(tagged, testTag)), "masking is idempotent")
			assert.Equal(t, len(planted.FindAll(marked, -1)), bytes.Count(tagged, []byte("<secret:")))
			crlf := bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
			assert.Equal(t, string(bytes.ReplaceAll(want, []byte("\n"), []byte("\r\n"))), string(page.Mask(crlf, nil)), "line ends stay")
		})
	}
}
