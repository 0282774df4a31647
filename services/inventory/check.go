package inventory

import (
	"net/netip"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/netraven/netraven/internal/errs"
)

const (
	maxName  = 255
	maxText  = 64 << 10
	maxTags  = 100
	maxPort  = 65535
	sshPort  = 22
	maxLimit = 5000
)

var hostname = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,62}[A-Za-z0-9_])?)*\.?$`)

// checkName answers the name without space around it.
func checkName(field, name string) (string, error) {
	name = strings.TrimSpace(name)
	switch {
	case name == "":
		return "", errs.Invalid(field, "MISSING", "must not be empty")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return "", errs.Invalid(field, "CHARACTER_FORBIDDEN", "must be UTF-8 text without control characters")
	case utf8.RuneCountInString(name) > maxName:
		return "", errs.Invalid(field, "TOO_LONG", "must have at most 255 characters")
	}
	return name, nil
}

func checkText(field, text string) error {
	if len(text) > maxText || !utf8.ValidString(text) {
		return errs.Invalid(field, "TOO_LONG", "must be UTF-8 text of at most 64 KiB")
	}
	return nil
}

// checkAddress takes IPv4, IPv6 (with a zone) and DNS names.
func checkAddress(field, address string) (string, error) {
	address = strings.TrimSpace(address)
	if address == "" {
		return "", errs.Invalid(field, "MISSING", "must be an IPv4 or IPv6 address or a DNS name")
	}
	if _, err := netip.ParseAddr(strings.Trim(address, "[]")); err == nil {
		return strings.Trim(address, "[]"), nil
	}
	// What looks like an IPv4 address and is none would be looked up as a name, at best in vain.
	if len(address) > 253 || !hostname.MatchString(address) || allDigits(address) {
		return "", errs.Invalid(field, "ADDRESS_INVALID", "must be an IPv4 or IPv6 address or a DNS name, without port")
	}
	return address, nil
}

func allDigits(s string) bool {
	return strings.Trim(s, "0123456789.") == ""
}

func checkPort(field string, port int32) (int32, error) {
	if port == 0 {
		return sshPort, nil
	}
	if port < 1 || port > maxPort {
		return 0, errs.Invalid(field, "OUT_OF_RANGE", "must be 1 to 65535")
	}
	return port, nil
}

// checkTags answers the names without space, doubles and empty ones; none means `default`.
func checkTags(field string, tags []string) ([]string, error) {
	var out []string
	seen := map[string]bool{}
	for _, t := range tags {
		if strings.TrimSpace(t) == "" {
			continue
		}
		name, err := checkName(field, t)
		if err != nil {
			return nil, err
		}
		if key := strings.ToLower(name); !seen[key] {
			seen[key] = true
			out = append(out, name)
		}
	}
	if len(out) > maxTags {
		return nil, errs.Invalid(field, "TOO_MANY", "a device has at most 100 tags")
	}
	if len(out) == 0 {
		return []string{"default"}, nil
	}
	return out, nil
}

func checkLimit(field string, n, byDefault int32) (int32, error) {
	if n == 0 {
		return byDefault, nil
	}
	if n < 1 || n > maxLimit {
		return 0, errs.Invalid(field, "OUT_OF_RANGE", "must be 1 to 5000")
	}
	return n, nil
}

// parseID reads an id that names an existing thing: one that is no id names nothing.
func parseID(noun, id string) (uuid.UUID, error) {
	u, err := uuid.Parse(id)
	if err != nil {
		return uuid.Nil, errs.NotFound(noun, id)
	}
	return u, nil
}

func parseIDs(field string, ids []string) ([]uuid.UUID, error) {
	out := make([]uuid.UUID, 0, len(ids))
	for _, id := range ids {
		u, err := uuid.Parse(id)
		if err != nil {
			return nil, errs.Invalid(field, "NOT_AN_ID", "must be ids as answered by this server")
		}
		out = append(out, u)
	}
	return out, nil
}

// check answers the name of the platform that a name or an alias means.
func (s *shelf) check(field, name string) (string, error) {
	if strings.TrimSpace(name) == "" {
		return "", errs.Invalid(field, "MISSING", "must name a platform; GET /api/v1/platforms lists them")
	}
	page, ok := s.Lookup(strings.TrimSpace(name))
	if !ok {
		const help = "is not a platform or an alias of one; GET /api/v1/platforms lists them"
		return "", errs.New(codes.InvalidArgument, "PLATFORM_UNKNOWN", "%s: %q %s", field, name, help).Field(field, "PLATFORM_UNKNOWN", help)
	}
	return page.Name, nil
}

func unknownField(path string) error {
	return errs.Invalid(path, "FIELD_READ_ONLY", "cannot be changed")
}
