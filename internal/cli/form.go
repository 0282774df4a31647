package cli

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// fieldMap is the body of a request: JSON names to values, nested for messages.
type fieldMap map[string]any

// set puts a value at a dotted path.
func (m fieldMap) set(path string, v any) {
	head, rest, nested := strings.Cut(path, ".")
	if !nested {
		m[head] = v
		return
	}
	child, ok := m[head].(fieldMap)
	if !ok {
		child = fieldMap{}
		m[head] = child
	}
	child.set(rest, v)
}

// form is a command's flags that are fields of a request. Only flags that were given become fields: an unset flag must not change anything.
type form struct {
	flags  *pflag.FlagSet
	cmd    *cobra.Command
	fields []formField
}

type formField struct {
	flag, path string
	value      func() (any, error)
}

func newForm(c *cobra.Command) *form { return &form{flags: c.Flags(), cmd: c} }

func (f *form) add(flag, path string, value func() (any, error)) {
	f.fields = append(f.fields, formField{flag, path, value})
}

func (f *form) text(flag, path, usage string) *form {
	v := f.flags.String(flag, "", usage)
	f.add(flag, path, func() (any, error) { return *v, nil })
	return f
}

func (f *form) number(flag, path, usage string) *form {
	v := f.flags.Int32(flag, 0, usage)
	f.add(flag, path, func() (any, error) { return *v, nil })
	return f
}

func (f *form) yes(flag, path, usage string) *form {
	v := f.flags.Bool(flag, false, usage)
	f.add(flag, path, func() (any, error) { return *v, nil })
	return f
}

// list takes several values, separated by commas or by repeating the flag; an empty one empties the field.
func (f *form) list(flag, path, usage string) *form {
	v := f.flags.StringSlice(flag, nil, usage)
	f.add(flag, path, func() (any, error) { return append([]string{}, *v...), nil })
	return f
}

// choice is an enum: the API's upper-case names, typed in any case, with dashes or underscores.
func (f *form) choice(flag, path, usage string, names ...string) *form {
	v := f.flags.String(flag, "", usage+": "+strings.Join(names, ", "))
	_ = f.cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp))
	f.add(flag, path, func() (any, error) {
		name := strings.ToUpper(strings.ReplaceAll(*v, "-", "_"))
		if !slices.ContainsFunc(names, func(n string) bool { return strings.ToUpper(n) == name }) {
			return nil, fmt.Errorf("--%s is one of %s, not %q", flag, strings.Join(names, ", "), *v)
		}
		return name, nil
	})
	return f
}

// ref is a field that holds the id of something which may be given by name; the empty name empties the field.
func (f *form) ref(flag, path, usage string, resolve func(name string) (string, error)) *form {
	v := f.flags.String(flag, "", usage)
	f.add(flag, path, func() (any, error) {
		if *v == "" {
			return "", nil
		}
		return resolve(*v)
	})
	return f
}

// refs is ref for a list of ids.
func (f *form) refs(flag, path, usage string, resolve func(name string) (string, error)) *form {
	v := f.flags.StringSlice(flag, nil, usage)
	f.add(flag, path, func() (any, error) {
		ids := []string{}
		for _, name := range *v {
			id, err := resolve(name)
			if err != nil {
				return nil, err
			}
			ids = append(ids, id)
		}
		return ids, nil
	})
	return f
}

// file is a field whose text is in a file; the empty name empties the field.
func (f *form) file(flag, path, usage string) *form {
	v := f.flags.String(flag, "", usage)
	f.add(flag, path, func() (any, error) {
		if *v == "" {
			return "", nil
		}
		text, err := os.ReadFile(*v)
		return string(text), err
	})
	return f
}

// body answers the fields of the flags that were given.
func (f *form) body() (fieldMap, error) {
	m := fieldMap{}
	for _, field := range f.fields {
		if !f.flags.Changed(field.flag) {
			continue
		}
		v, err := field.value()
		if err != nil {
			return nil, err
		}
		m.set(field.path, v)
	}
	return m, nil
}

// changes is body for a PATCH, where nothing to change is a mistake.
func (f *form) changes() (fieldMap, error) {
	m, err := f.body()
	if err == nil && len(m) == 0 {
		return nil, usageError(f.cmd, "nothing to change: give at least one flag")
	}
	return m, err
}
