package gitstore

import (
	"crypto/x509"
	"errors"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	gitstoresql "github.com/netraven/netraven/gen/sqlc/gitstore"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/secret"
	"github.com/netraven/netraven/services/gitstore/remote"
)

const (
	maxRemoteName = 255
	maxRemoteText = 64 << 10
	maxPassword   = 4096
)

// remoteFields are what a new remote sets.
var remoteFields = []string{"name", "url", "username", "known_host", "accept_first_host_key", "ca", "enabled"}

// secretFields are the fields of which one that changes makes a new secret.
var secretFields = []string{"password", "private_key", "passphrase"}

// setRemote copies the named fields of a request to a row; secrets are set elsewhere.
func setRemote(row *gitstoresql.Remote, r *gitstorev1.Remote, paths []string) error {
	for _, path := range paths {
		switch path {
		case "id", "password", "private_key", "passphrase":
		case "name":
			row.Name = r.GetName()
		case "url":
			row.Url = r.GetUrl()
		case "username":
			row.Username = r.GetUsername()
		case "known_host":
			row.KnownHost = strings.TrimSpace(r.GetKnownHost())
		case "accept_first_host_key":
			row.AcceptFirstHostKey = r.GetAcceptFirstHostKey()
		case "ca":
			row.Ca = r.GetCa()
		case "enabled":
			row.Enabled = r.Enabled == nil || r.GetEnabled()
		default:
			return errs.Invalid(path, "FIELD_READ_ONLY", "cannot be changed")
		}
	}
	return nil
}

// remoteSecret is how to sign in, as a request has it; nil: it says nothing of it.
func remoteSecret(r *gitstorev1.Remote, paths []string) *gitstorev1.RemoteSecret {
	if !slices.ContainsFunc(paths, func(p string) bool { return slices.Contains(secretFields, p) }) {
		return nil
	}
	return &gitstorev1.RemoteSecret{Password: r.GetPassword(), PrivateKey: r.GetPrivateKey(), Passphrase: r.GetPassphrase()}
}

func secretsSet(s *gitstorev1.RemoteSecret) []string {
	set := []string{}
	for i, v := range []string{s.GetPassword(), s.GetPrivateKey(), s.GetPassphrase()} {
		if v != "" {
			set = append(set, secretFields[i])
		}
	}
	return set
}

// checkRemote says what is wrong with a remote. The secret is nil where it stays.
func checkRemote(row gitstoresql.Remote, s *gitstorev1.RemoteSecret) error {
	if !oneLine(row.Name, maxRemoteName) {
		return errs.Invalid("name", "INVALID", "1 to 255 characters without control characters")
	}
	address, err := remote.ParseAddress(row.Url)
	if err != nil {
		return errs.Invalid("url", "INVALID", err.Error())
	}
	if row.Username != "" && (!oneLine(row.Username, maxRemoteName) || strings.Contains(row.Username, ":")) {
		return errs.Invalid("username", "INVALID", "at most 255 characters without control characters and colons")
	}
	keys, err := remote.ParseHostKeys(row.KnownHost)
	if err != nil || len(row.KnownHost) > maxRemoteText {
		return errs.Invalid("known_host", "INVALID", "one line for each key of the server, as ssh-keyscan and known_hosts have it: ssh-ed25519 AAAA...")
	}
	if len(row.Ca) > maxRemoteText || row.Ca != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(row.Ca)) {
		return errs.Invalid("ca", "INVALID", "holds no certificate in PEM form")
	}
	if !address.SSH {
		return checkPassword(row, s)
	}
	if len(keys) == 0 && !row.AcceptFirstHostKey {
		return errs.Invalid("known_host", "REQUIRED", "give the SSH server's public key (ssh-keyscan shows it; compare it with what the server's owner says), or set accept_first_host_key")
	}
	return checkKey(row, s)
}

func checkPassword(row gitstoresql.Remote, s *gitstorev1.RemoteSecret) error {
	switch p := s.GetPassword(); {
	case slices.Contains(row.SecretsSet, "private_key"):
		return errs.Invalid("private_key", "NOT_FOR_HTTPS", "a private key is for SSH; give a password or token")
	case !slices.Contains(row.SecretsSet, "password"):
		return errs.Invalid("password", "REQUIRED", "give a password or token that may write to the repository")
	case len(p) > maxPassword || !utf8.ValidString(p) || strings.ContainsFunc(p, unicode.IsControl):
		return errs.Invalid("password", "INVALID", "at most 4096 bytes without control characters")
	}
	return nil
}

func checkKey(row gitstoresql.Remote, s *gitstorev1.RemoteSecret) error {
	switch {
	case slices.Contains(row.SecretsSet, "password"):
		return errs.Invalid("password", "NOT_FOR_SSH", "a password or token is for HTTPS; give a private_key")
	case !slices.Contains(row.SecretsSet, "private_key"):
		return errs.Invalid("private_key", "REQUIRED", "give a private key whose public half may write to the repository")
	case s == nil:
		return nil
	case len(s.GetPrivateKey())+len(s.GetPassphrase()) > maxRemoteText:
		return errs.Invalid("private_key", "TOO_LONG", "at most 65536 bytes")
	}
	_, err := remote.ParseKey(secret.NewString(s.GetPrivateKey()), secret.NewString(s.GetPassphrase()))
	switch {
	case errors.Is(err, remote.ErrKeyForm):
		return errs.Invalid("private_key", "INVALID", err.Error())
	case err != nil:
		return errs.Invalid("passphrase", "INVALID", err.Error())
	}
	return nil
}

// otherServer tells whether two urls are of different servers: a secret given for one is not for the other.
func otherServer(a, b string) bool {
	x, err1 := remote.ParseAddress(a)
	y, err2 := remote.ParseAddress(b)
	return err1 != nil || err2 != nil || x.SSH != y.SSH || !strings.EqualFold(x.Host, y.Host)
}

// oneLine tells whether text fits on one line of bounded length.
func oneLine(text string, limit int) bool {
	return text != "" && utf8.RuneCountInString(text) <= limit && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}
