// Package secret holds values that must never be shown. A String or Bytes prints as *** in every format (fmt, slog, JSON,
// YAML, text), so a secret that reaches a log line, an error or an answer by mistake stays hidden. Reveal is the only way out,
// and is easy to search for.
package secret

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

const mask = "***"

// String is a secret text. The zero value is the empty secret.
type String struct{ v string }

// NewString wraps s.
func NewString(s string) String { return String{v: s} }

// Reveal returns the text itself. Pass it straight to what needs it; never store or format it.
func (s String) Reveal() string { return s.v }

// Empty tells whether there is no secret at all.
func (s String) Empty() bool { return s.v == "" }

// String returns ***, whatever the secret is.
func (s String) String() string { return mask }

// GoString returns ***, for %#v.
func (s String) GoString() string { return mask }

// Format writes *** for every verb and flag.
func (s String) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(mask)) }

// LogValue returns *** to slog.
func (s String) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText returns ***, for YAML, XML and map keys.
func (s String) MarshalText() ([]byte, error) { return []byte(mask), nil }

// MarshalJSON returns "***".
func (s String) MarshalJSON() ([]byte, error) { return json.Marshal(mask) }

// Bytes is a secret byte string, such as a key. The zero value is the empty secret.
type Bytes struct{ v []byte }

// NewBytes wraps b without copying: the caller hands b over.
func NewBytes(b []byte) Bytes { return Bytes{v: b} }

// Reveal returns the bytes themselves, not a copy: read them only.
func (b Bytes) Reveal() []byte { return b.v }

// Empty tells whether there is no secret at all.
func (b Bytes) Empty() bool { return len(b.v) == 0 }

// String returns ***, whatever the secret is.
func (b Bytes) String() string { return mask }

// GoString returns ***, for %#v.
func (b Bytes) GoString() string { return mask }

// Format writes *** for every verb and flag.
func (b Bytes) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(mask)) }

// LogValue returns *** to slog.
func (b Bytes) LogValue() slog.Value { return slog.StringValue(mask) }

// MarshalText returns ***, for YAML, XML and map keys.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(mask), nil }

// MarshalJSON returns "***".
func (b Bytes) MarshalJSON() ([]byte, error) { return json.Marshal(mask) }
