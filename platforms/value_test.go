package platforms_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/netraven/netraven/platforms"
)

// What Values says of a secret is what Mask made a tag of, wherever it stands.
func TestValuesAreWhatIsTagged(t *testing.T) {
	page, ok := platforms.Builtin().Lookup("cisco_ios")
	require.True(t, ok)
	const key = "-----BEGIN RSA PRIVATE KEY-----\nAAAA\nBBBB\n-----END RSA PRIVATE KEY-----"
	for text, typed := range map[string]string{
		"snmp-server community public RO\n":                                                      " public\r\n",
		"snmp-server community \"two-words\" RO\n":                                               "two-words",
		"-----BEGIN RSA PRIVATE KEY-----\n  AAAA\n  BBBB\n-----END RSA PRIVATE KEY-----\n":       key,
		"x -----BEGIN RSA PRIVATE KEY-----\r\nAAAA\r\nBBBB\r\n-----END RSA PRIVATE KEY-----\r\n": key + "\n",
	} {
		var tagged []string
		page.Mask([]byte(text), func(secret []byte) string { tagged = append(tagged, string(secret)); return "tag" })
		require.Len(t, tagged, 1, text)
		var values []string
		for _, v := range platforms.Values([]byte(typed)) {
			values = append(values, string(v))
		}
		require.Contains(t, values, tagged[0], text)
	}
	require.Empty(t, platforms.Values([]byte(" \n\t")))
	require.Empty(t, platforms.Values(nil))
}
