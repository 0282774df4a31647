package device

import (
	"testing"

	"github.com/stretchr/testify/require"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

// A command that a device shows no echo of is typed again, but never one that may change the device.
func TestACommandThatIsSentOnceIsSentOnce(t *testing.T) {
	for once, want := range map[bool]int{false: 2, true: 1} {
		p := newPeer(t)
		typed := make(chan string, 10)
		p.shell = func(c *console) {
			c.say("r1#")
			for {
				line, ok := c.line()
				if !ok || line == "exit" {
					return
				}
				echo := line
				if line == "install add-one" {
					typed <- line
					echo = ""
				}
				c.say(echo + "\r\nr1#")
			}
		}
		p.start()
		s, _ := mustOpen(t, p.attempt())
		for _, send := range []string{"show clock", "install add-one"} {
			_, f := s.Run(Command{Send: send, Once: once})
			require.Nil(t, f, "%v", f)
		}
		require.Len(t, typed, want)
	}
}

func TestNoSecretHidesBehindAnother(t *testing.T) {
	g := &vaultv1.Grant{Credentials: []*vaultv1.GrantedCredential{{Password: "winter", EnableSecret: "winter2026!"}}}
	require.Equal(t, "said ***, then *** ", strip("said winter2026!, then winter ", g))
	s := &Session{report: &Report{Grant: &vaultv1.Grant{Credentials: []*vaultv1.GrantedCredential{{Password: `win"ter\9`}}}}}
	require.NotContains(t, s.Fail(0, "The device refuses %q.", `% Invalid: win"ter\9`).GetHint(), "ter")
}
