package device

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

func TestWhatIsShownEndsWithAWholeLine(t *testing.T) {
	s := &Session{report: &Report{Grant: &vaultv1.Grant{Credentials: []*vaultv1.GrantedCredential{{Password: "hidden-word"}}}}}
	for _, c := range []struct {
		text, shown string
		limit       int
		truncated   bool
	}{
		{"a\nb\n", "a\nb\n", 4, false},
		{"a\nb\n", "a\n", 3, true},
		{"a\nb", "a\nb", 3, false},
		{"a\nb", "", 0, true},
		{"", "", 0, false},
		{"no end of a line", "", 5, true},
		{"said hidden-word\x07\n", "said ***\n", 100, false},
		{"a\n" + strings.Repeat("x", 2*maskedBeyond), "a\n", 10, true},
		{strings.Repeat("x", 2*maskedBeyond), "", 10, true},
	} {
		shown, truncated := s.Show([]byte(c.text), c.limit)
		require.Equal(t, c.shown, shown)
		require.Equal(t, c.truncated, truncated, c.text[:min(20, len(c.text))])
	}
}
