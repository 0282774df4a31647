package lab

import (
	"fmt"
	"regexp"
	"strings"
)

// command is one line of a command tree: words with * for an argument.
type command struct {
	words string
	// privileged commands are unknown below enable.
	privileged bool
	run        func(s *session, args []string)
}

// say is a command with a fixed answer made from the device's identity.
func say(answer func(id *identity) string) func(*session, []string) {
	return func(s *session, _ []string) { s.show(crlf(answer(newIdentity(s.dev)))) }
}

func crlf(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }

// quiet is a command that is taken without a word.
func quiet(*session, []string) {}

func leave(s *session, _ []string) { s.over = true }

func showRunning(s *session, _ []string) { s.showConfig(s.dev.rendered()) }

// pickCommand finds the command that line abbreviates; args are the words at *.
func pickCommand(tree []command, line string, privileged bool) (c command, args []string, ok bool) {
	typed := strings.Fields(line)
	for _, c := range tree {
		if c.privileged && !privileged {
			continue
		}
		if args, ok := abbreviates(typed, strings.Fields(c.words)); ok {
			return c, args, true
		}
	}
	return command{}, nil, false
}

// unfinished says that line is the beginning of a command.
func unfinished(tree []command, line string, privileged bool) bool {
	typed := strings.Fields(line)
	for _, c := range tree {
		words := strings.Fields(c.words)
		if len(typed) >= len(words) || c.privileged && !privileged {
			continue
		}
		if _, ok := abbreviates(typed, words[:len(typed)]); ok {
			return true
		}
	}
	return false
}

func abbreviates(typed, words []string) (args []string, ok bool) {
	if len(typed) != len(words) {
		return nil, false
	}
	for i, w := range words {
		if w == "*" {
			args = append(args, typed[i])
		} else if !strings.HasPrefix(w, strings.ToLower(typed[i])) {
			return nil, false
		}
	}
	return args, true
}

// splitPipes cuts "show x | include y" into the command and its filters.
func splitPipes(line string) (cmd string, filters []string) {
	parts := strings.Split(line, "|")
	for _, f := range parts[1:] {
		filters = append(filters, strings.TrimSpace(f))
	}
	return strings.TrimSpace(parts[0]), filters
}

// filter applies one pipe of a Cisco-like or Junos command line to CR LF text.
func filter(text, pipe string) (string, error) {
	verb, arg, _ := strings.Cut(pipe, " ")
	arg = strings.Trim(strings.TrimSpace(arg), `"`)
	if verb == "no-more" || verb == "nomore" {
		return text, nil
	}
	lines := strings.SplitAfter(text, "\r\n")
	if verb == "count" {
		return fmt.Sprintf("Count: %d lines\r\n", len(lines)-1), nil
	}
	re, err := regexp.Compile(arg)
	if err != nil || arg == "" {
		return "", fmt.Errorf("bad pattern %q", arg)
	}
	var out strings.Builder
	begun := false
	for _, l := range lines {
		hit := re.MatchString(strings.TrimRight(l, "\r\n"))
		begun = begun || hit
		var keep bool
		switch {
		case strings.HasPrefix("include", verb), verb == "match", verb == "grep":
			keep = hit
		case strings.HasPrefix("exclude", verb), verb == "except":
			keep = !hit
		case strings.HasPrefix("begin", verb), verb == "find":
			keep = begun
		default:
			return "", fmt.Errorf("unknown filter %q", verb)
		}
		if keep {
			out.WriteString(l)
		}
	}
	return out.String(), nil
}

// runTree answers a command line from tree and says whether it was known. It
// keeps "no more" for the one command it was asked for.
func runTree(s *session, tree []command, line string, privileged bool) bool {
	cmd, filters := splitPipes(line)
	c, args, ok := pickCommand(tree, cmd, privileged)
	if !ok {
		return false
	}
	paging := s.paging
	defer func() { s.filters = nil }()
	for _, f := range filters {
		switch {
		case f == "no-more" || f == "nomore":
			s.paging = false
			defer func() { s.paging = paging }()
		case strings.HasPrefix(f, "display "):
			s.filters = append(s.filters, f)
		default:
			if _, err := filter("", f); err != nil {
				return false
			}
			s.filters = append(s.filters, f)
		}
	}
	c.run(s, args)
	return true
}

// enable asks for the enable secret as Cisco-like devices do. refused is what
// follows the third wrong one.
func enable(s *session, refused string) {
	want := s.dev.spec.EnableSecret
	if want == "" || s.enabled {
		s.enabled = true
		return
	}
	for range 3 {
		s.write("Password: ")
		got, ok := s.line(false)
		if !ok {
			s.over = true
			return
		}
		if got == want {
			s.enabled = true
			return
		}
	}
	s.write(refused)
}
