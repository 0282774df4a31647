package cli

import (
	"encoding/json"
	"fmt"
	"strings"
)

// params are a kind's parameters, given as NAME=VALUE. A value that is JSON is taken as such ("5", "true", a list), anything else is text.
func (f *form) params(flag, path string) *form {
	v := f.flags.StringArray(flag, nil, "parameter of the kind, NAME=VALUE; VALUE may be JSON; may be repeated")
	f.add(flag, path, func() (any, error) {
		all := fieldMap{}
		for _, pair := range *v {
			name, text, ok := strings.Cut(pair, "=")
			if !ok || name == "" {
				return nil, fmt.Errorf("--%s takes NAME=VALUE, not %q", flag, pair)
			}
			var value any
			if json.Unmarshal([]byte(text), &value) != nil {
				value = text
			}
			all[name] = value
		}
		return all, nil
	})
	return f
}
