package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
)

func (a *app) platformCommand() *cobra.Command {
	complete := namesOf[inventoryv1.Platform](platformNoun.path)
	list := &cobra.Command{
		Use: "list", Short: "List platforms by name",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			all, err := list[inventoryv1.Platform](cmd.Context(), c, "/api/v1/platforms", nil, 0)
			if err != nil {
				return err
			}
			t := newTable("NAME", "LABEL", "ALIASES", "FROM")
			for _, p := range all.items {
				t.add(p.Name, p.Label, joined(p.Aliases), strings.ToLower(p.Origin.String()))
			}
			return a.show(cmd, all.raw, t)
		}),
	}
	show := &cobra.Command{
		Use: "show PLATFORM", Short: "Print a platform's page (YAML); an alias will do",
		ValidArgsFunction: a.complete(0, complete),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			p := &inventoryv1.Platform{}
			raw, err := c.get(cmd.Context(), "/api/v1/platforms/"+url.PathEscape(args[0]), nil, p)
			if err != nil {
				return err
			}
			if a.json() {
				return writeJSON(cmd.OutOrStdout(), raw)
			}
			return printText(cmd, []byte(p.Page))
		}),
	}
	add := &cobra.Command{
		Use: "add FILE...", Short: "Add pages of your own; one with a built-in page's name takes its place",
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error { return a.pages(cmd, c, args, false) }),
	}
	set := &cobra.Command{
		Use: "set FILE...", Short: "Replace pages of your own; attempts that begin later use them",
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error { return a.pages(cmd, c, args, true) }),
	}
	return group("platform", "Platforms: what NetRaven knows of a kind of device", list, show, add, set,
		a.deleteCommand(platformNoun, "PLATFORM...", "Remove pages of your own; a built-in page that one had replaced is back", (*client).itself, complete))
}

// itself is the resolver of things whose name is their id.
func (c *client) itself(_ context.Context, arg string) (string, error) { return arg, nil }

// pages sends the pages in files, each a platform.
func (a *app) pages(cmd *cobra.Command, c *client, files []string, replace bool) error {
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		p, body := &inventoryv1.Platform{}, fieldMap{"page": string(b)}
		var raw json.RawMessage
		if replace {
			var page struct{ Name string }
			if err := yaml.Unmarshal(b, &page); err != nil || page.Name == "" {
				return fmt.Errorf("%s does not say name: PLATFORM; netraven platform check %s shows what is wrong", file, file)
			}
			raw, err = c.patch(cmd.Context(), platformNoun.of(page.Name), body, p)
		} else {
			raw, err = c.post(cmd.Context(), platformNoun.path, body, p)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if a.json() {
			err = writeJSON(cmd.OutOrStdout(), raw)
		} else {
			say(cmd, "Platform %s is in use (page %.12s).", safe(p.Name), p.Digest)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
