package cli

import (
	"net/url"

	"github.com/spf13/cobra"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
)

func (a *app) platformCommand() *cobra.Command {
	list := &cobra.Command{
		Use: "list", Short: "List platforms by name",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			all, err := list[inventoryv1.Platform](cmd.Context(), c, "/api/v1/platforms", nil, 0)
			if err != nil {
				return err
			}
			t := newTable("NAME", "LABEL", "ALIASES", "BUILT IN")
			for _, p := range all.items {
				t.add(p.Name, p.Label, joined(p.Aliases), yesNo(p.Builtin))
			}
			return a.show(cmd, all.raw, t)
		}),
	}
	show := &cobra.Command{
		Use: "show PLATFORM", Short: "Print a platform's page (YAML); an alias will do",
		ValidArgsFunction: a.complete(0, namesOf[inventoryv1.Platform]("/api/v1/platforms")),
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
	return group("platform", "Platforms: what NetRaven knows of a kind of device", list, show)
}
