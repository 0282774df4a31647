package device

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"pgregory.net/rapid"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/platforms"
)

func ios(t testing.TB) *platforms.Page {
	t.Helper()
	page, ok := platforms.Builtin().Lookup("cisco_ios")
	require.True(t, ok)
	return page
}

func heard(text string) Traffic { return Traffic{Data: []byte(text)} }

func typedIn(text string) Traffic { return Traffic{Sent: true, Data: []byte(text)} }

func TestATranscriptReadsLikeTheSession(t *testing.T) {
	w := NewTranscript(ios(t))
	w.Stage("login")
	w.Take(Traffic{Login: true, Data: []byte("Authorized access only\n")})
	w.Take(heard("\r\nr1>"))
	w.Take(typedIn("enable\n"))
	w.Take(heard("enable\r\nPassword: "))
	w.Take(Traffic{Sent: true, Secret: true, Data: []byte("\n")})
	w.Take(heard("\r\nr1#"))
	w.Stage("command")
	w.Take(typedIn("show run\n"))
	w.Take(heard("show run\r\nsnmp-server comm"))
	w.Take(heard("unity sesame-open RO\r\n --More-- "))
	w.Take(typedIn(" "))
	w.Take(heard("\b\b\b\b\b\b\b\b\b\b          \b\b\b\b\b\b\b\b\b\bsnmp-server community other-word RW\r\n\x1b[1mbold\x1b[0m\x07 enable-me\r\n"))
	w.Take(typedIn("\n"))
	w.Take(heard("r1#"))
	text, cut := w.Text(&vaultv1.Grant{Credentials: []*vaultv1.GrantedCredential{{Password: "x1", EnableSecret: "enable-me"}}})
	require.False(t, cut)
	require.Equal(t, `-- login
Authorized access only

r1>
>> enable
enable
Password: 
>> (a secret, not kept)

r1#
-- command
>> show run
show run
snmp-server community <secret> RO
snmp-server community <secret> RW
bold ***
r1#
-- (keys for a pager or empty lines were typed meanwhile: 2)
`, text)
}

// A login that is refused says what the device said before there was a session.
func TestATranscriptOfALogin(t *testing.T) {
	p := newPeer(t)
	p.config.PasswordCallback = nil
	p.config.BannerCallback = func(ssh.ConnMetadata) string { return "Authorized access only\n" }
	p.config.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		got, err := ask("", "Your token, please", []string{"Code for wrong-password: "}, []bool{false})
		if err != nil || got[0] != passWord {
			return nil, errors.New("no")
		}
		return nil, nil
	}
	p.start()
	cfg := p.attempt(bad())
	w := NewTranscript(cfg.Page)
	cfg.Traffic, cfg.Progress = w.Take, w.Stage
	_, report := mustFail(t, cfg, jobv1.Failure_AUTH)
	text, _ := w.Text(report.Grant)
	require.Contains(t, text, "-- login\nAuthorized access only\n")
	require.Contains(t, text, "Your token, please\nCode for ***")
	require.NotContains(t, text, bad().GetPassword())
}

func TestATranscriptOfExecChannels(t *testing.T) {
	w := NewTranscript(nil)
	w.Take(Traffic{Exec: "show a", Data: []byte("one\n")})
	w.Take(Traffic{Exec: "show b", Data: []byte("password: hunter2-hunter2\n")})
	text, _ := w.Text(nil)
	require.Equal(t, ">> show a\none\n>> show b\npassword: <secret>\n", text)
}

// However much a device says, a transcript has its start and its end, and nothing is masked by halves.
func TestATranscriptIsBounded(t *testing.T) {
	key := "-----BEGIN RSA PRIVATE KEY-----\n" + strings.Repeat("bm90IGEga2V5IGF0IGFsbA0KYnV0IGxvbmcgZW5vdWdo\n", 90000) + "-----END RSA PRIVATE KEY-----\n"
	for _, long := range []string{strings.Repeat("a line of the device\n", 200000), strings.Repeat("x", 3<<20), strings.Repeat("line\n", 4000) + key} {
		w := NewTranscript(ios(t))
		w.Take(heard("the start\n"))
		for range 20 {
			w.Take(typedIn("show all\n"))
			for i := 0; i < len(long); i += 30000 {
				w.Take(heard(long[i:min(i+30000, len(long))]))
			}
		}
		w.Take(typedIn("exit\n"))
		w.Take(heard("the end\nr1#"))
		text, cut := w.Text(nil)
		require.True(t, cut)
		require.LessOrEqual(t, len(text), maxTranscript)
		require.True(t, strings.HasPrefix(text, "the start\n>> show all\n"))
		require.True(t, strings.HasSuffix(text, ">> exit\nthe end\nr1#\n"))
		require.Contains(t, text, " bytes are left out)\n")
		require.NotContains(t, text, "bm90IGEga2V5")
	}
}

// No planted secret survives, however the session is chopped, paged, redrawn and cut off, and wherever something is typed.
func TestNoPlantedSecretSurvivesATranscript(t *testing.T) {
	page := ios(t)
	word := rapid.StringMatching(`[A-Za-z0-9!+/.]{3,10}[0-9]{4}[A-Za-z]{4}`)
	forms := []string{"enable secret 9 %", "snmp-server community % RO", "username ann privilege 15 secret 5 %", "tacacs-server key 7 %", " neighbor 192.0.2.3 password 7 %",
		"key chain K\n key 1\n  key-string 7 %", "crypto isakmp key % address 192.0.2.2", "the device repeats %"}
	rapid.Check(t, func(t *rapid.T) {
		password := "P4ss-" + word.Draw(t, "password")
		grant := &vaultv1.Grant{Credentials: []*vaultv1.GrantedCredential{{Password: password}}}
		secrets := []string{password}
		var wire strings.Builder
		for range rapid.IntRange(1, 12).Draw(t, "lines") {
			switch rapid.IntRange(0, 4).Draw(t, "kind") {
			case 0:
				b := rapid.SliceOfN(rapid.Byte(), 100, 400).Draw(t, "key")
				wire.WriteString("-----BEGIN PRIVATE KEY-----\r\n")
				for body := base64.StdEncoding.EncodeToString(b); body != ""; {
					n := min(64, len(body))
					secrets = append(secrets, body[:n])
					wire.WriteString(body[:n] + "\r\n")
					body = body[n:]
				}
				wire.WriteString("-----END PRIVATE KEY-----\r\n")
			case 1:
				wire.WriteString("interface Gi0/1\r\n description r1# is no prompt\r\n")
			default:
				form := rapid.SampledFrom(forms).Draw(t, "form")
				s := password
				if !strings.HasPrefix(form, "the device") {
					s = word.Draw(t, "secret")
				}
				secrets = append(secrets, s)
				wire.WriteString(strings.ReplaceAll(strings.Replace(form, "%", s, 1), "\n", "\r\n") + "\r\n")
			}
			if rapid.IntRange(0, 3).Draw(t, "pager") == 0 {
				wire.WriteString(" --More-- \x00")
				wire.WriteString(rapid.SampledFrom([]string{"\r          \r", "\b\b\b\b\b\b\b\b\b\b          \b\b\b\b\b\b\b\b\b\b", "\r\x1b[K"}).Draw(t, "wipe"))
			}
		}
		text := wire.String()
		text = text[:rapid.IntRange(0, len(text)).Draw(t, "cut")]
		w := NewTranscript(page)
		w.Stage("command")
		w.Take(typedIn("show running-config\n"))
		for text != "" {
			n := min(rapid.IntRange(1, 200).Draw(t, "chunk"), len(text))
			if i := strings.IndexByte(text, 0); i == 0 { // the device waits for a key
				w.Take(typedIn(" "))
				text = text[1:]
				continue
			} else if i > 0 {
				n = min(n, i)
			}
			w.Take(heard(text[:n]))
			if text = text[n:]; rapid.IntRange(0, 9).Draw(t, "nudge") == 0 {
				w.Take(typedIn("\n"))
			}
		}
		if rapid.Bool().Draw(t, "goodbye") {
			w.Take(typedIn("exit\n"))
		}
		got, _ := w.Text(grant)
		for _, s := range secrets {
			if len(s) >= 8 {
				require.NotContains(t, got, s)
			}
		}
		require.True(t, utf8.ValidString(got))
		require.LessOrEqual(t, len(got), maxTranscript)
		require.False(t, strings.ContainsFunc(got, func(r rune) bool { return r < ' ' && r != '\n' && r != '\t' || r == 0x7f }), "%q", got)
	})
}
