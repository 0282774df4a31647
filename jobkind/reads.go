package jobkind

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	// meta is what lets a line do more than its first word says, in the shell of some device: another command, a file, a substitution, a
	// word out of the history, a function in place of a word, the next line. A backslash before a quote decides whether what follows is quoted.
	meta = regexp.MustCompile("[;&<>`]" + `|\$[({\[]|\\["']|\\$|![\w!$?#-]|\(\s*\)`)
	// inShell runs what is quoted behind -c.
	inShell = regexp.MustCompile(`^(?:vtysh|cli|clish|imish|sonic-cli)((?: -c (?:"[^"]*"|'[^']*'))+)$`)
	quoted  = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	// before runs what follows it.
	before = regexp.MustCompile(`^(?i:sudo|do|run) `)
	// bracket is part of an expression only behind words that take one; RouterOS runs what is in brackets.
	bracket = regexp.MustCompile(`[\[{]`)
)

// unread answers why a command is not known only to read, or "". It knows no platform: a word that reads on one and writes on another
// is not known to read.
func unread(command string) string {
	if m := meta.FindString(command); m != "" {
		return fmt.Sprintf("%q may begin another command or write a file", m)
	}
	if m := writingFilter.FindString(command); m != "" {
		return fmt.Sprintf("%q writes", m)
	}
	parts, ok := piped(command)
	if !ok {
		return "a quote or parenthesis is not closed"
	}
	if !reads(parts[0]) {
		return "it does not begin with a command known to read"
	}
	for _, p := range parts[1:] {
		if !filter.MatchString(p) {
			return fmt.Sprintf("what follows a bar must be a known filter, and %q is none; alternatives of an expression go into parentheses, (a|b)", p)
		}
	}
	return ""
}

// piped parts a command at its bars. A bar in quotes or in parentheses is part of an expression: shells take unquoted parentheses there for
// an error and run nothing.
func piped(command string) (parts []string, ok bool) {
	var quote, last rune
	depth, start := 0, 0
	add := func(end int) { parts = append(parts, strings.Join(strings.Fields(command[start:end]), " ")) }
	for i, c := range command {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case last == '\\':
		case c == '(':
			depth++
		case c == ')':
			if depth--; depth < 0 {
				return nil, false
			}
		case c == '|' && depth == 0:
			add(i)
			start = i + 1
		}
		if last == '\\' && c == '\\' {
			c = 0 // escaped itself, it escapes nothing
		}
		last = c
	}
	add(len(command))
	return parts, quote == 0 && depth == 0
}

// reads tells whether what stands before the first bar is known to read. Its words are parted by one blank.
func reads(line string) bool {
	if m := inShell.FindStringSubmatch(line); m != nil {
		return !slices.ContainsFunc(quoted.FindAllString(m[1], -1), func(q string) bool { return unread(q[1:len(q)-1]) != "" })
	}
	if m := before.FindString(line); m != "" {
		return reads(line[len(m):])
	}
	switch {
	case writesAnyway.MatchString(line):
		return false
	case shows(line):
		return true
	case bracket.MatchString(line):
		return false
	}
	return readingWord.MatchString(line) || readingLine.MatchString(line) || menuReads(line)
}

// menus are where lines of RouterOS begin.
var menus = []string{
	"caps-man", "certificate", "container", "disk", "file", "interface", "ip", "ipv6", "log", "mpls", "port", "ppp", "queue", "radius", "routing",
	"snmp", "system", "tool", "user",
}

// menuActions are commands of RouterOS that take a name: `/file remove print` removes the file of that name. It takes their beginnings for the whole.
var menuActions = []string{
	"add", "apply", "backup-load", "blink", "cancel", "check", "clear", "comment", "copy", "create", "delete", "disable", "downgrade", "edit", "eject",
	"enable", "exec", "fetch", "find", "flush", "format", "get", "halt", "import", "install", "kill", "load", "make-static", "move", "power", "reboot", "recover",
	"release", "remove", "rename", "renew", "reset", "revoke", "run", "save", "scan", "send", "set", "shutdown", "sign", "start", "stop", "uninstall",
	"unset", "update", "upgrade", "use", "write",
}

var (
	menuWord = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	// intoFile is the argument that has RouterOS write a file, in any length.
	intoFile = regexp.MustCompile(`(?:^| )["']?f(?:i|il|ile)?["']? ?=`)
)

// menuReads tells whether a line is a path of menus that ends in a command that reads: /ip/address print, system resource print, /export.
func menuReads(line string) bool {
	words := strings.FieldsFunc(strings.ToLower(line), func(c rune) bool { return c == ' ' || c == '/' })
	for i, w := range words {
		rest := strings.Join(words[i+1:], " ")
		switch {
		case w == "print" || w == "export":
			return !intoFile.MatchString(rest)
		case w == "monitor":
			return i > 0 && slices.Contains(words[i+1:], "once") && !intoFile.MatchString(rest)
		case i == 0 && !slices.Contains(menus, w), !menuWord.MatchString(w), isAction(w):
			return false
		}
	}
	return false
}

func isAction(word string) bool {
	return slices.ContainsFunc(menuActions, func(a string) bool {
		return len(word) >= 2 && strings.HasPrefix(a, word) || strings.HasPrefix(word, a+"-")
	})
}
