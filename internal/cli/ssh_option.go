package cli

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// newline is one of the contract's line ends, or the platform's.
func (f *form) newline(flag, path, usage string) *form {
	v := f.flags.String(flag, "", usage)
	names := []string{"lf", "cr", "crlf", "platform"}
	_ = f.cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	f.add(flag, path, func() (any, error) {
		switch name := strings.ToLower(*v); {
		case name == "platform", name == "":
			return "NEWLINE_UNSPECIFIED", nil
		case slices.Contains(names, name):
			return strings.ToUpper(name), nil
		}
		return nil, fmt.Errorf("--%s is one of %s, not %q", flag, strings.Join(names, ", "), *v)
	})
	return f
}

// terminal is a size as people write it, 80x24, in two fields below path.
func (f *form) terminal(flag, path, usage string) *form {
	v := f.flags.String(flag, "", usage)
	f.add(flag, path+".terminal_columns", func() (any, error) { return sizePart(flag, *v, 0) })
	f.add(flag, path+".terminal_rows", func() (any, error) { return sizePart(flag, *v, 1) })
	return f
}

func sizePart(flag, text string, part int) (any, error) {
	if text == "" || text == "default" {
		return 0, nil
	}
	columns, rows, ok := strings.Cut(strings.ToLower(text), "x")
	n, err := strconv.ParseInt([]string{columns, rows}[part], 10, 32)
	if !ok || err != nil || n < 1 {
		return nil, fmt.Errorf("--%s is a size such as 80x24, not %q", flag, text)
	}
	return n, nil
}

// keepalive is an interval in seconds, or none.
func (f *form) keepalive(flag, path, usage string) *form {
	v := f.flags.String(flag, "", usage)
	_ = f.cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions([]string{"off", "default"}, cobra.ShellCompDirectiveNoFileComp))
	f.add(flag, path, func() (any, error) {
		switch *v {
		case "", "default":
			return nil, nil
		case "off":
			return 0, nil
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(*v, "s"), 10, 32)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("--%s is off, default or a number of seconds, not %q", flag, *v)
		}
		return n, nil
	})
	return f
}
