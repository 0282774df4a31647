package lab

import (
	"errors"
	"strings"
	"time"
)

// configText is a rendered configuration; body is cached between reads.
type configText struct{ head, body, foot string }

func (c configText) all() string { return c.head + c.body + c.foot }

// configuration is what a device is configured with. The device's lock guards it.
type configuration struct {
	lines     []string
	changedAt time.Time
	changedBy string
	reads     int
	rendered  string
}

func newConfiguration(text, by string) *configuration {
	return &configuration{
		lines:     strings.Split(strings.TrimRight(text, "\n"), "\n"),
		changedAt: time.Now().UTC(), changedBy: by,
	}
}

func (c *configuration) text() string { return strings.Join(c.lines, "\n") + "\n" }

// body is the text with CR LF line ends.
func (c *configuration) body() string {
	if c.rendered == "" {
		c.rendered = strings.Join(c.lines, "\r\n") + "\r\n"
	}
	return c.rendered
}

// Change is one edit of a configuration: either Describe, or a Line in a
// Section.
type Change struct {
	// Describe puts a text where the platform keeps descriptions: on the
	// first interface, or in the hosts file of a linux.
	Describe string `json:"describe,omitempty"`
	// Section is the line under which Line stands, empty for the top level;
	// nested sections are joined by " > ". RouterOS: the menu. linux: the file.
	Section string `json:"section,omitempty"`
	// Line replaces the line of the same single-valued setting (a
	// description, a host name), else it is added unless it is there.
	Line string `json:"line,omitempty"`
	// Remove takes the exact Line away.
	Remove bool `json:"remove,omitempty"`
	// By is who did it, the device's own user if empty.
	By string `json:"by,omitempty"`
}

func (c *configuration) change(ch Change, k personality) error {
	by := ch.By
	if ch.Describe != "" {
		ch = k.describe(ch.Describe)
	}
	if strings.TrimSpace(ch.Line) == "" {
		return errors.New("a change needs a line, or a description")
	}
	if strings.ContainsAny(ch.Section+ch.Line+by, "\r\n") {
		return errors.New("a change is one line: it holds a line end")
	}
	lines, err := k.edit(append([]string(nil), c.lines...), ch)
	if err != nil {
		return err
	}
	c.lines, c.rendered, c.changedAt = lines, "", time.Now().UTC()
	if by != "" {
		c.changedBy = by
	}
	return nil
}
