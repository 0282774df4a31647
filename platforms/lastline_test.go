package platforms

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Wherever a configuration ends too early, its last line is shown without its secret: rules may need what stands before it.
func TestLastLinesHoldNoSecrets(t *testing.T) {
	files, err := filepath.Glob("testdata/mask/*.txt")
	require.NoError(t, err)
	for _, file := range files {
		page, ok := Builtin().Lookup(strings.TrimSuffix(filepath.Base(file), ".txt"))
		if !ok {
			continue // the general rules
		}
		marked, err := os.ReadFile(file)
		require.NoError(t, err)
		for at, c := range marked {
			if c != '\n' && at != len(marked)-1 || bytes.Count(marked[:at], []byte("«")) != bytes.Count(marked[:at], []byte("»")) {
				continue // within a secret of many lines
			}
			text := marked[:at+1]
			line := text[bytes.LastIndexByte(text[:at], '\n')+1:]
			last := page.LastLine(page.Main(), planted.ReplaceAll(text, []byte("$1")))
			for _, secret := range planted.FindAllSubmatch(line, -1) {
				if len(secret[1]) > 3 && !bytes.Contains(planted.ReplaceAll(line, nil), secret[1]) {
					assert.NotContains(t, last, string(secret[1]), "%s: %s", page.Name, line)
				}
			}
		}
	}
	a := parse(t, small)
	assert.Equal(t, "enable secret 5 <secret>", a.LastLine(a.Main(), []byte("enable secret 5 $1$abcd$0123456789abcdefghijkl\n\n")))
	assert.Equal(t, "(a line that did not end)", a.LastLine(a.Main(), []byte("x\nenable secret 5 $1$ab")))
}
