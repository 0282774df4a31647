package remote

import (
	"encoding/base64"
	"strings"
	"unicode"

	"golang.org/x/crypto/ssh"

	"github.com/netraven/netraven/internal/secret"
)

// Target is a remote with all that is needed to push to it.
type Target struct {
	Address Address
	// Username is the user there; empty: the address's, or git.
	Username string
	// Password is a password or token, for HTTPS.
	Password secret.String
	// PrivateKey is for SSH, in PEM or OpenSSH form, with the passphrase that opens it.
	PrivateKey, Passphrase secret.String
	// HostKeys are the keys that the SSH server may have. None: whatever it shows, see Outcome.HostKey.
	HostKeys []ssh.PublicKey
	// CA is who signs the HTTPS server's certificate, PEM; empty: whom the system trusts.
	CA string
}

func (t Target) user() string {
	switch {
	case t.Username != "":
		return t.Username
	case t.Address.User != "":
		return t.Address.User
	}
	return "git"
}

// maxWords bounds what is kept of a server's words.
const maxWords = 500

// words is a server's text on one bounded line. A server that says our secret back is not quoted with it.
func (t Target) words(text string) string {
	if p := t.Password.Reveal(); p != "" {
		text = strings.ReplaceAll(text, p, "***")
		text = strings.ReplaceAll(text, base64.StdEncoding.EncodeToString([]byte(t.user()+":"+p)), "***")
	}
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "?"), func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }), " ")
	if len(text) > maxWords {
		text = strings.ToValidUTF8(text[:maxWords], "") + " ..."
	}
	return text
}
