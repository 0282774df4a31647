package device

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

var simple = map[string]string{"terminal length 0": "", "show run": "hostname r1\r\nend\r\n"}

func TestTheNextCredentialIsTriedOnANewConnection(t *testing.T) {
	p := newPeer(t)
	p.shell = router("", "r1#", simple)
	p.start()
	_, report := mustOpen(t, p.attempt(bad(), good()))
	require.Equal(t, jobv1.CredentialOutcome_REFUSED, report.Credentials[0].GetResult())
	require.Equal(t, jobv1.CredentialOutcome_WORKED, report.Credentials[1].GetResult())
	require.EqualValues(t, 1, p.refusals.Load())
	// The login name was not known at first: one connection found the host key, two tried a password.
	require.EqualValues(t, 3, p.connections.Load())
}

func TestAKnownLoginNameSavesAConnection(t *testing.T) {
	p := newPeer(t)
	p.shell = router("", "r1#", simple)
	p.start()
	cfg := p.attempt()
	cfg.Usernames = &Usernames{}
	for want := range 3 {
		mustOpen(t, cfg)
		require.EqualValues(t, want+2, p.connections.Load())
	}
}

func TestRefusedByAll(t *testing.T) {
	p := newPeer(t)
	p.start()
	second := bad()
	second.Id, second.Name = "second", "second one"
	f, report := mustFail(t, p.attempt(bad(), second), jobv1.Failure_AUTH)
	require.Equal(t, "second one", f.GetCredential())
	require.Equal(t, "login", f.GetStage())
	require.EqualValues(t, 2, p.refusals.Load(), "one password, one refusal")
	for _, o := range report.Credentials {
		require.Equal(t, jobv1.CredentialOutcome_REFUSED, o.GetResult())
	}
}

// A device that offers both methods gets a refused password once, not twice.
func TestOnePasswordBearingMethodPerConnection(t *testing.T) {
	p := newPeer(t)
	var asked atomic.Int32
	p.config.KeyboardInteractiveCallback = func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		asked.Add(1)
		return nil, errors.New("no")
	}
	p.start()
	mustFail(t, p.attempt(bad()), jobv1.Failure_AUTH)
	require.EqualValues(t, 1, p.refusals.Load())
	require.Zero(t, asked.Load())
}

func TestKeyboardInteractive(t *testing.T) {
	p := newPeer(t)
	p.config.PasswordCallback = nil
	var rounds atomic.Int32
	p.config.KeyboardInteractiveCallback = func(c ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		for range 3 { // as some login modules do, it asks again inside one authentication
			rounds.Add(1)
			got, err := ask("", "", []string{"Password: "}, []bool{false})
			if err != nil {
				return nil, err
			}
			if got[0] == passWord {
				return nil, nil
			}
		}
		return nil, errors.New("no")
	}
	p.shell = router("", "r1#", simple)
	p.start()
	mustOpen(t, p.attempt())
	require.EqualValues(t, 1, rounds.Load())
	mustFail(t, p.attempt(bad()), jobv1.Failure_AUTH)
	require.LessOrEqual(t, rounds.Load(), int32(3), "the wrong password was given once")
}

func TestPublicKeyWithPassphrase(t *testing.T) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("pass phrase"))
	require.NoError(t, err)
	p := newPeer(t)
	p.config.PublicKeyCallback = func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) == string(signer.PublicKey().Marshal()) {
			return nil, nil
		}
		return nil, errors.New("no")
	}
	p.shell = router("", "r1#", simple)
	p.start()
	cred := &vaultv1.GrantedCredential{Id: "k", Name: "key", Username: userName, PrivateKey: string(pem.EncodeToMemory(block)), Passphrase: "pass phrase"}
	patient := func() Config { // opening such a key is slow by design
		cfg := p.attempt(cred)
		cfg.Limits.Login, cfg.Spec.Deadline = time.Minute, timestamppb.New(time.Now().Add(2*time.Minute))
		return cfg
	}
	mustOpen(t, patient())
	cred.Passphrase = "wrong"
	f, report := mustFail(t, patient(), jobv1.Failure_AUTH)
	require.Contains(t, f.GetHint(), "passphrase")
	require.Equal(t, jobv1.CredentialOutcome_UNUSED, report.Credentials[0].GetResult())
	require.Zero(t, p.refusals.Load())
}

func TestLoginInsideTheSession(t *testing.T) {
	p := newPeer(t)
	p.config.NoClientAuth = true
	p.shell = func(c *console) {
		for range 3 {
			c.say("\r\nUsername: ")
			user, _ := c.line()
			c.say(user + "\r\nPassword: ")
			pass, ok := c.line()
			if !ok {
				return
			}
			if user == userName && pass == passWord {
				router("\r\n", "r1#", simple)(c)
				return
			}
			p.refusals.Add(1)
			c.say("\r\n% Login invalid\r\n")
		}
	}
	p.start()
	mustOpen(t, p.attempt())
	f, report := mustFail(t, p.attempt(bad()), jobv1.Failure_AUTH)
	require.EqualValues(t, 1, p.refusals.Load())
	require.Equal(t, jobv1.CredentialOutcome_REFUSED, report.Credentials[0].GetResult())
	require.Contains(t, f.GetDeviceSaid(), "Login invalid")
	_, report = mustOpen(t, p.attempt(bad(), good()))
	require.Equal(t, jobv1.CredentialOutcome_WORKED, report.Credentials[1].GetResult())
}

// guarded is a device whose enable asks for a name, where named is set, and for a secret.
func guarded(named bool, secret string, asked *atomic.Int32) func(*console) {
	return func(c *console) {
		prompt := "r1>"
		c.say(prompt)
		for {
			line, ok := c.line()
			if !ok {
				return
			}
			c.say(line + "\r\n")
			if line == "enable" {
				asked.Add(1)
				if named {
					c.say("Username: ")
					name, _ := c.line()
					c.say(name + "\r\n")
				}
				for range 3 {
					c.say("Password: ")
					got, ok := c.line()
					if !ok {
						return
					}
					c.say("\r\n")
					if got == secret {
						prompt = "r1#"
						break
					}
				}
				if prompt == "r1>" {
					c.say("% Bad secrets\r\n")
				}
			}
			c.say(prompt)
		}
	}
}

func TestEnable(t *testing.T) {
	var asked atomic.Int32
	p := newPeer(t)
	p.shell = guarded(false, "s3cret-enable", &asked)
	p.start()
	cred := good()
	s, _ := mustOpen(t, p.attempt(cred))
	require.Equal(t, "r1>", string(s.shell.prompt.learned), "without enable the session stays as it is")
	require.Zero(t, asked.Load())

	cred.EnableSecret = "s3cret-enable"
	s, _ = mustOpen(t, p.attempt(cred))
	require.Equal(t, "r1#", string(s.shell.prompt.learned))

	cred.Enable = vaultv1.GrantedCredential_LOGIN_PASSWORD
	f, report := mustFail(t, p.attempt(cred), jobv1.Failure_PRIVILEGE)
	require.Equal(t, "enable", f.GetStage())
	require.Equal(t, jobv1.CredentialOutcome_ENABLE_REFUSED, report.Credentials[0].GetResult())
	require.NotContains(t, f.String(), "s3cret-enable")

	p.shell = guarded(true, passWord, &asked)
	s, _ = mustOpen(t, p.attempt(cred))
	require.Equal(t, "r1#", string(s.shell.prompt.learned))

	asked.Store(0)
	p.shell = router("", "r1#", simple)
	mustOpen(t, p.attempt(cred))
	require.Zero(t, asked.Load(), "already privileged: nothing is sent")
}

func TestGreetings(t *testing.T) {
	cases := map[string]func(*console){
		"press any key": func(c *console) {
			c.say("Welcome\r\nPress any key")
			c.key()
			router("\r\n", "r1#", simple)(c)
		},
		"waits for enter": func(c *console) {
			_, _ = c.line()
			router("\r\n", "r1#", simple)(c)
		},
		"a banner of look-alikes": router("\r\n#######\r\nr2#\r\nadmin@x>\r\nPassword:\r\n --More-- \r\n$ ", "\r\nr1#", simple),
		"colours and redraws":     router("\x1b[H\x1b[J\x1b[4m\r", "\rr1#\x1b[m ", simple),
	}
	for name, shell := range cases {
		t.Run(name, func(t *testing.T) {
			p := newPeer(t)
			p.shell = shell
			p.start()
			s, _ := mustOpen(t, p.attempt())
			require.Equal(t, "hostname r1\nend", strings.TrimSpace(string(mustRun(t, s, "show run").Text)))
		})
	}
}

// A banner's line that looks like a question is not answered: a password typed at a prompt would stand
// in the device's log.
func TestFailure67ABannerCannotAskForThePassword(t *testing.T) {
	var typed []string
	gone := make(chan struct{})
	p := newPeer(t)
	p.shell = func(c *console) {
		defer close(gone)
		for _, part := range []string{"Welcome\r\nUsername: ", "\r\nPassword:", " is what thieves want\r\nr2>", "\r\nr1>"} {
			c.say(part)
			pause(10 * time.Millisecond)
		}
		prompt := "r1>"
		for {
			line, ok := c.line()
			if !ok {
				return
			}
			typed = append(typed, line)
			c.say(line + "\r\n")
			if line == "enable" {
				c.say("Password: ")
				_, _ = c.line()
				c.say("\r\n")
				prompt = "r1#"
			}
			if line == "show run" {
				c.say("hostname r1\r\nend\r\n")
			}
			c.say(prompt)
		}
	}
	p.start()
	cred := good()
	cred.EnableSecret = "enable-word"
	s, _ := mustOpen(t, p.attempt(cred))
	require.Equal(t, "r1#", string(s.shell.prompt.learned))
	require.Equal(t, "hostname r1\nend\n", string(mustRun(t, s, "show run").Text))
	s.Close()
	<-gone
	require.NotContains(t, typed, passWord)
	require.NotContains(t, typed, userName)
}

func TestNoCredential(t *testing.T) {
	p := newPeer(t)
	p.start()
	cfg := p.attempt()
	cfg.Credentials = func(context.Context) (*vaultv1.Grant, error) { return &vaultv1.Grant{}, nil }
	mustFail(t, cfg, jobv1.Failure_NO_CREDENTIAL)
	cfg.Credentials = func(context.Context) (*vaultv1.Grant, error) { return nil, errors.New("hub says " + passWord) }
	mustFail(t, cfg, jobv1.Failure_NO_CREDENTIAL)
	cfg.Credentials = func(context.Context) (*vaultv1.Grant, error) { return nil, &WaitError{Why: "it was refused elsewhere"} }
	f, report := mustFail(t, cfg, jobv1.Failure_BUSY)
	require.Contains(t, f.GetHint(), "refused elsewhere")
	require.Empty(t, report.Credentials, "nothing was refused")
	cfg.Limits.Login = 200 * time.Millisecond
	cfg.Credentials = func(ctx context.Context) (*vaultv1.Grant, error) { <-ctx.Done(); return nil, ctx.Err() }
	mustFail(t, cfg, jobv1.Failure_TIMEOUT)
	require.Zero(t, p.logins.Load()+p.refusals.Load())
}

func TestPolicy(t *testing.T) {
	p := newPeer(t)
	p.start()
	cfg := p.attempt()
	cfg.Dial = refuseDial
	f, _ := mustFail(t, cfg, jobv1.Failure_POLICY)
	require.Contains(t, f.GetHint(), "10.0.0.0/8 only")
	require.Zero(t, p.connections.Load())
}
