// Command devicelist writes docs/devices.md: the platforms that come with NetRaven, as their pages have them. `make gen` runs it.
package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/netraven/netraven/platforms"
)

const preamble = `# Devices

The platforms that come with NetRaven, %d of them. An inventory may use the name or any alias: Oxidized's models and netmiko's device types are
among them. A device that is not listed gets a [page of its own](platforms.md). This file is written by "make gen" from ` + "`platforms/*.yaml`" + `.

**End** says how the end of the configuration is known. *text*: by the text itself, so that a truncated one is never taken for a short one. *session*: by the exit status
of the command or a repeated prompt; what is new is read twice and compared.

| vendor | devices | platform | aliases | files | end |
|---|---|---|---|---|---|
`

func main() {
	if err := os.WriteFile("docs/devices.md", []byte(page()), 0o644); err != nil { //nolint:gosec // documentation is for everybody
		fmt.Fprintln(os.Stderr, "devicelist:", err)
		os.Exit(1)
	}
}

func page() string {
	set := platforms.Builtin()
	entries := set.List()
	slices.SortFunc(entries, func(a, b platforms.Entry) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Vendor), strings.ToLower(b.Vendor)), strings.Compare(a.Name, b.Name))
	})
	var b strings.Builder
	fmt.Fprintf(&b, preamble, len(entries))
	for _, e := range entries {
		p, _ := set.Lookup(e.Name)
		var files []string
		for _, a := range p.Backup {
			files = append(files, a.Name)
		}
		end := "session"
		if p.Main().Complete.InText() {
			end = "text"
		}
		fmt.Fprintf(&b, "| %s | %s | `%s` | %s | %s | %s |\n", e.Vendor, cell(e.Label), e.Name, strings.Join(e.Aliases, ", "), strings.Join(files, ", "), end)
	}
	return b.String()
}

// cell keeps a text in its table cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
