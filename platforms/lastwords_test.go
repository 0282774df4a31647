package platforms

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestMaskLines(t *testing.T) {
	key := "MIIEowIBAAKCAQEAabcdefghijklmnopqrstuvwxyz"
	ios, _ := Builtin().Lookup("cisco_ios")
	ros, _ := Builtin().Lookup("mikrotik_routeros")
	for _, c := range []struct {
		page     *Page
		in, want string
	}{
		{nil, "", ""},
		{nil, "% Login invalid\n", "% Login invalid\n"},
		{nil, "enable secret 5 $1$abcd$efgh\nrouter#", "enable secret 5 <secret>\nrouter#"},
		{ios, "username x password 0 two words\nsw1#", "username x password 0 <secret>\nsw1#"},
		{nil, "-----BEGIN RSA PRIVATE KEY-----\n" + key, "-----BEGIN RSA PRIVATE KEY-----\n<secret>"},
		{nil, key + "\n" + key + "\nabc=\n-----END RSA PRIVATE KEY-----\nend", "<secret>\n<secret>\n<secret>\n-----END RSA PRIVATE KEY-----\nend"},
		{nil, "ab12\n-----END RSA PRIVATE KEY-----", "<secret>\n-----END RSA PRIVATE KEY-----"},
		{nil, "exit\nlogout\nBye", "exit\nlogout\nBye"},
		{ros, "add name=x password=\\\n    abc\\\n    def profile=p\n", "add name=x password=<secret> profile=p\n"},
	} {
		assert.Equal(t, c.want, c.page.MaskLines(c.in))
	}
}
