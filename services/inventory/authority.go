package inventory

import (
	"strings"

	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/codes"

	"github.com/netraven/netraven/internal/errs"
)

// maxAuthorities bounds the keys that sign host certificates of one device or site.
const maxAuthorities = 16

// checkAuthorities answers the lines of public keys without blank ones and comments.
func checkAuthorities(field, text string) (string, error) {
	if err := checkText(field, text); err != nil {
		return "", err
	}
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		key, _, options, _, err := ssh.ParseAuthorizedKey([]byte(line))
		switch {
		case err != nil || len(options) > 0:
			return "", errs.Invalid(field, "NOT_A_PUBLIC_KEY", "must be public keys as ssh-keygen writes them into .pub files, one a line, with nothing before them")
		case strings.Contains(key.Type(), "-cert-"):
			return "", errs.Invalid(field, "IS_A_CERTIFICATE", "must be the authority's public key, not a certificate that it signed")
		}
		lines = append(lines, line)
	}
	if len(lines) > maxAuthorities {
		return "", errs.Invalid(field, "TOO_MANY", "at most 16 keys")
	}
	return strings.Join(lines, "\n"), nil
}

// authoritiesOf are the keys of checked lines, in SSH wire format.
func authoritiesOf(lines string) [][]byte {
	var out [][]byte
	for line := range strings.Lines(lines) {
		if key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line)); err == nil {
			out = append(out, key.Marshal())
		}
	}
	return out
}

const noAuthorityHelp = "the policy CA needs the public key of an authority that signs host certificates; set ssh.host_key_ca of the device or host_key_ca of its site"

func authorityMissing() error {
	return errs.New(codes.InvalidArgument, "HOST_KEY_CA_MISSING", "ssh.host_key_ca: %s", noAuthorityHelp).
		Field("ssh.host_key_ca", "HOST_KEY_CA_MISSING", noAuthorityHelp)
}

func authorityInUse() error {
	return errs.New(codes.FailedPrecondition, "HOST_KEY_CA_IN_USE",
		"devices of this site have the host key policy CA and rely on the site's authority; give them one of their own or another policy first")
}
