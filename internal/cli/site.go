package cli

import (
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
)

func (a *app) siteCommand() *cobra.Command {
	complete := namesOf[inventoryv1.Site](siteNoun.path)
	list := &cobra.Command{
		Use: "list", Short: "List sites by name",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			all, err := list[inventoryv1.Site](cmd.Context(), c, siteNoun.path, nil, 0)
			if err != nil {
				return err
			}
			if a.json() {
				return writeJSON(cmd.OutOrStdout(), all.raw)
			}
			gatewayName := names[inventoryv1.Gateway](cmd.Context(), c, gatewayNoun)
			t := newTable("NAME", "GATEWAY", "REPOSITORY", "ID")
			for _, s := range all.items {
				t.add(s.Name, gatewayName(s.GatewayId), s.Repository, s.Id)
			}
			return t.write(cmd.OutOrStdout())
		}),
	}
	add := &cobra.Command{Use: "add NAME", Short: "Add a site"}
	added := a.siteForm(add)
	add.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		return a.create(cmd, c, siteNoun, added, args[0], &inventoryv1.Site{})
	})
	set := &cobra.Command{Use: "set SITE", Short: "Change a site", ValidArgsFunction: a.complete(0, complete)}
	changed := a.siteForm(set).text("name", "name", "new name")
	set.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		return a.update(cmd, c, siteNoun, changed, args[0], (*client).siteID, &inventoryv1.Site{})
	})
	return group("site", "Sites: where devices stand, and the gateway they are reached through", list, add, set,
		a.showCommand(siteNoun, "Show a site", (*client).siteID, complete, func() proto.Message { return &inventoryv1.Site{} }),
		a.deleteCommand(siteNoun, "SITE...", "Remove empty sites", (*client).siteID, complete))
}

func (a *app) siteForm(c *cobra.Command) *form {
	f := newForm(c).ref("gateway", "gateway_id", "gateway that its devices are reached through (default: local)", a.resolve(c, (*client).gatewayID)).
		ref("jump-host", "jump_host_id", "device that its other devices are reached through", a.resolve(c, (*client).deviceID)).
		text("repository", "repository", "git repository of its configurations (default: configs)").
		file("host-key-ca-file", "host_key_ca", "file with the public keys that sign host certificates of its devices")
	a.completeFlag(c, "gateway", namesOf[inventoryv1.Gateway](gatewayNoun.path))
	a.completeFlag(c, "jump-host", deviceNames)
	return f
}

func (a *app) tagCommand() *cobra.Command {
	return group("tag", "Tags: names that devices and credentials share", &cobra.Command{
		Use: "list", Short: "List tags by name, with the number of devices that have them",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			all, err := list[inventoryv1.Tag](cmd.Context(), c, "/api/v1/tags", nil, 0)
			if err != nil {
				return err
			}
			t := newTable("NAME", "DEVICES")
			for _, tag := range all.items {
				t.add(tag.Name, number(tag.DeviceCount))
			}
			return a.show(cmd, all.raw, t)
		}),
	})
}
