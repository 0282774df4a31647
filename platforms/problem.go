package platforms

import (
	"fmt"
	"strings"
)

// Problem is one thing wrong with a page: where it is and what to do about it.
type Problem struct {
	// File is the name given to Parse.
	File string
	// Line counts from 1; 0 where the file as a whole is meant.
	Line int
	// Key is the path of the value, such as "backup[0].complete.last_line"; empty for the whole page.
	Key string
	// Message is a sentence for people.
	Message string
}

// Error reads "file:line: key: message".
func (p Problem) Error() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d", p.Line)
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}
