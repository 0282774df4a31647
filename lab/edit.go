package lab

import (
	"fmt"
	"slices"
	"strings"
)

// singleValued are settings of which a section holds one.
var singleValued = map[string]bool{
	"description": true, "hostname": true, "host-name": true, "mtu": true, "bandwidth": true, "name": true, "speed": true,
}

// editIndented edits a configuration whose sections are lines with deeper
// lines below, with or without braces. unit is one step of indentation.
func editIndented(lines []string, c Change, unit string) ([]string, error) {
	from, to, indent := 0, len(lines), ""
	if c.Section != "" {
		for _, header := range strings.Split(c.Section, " > ") {
			at := findHeader(lines[from:to], header)
			if at < 0 {
				return nil, fmt.Errorf("no section %q in the configuration", c.Section)
			}
			from += at + 1
			indent = leading(lines[from-1])
			to = from + blockLength(lines[from:to], len(indent))
			indent += unit
		}
	}
	return editLines(lines, from, to, indent, c, func(have, want string) bool {
		h, _, _ := strings.Cut(have, " ")
		w, _, _ := strings.Cut(want, " ")
		return h == w && singleValued[h]
	})
}

// editLines puts c.Line into lines[from:to], or takes it away. same says that
// the wanted line takes the place of one that is there.
func editLines(lines []string, from, to int, indent string, c Change, same func(have, want string) bool) ([]string, error) {
	want := strings.TrimSpace(c.Line)
	for i := from; i < to; i++ {
		if leading(lines[i]) != indent {
			continue
		}
		have := strings.TrimSpace(lines[i])
		switch {
		case have == want && c.Remove:
			return slices.Delete(lines, i, i+1), nil
		case have == want:
			return lines, nil
		case !c.Remove && same(have, want):
			lines[i] = indent + want
			return lines, nil
		}
	}
	if c.Remove {
		return nil, fmt.Errorf("no line %q in section %q", want, c.Section)
	}
	return slices.Insert(lines, from, indent+want), nil
}

func findHeader(lines []string, header string) int {
	header = strings.TrimSpace(header)
	return slices.IndexFunc(lines, func(l string) bool {
		return strings.TrimSuffix(strings.TrimSpace(l), " {") == header
	})
}

func blockLength(lines []string, depth int) int {
	for i, l := range lines {
		if len(leading(l)) <= depth {
			return i
		}
	}
	return len(lines)
}

func leading(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " "))] }

// editMenus edits sections that go from a heading to the next one: RouterOS
// menus and the files of a linux. heading says what is a heading.
func editMenus(lines []string, c Change, heading func(string) bool, same func(have, want string) bool) ([]string, error) {
	from := slices.Index(lines, c.Section) + 1
	if from == 0 || !heading(c.Section) {
		return nil, fmt.Errorf("no section %q in the configuration", c.Section)
	}
	to := len(lines)
	if n := slices.IndexFunc(lines[from:], heading); n >= 0 {
		to = from + n
	}
	return editLines(lines, from, to, "", c, same)
}
