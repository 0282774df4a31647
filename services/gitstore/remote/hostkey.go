package remote

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

const maxHostKeys = 20

var errHostKeys = errors.New("one line for each key of the server, as ssh-keyscan and known_hosts have it: ssh-ed25519 AAAA..., with or without the host's name before it")

// ParseHostKeys reads the lines of a server's public keys: those of a known_hosts file, with the host's name or without. Its errors are for people.
func ParseHostKeys(text string) ([]ssh.PublicKey, error) {
	var keys []ssh.PublicKey
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "@") { // @revoked and @cert-authority mean something else than a key of the server
			return nil, errHostKeys
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)) //nolint:dogsled // the key is all we want
		if err != nil {
			_, rest, _ := strings.Cut(line, " ")
			if key, _, _, _, err = ssh.ParseAuthorizedKey([]byte(rest)); err != nil { //nolint:dogsled // as above
				return nil, errHostKeys
			}
		}
		if keys = append(keys, key); len(keys) > maxHostKeys {
			return nil, errHostKeys
		}
	}
	return keys, nil
}

// hostKeys checks the server's key before anything that knows a secret.
type hostKeys struct {
	host  string
	known []ssh.PublicKey
	// shown is the server's key.
	shown ssh.PublicKey
}

func (k *hostKeys) check(_ string, _ net.Addr, shown ssh.PublicKey) error {
	k.shown = shown
	known := func(p ssh.PublicKey) bool { return bytes.Equal(p.Marshal(), shown.Marshal()) }
	if len(k.known) > 0 && !slices.ContainsFunc(k.known, known) {
		return failed(HostKey, "%s shows the host key %s %s, which is not the known one: nothing was sent to it; if its key was changed on purpose, give the new one as known_host",
			k.host, shown.Type(), ssh.FingerprintSHA256(shown))
	}
	return nil
}

// algorithms are those of the known keys, so that nobody in between shows a key of another type; nil: what the library finds safe.
func (k *hostKeys) algorithms() []string {
	var out []string
	for _, p := range k.known {
		if p.Type() == ssh.KeyAlgoRSA {
			out = append(out, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			continue
		}
		out = append(out, p.Type())
	}
	return out
}

// line is the key that the server showed, as ParseHostKeys reads it.
func (k *hostKeys) line() string {
	if k.shown == nil {
		return ""
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(k.shown)))
}
