package recording

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Schema names the form of a session file.
const Schema = "device-session/1"

// maxFile bounds a session file, in bytes.
const maxFile = 64 << 20

// Session is a recorded session. Its JSON form is read and written by Load and Save.
type Session struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
	// Platform is the page's name or an alias.
	Platform string `json:"platform"`
	// Transport is shell, or exec: each command in an exec channel of its own.
	Transport string `json:"transport"`
	// Greeting is all that came before the first input, the first prompt included.
	Greeting Text `json:"greeting"`
	// Exchanges happened in this order.
	Exchanges []Exchange `json:"exchanges"`
	// Files are those that the device hands out over SCP.
	Files []File `json:"files,omitempty"`
}

// Exchange is one input and all that came back before the next one.
type Exchange struct {
	// Send is what was sent, its line end included; a lone key has none.
	Send string `json:"send"`
	// Receive is what came back: echo first, next prompt last.
	Receive Text `json:"receive"`
	// Secret says that Send answered a question for a secret, which is not kept: any line fits.
	Secret bool `json:"secret,omitempty"`
	// Username says that Send answered a question for a login name: any line fits.
	Username bool `json:"username,omitempty"`
	// Status is the exit status of an exec channel.
	Status int `json:"status,omitempty"`
}

// File is a file on the device.
type File struct {
	Name    string `json:"name"`
	Content Text   `json:"content"`
}

// Text is a byte string, in JSON a list of lines, each with its own line end.
type Text string

// MarshalJSON writes the lines.
func (t Text) MarshalJSON() ([]byte, error) {
	lines := strings.SplitAfter(string(t), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	return json.Marshal(lines)
}

// UnmarshalJSON puts the lines together.
func (t *Text) UnmarshalJSON(b []byte) error {
	var lines []string
	if err := json.Unmarshal(b, &lines); err != nil {
		return err
	}
	*t = Text(strings.Join(lines, ""))
	return nil
}

// Load reads a session file. Errors name the file and say what is wrong with it.
func Load(path string) (*Session, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s is larger than %d MiB", path, maxFile>>20)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s := &Session{}
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("%s is no session file: %w", path, err)
	}
	switch {
	case s.Schema != Schema:
		return nil, fmt.Errorf("%s is no session file: its schema is %q, not %q", path, s.Schema, Schema)
	case s.Transport != "shell" && s.Transport != "exec":
		return nil, fmt.Errorf("%s: transport is %q; it is shell or exec", path, s.Transport)
	case len(s.Exchanges) == 0 && len(s.Files) == 0:
		return nil, fmt.Errorf("%s holds no exchange", path)
	}
	return s, nil
}

// Save writes the session to a new file that only its owner may read; an existing one is left alone, and is an error.
func (s *Session) Save(path string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if shut := f.Close(); err == nil {
		err = shut
	}
	return err
}

// command is what was sent, without its line end.
func (e *Exchange) command() string { return strings.TrimRight(e.Send, "\r\n") }

// key reports that what was sent is a lone key, not a line.
func (e *Exchange) key() bool { return e.Send != "" && !strings.ContainsAny(e.Send, "\r\n") }
