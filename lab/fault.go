package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// Fault is what a device does wrong. The zero Fault is a healthy device.
// Several may be set at once. Byte counts are per SSH channel, echo included.
type Fault struct {
	// RefuseLogin refuses every password, and counts it.
	RefuseLogin bool `json:"refuse_login,omitempty"`
	// Down closes the listener: connection refused.
	Down bool `json:"down,omitempty"`
	// Reset accepts and resets each connection, as a device out of VTYs does.
	Reset bool `json:"reset,omitempty"`
	// MaxSessions resets connections while that many sessions are open.
	MaxSessions int `json:"max_sessions,omitempty"`
	// Mute accepts the connection and never says a word.
	Mute bool `json:"mute,omitempty"`
	// SilenceAfter sends that many bytes and then nothing any more.
	SilenceAfter int64 `json:"silence_after,omitempty"`
	// DropAfter sends that many bytes and closes the TCP connection.
	DropAfter int64 `json:"drop_after,omitempty"`
	// Truncate cuts the configuration after that many bytes, at a line end;
	// the prompt follows as if all were well.
	Truncate int `json:"truncate,omitempty"`
	// Shrink leaves that many bytes of the configuration, up to a line end, and
	// its last line: a part that ends like the whole.
	Shrink int `json:"shrink,omitempty"`
	// NoPrompt greets and never shows a prompt.
	NoPrompt bool `json:"no_prompt,omitempty"`
	// EndlessPager asks for a key for ever in the middle of the configuration.
	EndlessPager bool `json:"endless_pager,omitempty"`
	// Flood lengthens the configuration to that many bytes.
	Flood int64 `json:"flood,omitempty"`
	// Latency is the pause before each answer, above the lab's own.
	Latency Duration `json:"latency,omitempty"`
	// Legacy offers only algorithms that clients have switched off by now:
	// an ssh-rsa host key, group14/group1-sha1, CBC ciphers, hmac-sha1.
	Legacy bool `json:"legacy,omitempty"`
	// NoExec refuses exec channels.
	NoExec bool `json:"no_exec,omitempty"`
	// NoShell refuses interactive shells.
	NoShell bool `json:"no_shell,omitempty"`
	// LookAlikes puts lines that look like prompts into the greeting and the
	// banner before the login.
	LookAlikes bool `json:"look_alikes,omitempty"`
	// LineEnds mixes LF, CR LF, CR CR LF and LF CR line ends.
	LineEnds bool `json:"line_ends,omitempty"`
	// Chunk sends at most that many bytes in one SSH packet.
	Chunk int `json:"chunk,omitempty"`
	// LogLines puts a system log line between an answer and its prompt.
	LogLines bool `json:"log_lines,omitempty"`
}

// Validate refuses negative counts.
func (f Fault) Validate() error {
	for name, n := range map[string]int64{
		"max_sessions": int64(f.MaxSessions), "silence_after": f.SilenceAfter, "drop_after": f.DropAfter,
		"truncate": int64(f.Truncate), "shrink": int64(f.Shrink), "flood": f.Flood, "latency": int64(f.Latency), "chunk": int64(f.Chunk),
	} {
		if n < 0 {
			return fmt.Errorf("fault %s is negative", name)
		}
	}
	return nil
}

// Duration is a time.Duration that JSON holds as text ("200ms").
type Duration time.Duration

// MarshalJSON writes the text form.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads the text form.
func (d *Duration) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return errors.New(`a duration is a text such as "200ms"`)
	}
	v, err := time.ParseDuration(s)
	*d = Duration(v)
	return err
}
