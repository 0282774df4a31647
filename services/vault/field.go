package vault

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/secret"
)

// secretFields are the fields whose change makes a new version.
var secretFields = []string{"password", "private_key", "passphrase", "enable_secret"}

// allFields are what a new credential sets.
var allFields = []string{"name", "username", "enable", "tags", "device_ids", "priority", "logins_per_second", "max_in_flight", "local_fallback"}

func touchesSecrets(paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return slices.Contains(secretFields, p) })
}

// setFields copies the named fields of a request to a row; secrets are set elsewhere.
func setFields(row *vaultsql.Credential, c *vaultv1.Credential, paths []string) error {
	for _, path := range paths {
		switch path {
		case "id", "password", "private_key", "passphrase", "enable_secret":
		case "name":
			row.Name = c.GetName()
		case "username":
			row.Username = c.GetUsername()
		case "enable":
			row.Enable = c.GetEnable().String()
		case "tags":
			row.Tags, row.TagKeys = tagSet(c.GetTags())
		case "device_ids":
			ids, err := deviceSet(c.GetDeviceIds())
			if err != nil {
				return err
			}
			row.DeviceIds = ids
		case "priority":
			row.Priority = c.GetPriority()
		case "logins_per_second":
			row.LoginsPerSecond = c.GetLoginsPerSecond()
			if row.LoginsPerSecond == 0 {
				row.LoginsPerSecond = defaultRate
			}
		case "max_in_flight":
			row.MaxInFlight = c.GetMaxInFlight()
		case "local_fallback":
			row.LocalFallback = c.GetLocalFallback()
		default:
			return errs.Invalid(path, "FIELD_READ_ONLY", "cannot be changed")
		}
	}
	return nil
}

// setSecrets copies the named secrets of a request. An empty one is removed.
func setSecrets(s *secrets, c *vaultv1.Credential, paths []string) {
	for _, path := range paths {
		switch path {
		case "password":
			s.password = secret.NewString(c.GetPassword())
		case "private_key":
			s.privateKey = secret.NewString(c.GetPrivateKey())
		case "passphrase":
			s.passphrase = secret.NewString(c.GetPassphrase())
		case "enable_secret":
			s.enableSecret = secret.NewString(c.GetEnableSecret())
		}
	}
}

// tagSet answers distinct tag names as they were written first, and the keys they are compared by.
func tagSet(names []string) (tags, keys []string) {
	tags, keys = []string{}, []string{}
	for _, name := range names {
		name = strings.TrimSpace(name)
		if key := tagKey(name); !slices.Contains(keys, key) {
			tags, keys = append(tags, name), append(keys, key)
		}
	}
	return tags, keys
}

// tagKey is what tag names are compared by: they are equal ignoring case.
func tagKey(name string) string { return strings.ToLower(name) }

func tagKeys(names []string) []string {
	_, keys := tagSet(names)
	return keys
}

func deviceSet(texts []string) ([]uuid.UUID, error) {
	ids := make([]uuid.UUID, 0, len(texts))
	for _, text := range texts {
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, errs.Invalid("device_ids", "INVALID", "a device's id is a UUID")
		}
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}
