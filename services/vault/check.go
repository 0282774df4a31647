package vault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/crypto/ssh"

	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/secret"
)

const (
	maxName     = 255
	maxTag      = 100
	maxTags     = 100
	maxDevices  = 1000
	maxPassword = 1024
	maxKey      = 64 << 10
	maxPriority = 100_000
	maxRate     = 1000
	maxInFlight = 10_000
)

func invalid(field, reason, message string) error {
	return errs.Invalid(field, reason, message)
}

// check says what is wrong with a credential whose secrets are at hand.
func check(row vaultsql.Credential, s secrets) error {
	if err := checkRow(row); err != nil {
		return err
	}
	for _, f := range []struct {
		field string
		value secret.String
	}{{"password", s.password}, {"passphrase", s.passphrase}, {"enable_secret", s.enableSecret}} {
		// A line break in what is typed at a prompt would be the next command.
		if text := f.value.Reveal(); len(text) > maxPassword || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
			return invalid(f.field, "INVALID", "at most 1024 bytes without control characters")
		}
	}
	return checkKey(s)
}

// checkRow says what is wrong with a credential, as far as it can be told without opening a secret.
func checkRow(row vaultsql.Credential) error {
	has := func(name string) bool { return slices.Contains(row.SecretsSet, name) }
	switch {
	case !line(row.Name, maxName):
		return invalid("name", "INVALID", "1 to 255 characters without control characters")
	case row.Username == "":
		return invalid("username", "REQUIRED", "a device asks for a user name")
	case !line(row.Username, maxName):
		return invalid("username", "INVALID", "1 to 255 characters without control characters")
	case !has("password") && !has("private_key"):
		return invalid("password", "REQUIRED", "give a password, a private_key, or both")
	case has("passphrase") && !has("private_key"):
		return invalid("passphrase", "WITHOUT_KEY", "a passphrase opens a private_key, and there is none")
	case row.Enable == "SECRET" && !has("enable_secret"):
		return invalid("enable", "WITHOUT_SECRET", "SECRET needs an enable_secret")
	case row.Enable == "LOGIN_PASSWORD" && !has("password"):
		return invalid("enable", "WITHOUT_PASSWORD", "LOGIN_PASSWORD needs a password")
	case !slices.Contains([]string{"UNSPECIFIED", "NONE", "LOGIN_PASSWORD", "SECRET"}, row.Enable):
		return invalid("enable", "INVALID", "NONE, LOGIN_PASSWORD or SECRET")
	case len(row.Tags) > maxTags || slices.ContainsFunc(row.Tags, func(t string) bool { return !line(t, maxTag) }):
		return invalid("tags", "INVALID", "at most 100 tags of 1 to 100 characters")
	case len(row.DeviceIds) > maxDevices:
		return invalid("device_ids", "TOO_MANY", "at most 1000 devices; use a tag for more")
	case row.Priority < 0 || row.Priority > maxPriority:
		return invalid("priority", "OUT_OF_RANGE", "0 to 100000")
	case row.LoginsPerSecond < 1 || row.LoginsPerSecond > maxRate:
		return invalid("logins_per_second", "OUT_OF_RANGE", "1 to 1000")
	case row.MaxInFlight < 0 || row.MaxInFlight > maxInFlight:
		return invalid("max_in_flight", "OUT_OF_RANGE", "0 (the default) to 10000")
	}
	return nil
}

// line tells whether text fits on one line of bounded length.
func line(text string, limit int) bool {
	return text != "" && utf8.RuneCountInString(text) <= limit && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl)
}

// checkKey tells a key that does not parse, or does not open, before a night of failed logins does. The parser's words are not passed on: they
// may quote the key.
func checkKey(s secrets) error {
	if s.privateKey.Empty() {
		return nil
	}
	pem := s.privateKey.Reveal()
	if len(pem) > maxKey {
		return invalid("private_key", "TOO_LONG", fmt.Sprintf("at most %d bytes", maxKey))
	}
	var missing *ssh.PassphraseMissingError
	_, err := ssh.ParseRawPrivateKey([]byte(pem))
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &missing):
		return invalid("private_key", "INVALID", "not a private key in PEM or OpenSSH form")
	case s.passphrase.Empty():
		return invalid("passphrase", "REQUIRED", "the private_key is encrypted: give its passphrase")
	}
	if _, err := ssh.ParseRawPrivateKeyWithPassphrase([]byte(pem), []byte(s.passphrase.Reveal())); err != nil {
		return invalid("passphrase", "WRONG", "the passphrase does not open the private_key")
	}
	return nil
}
