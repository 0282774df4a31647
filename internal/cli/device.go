package cli

import (
	"net/url"

	"github.com/spf13/cobra"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

func (a *app) deviceCommand() *cobra.Command {
	return group("device", "Network devices: what they are, where they are, how to reach them",
		a.deviceListCommand(), a.deviceShowCommand(), a.deviceAddCommand(), a.deviceSetCommand(), a.deviceDeleteCommand(), a.deviceRestoreCommand(),
		a.deviceImportCommand(), a.deviceCredentialsCommand(), a.hostKeysCommand(), a.waitingHostKeysCommand(), a.acceptHostKeyCommand(),
		a.acceptHostKeysCommand(), a.replaceHostKeyCommand(), a.forgetHostKeyCommand(), a.deviceTestCommand(),
		a.deviceShredCommand())
}

func (a *app) deviceListCommand() *cobra.Command {
	var name, platform, site string
	var tags []string
	var deleted bool
	c := &cobra.Command{
		Use: "list", Short: "List devices by name; filters intersect",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			query := url.Values{}
			for key, v := range map[string]string{"name": name, "platform": platform} {
				if v != "" {
					query.Set(key, v)
				}
			}
			if site != "" {
				id, err := c.siteID(cmd.Context(), site)
				if err != nil {
					return err
				}
				query.Set("site_id", id)
			}
			query["tags"] = tags
			if deleted {
				query.Set("deleted", "true")
			}
			all, err := list[inventoryv1.Device](cmd.Context(), c, deviceNoun.path, query, 0)
			if err != nil {
				return err
			}
			if a.json() {
				return writeJSON(cmd.OutOrStdout(), all.raw)
			}
			siteName := names[inventoryv1.Site](cmd.Context(), c, siteNoun)
			if deleted {
				t := newTable("NAME", "ADDRESS", "PLATFORM", "SITE", "LAST BACKUP", "DELETED", "ID")
				for _, d := range all.items {
					t.add(d.Name, addressOf(d), d.Platform, siteName(d.SiteId), when(d.LastBackupAt), when(d.DeletedAt), d.Id)
				}
				return t.write(cmd.OutOrStdout())
			}
			t := newTable("NAME", "ADDRESS", "PLATFORM", "SITE", "TAGS", "ENABLED", "LAST BACKUP")
			for _, d := range all.items {
				t.add(d.Name, addressOf(d), d.Platform, siteName(d.SiteId), joined(d.Tags), yesNo(d.GetEnabled()), when(d.LastBackupAt))
			}
			return t.write(cmd.OutOrStdout())
		}),
	}
	c.Flags().StringVar(&name, "name", "", "part of the name")
	c.Flags().StringVar(&platform, "platform", "", "platform")
	c.Flags().StringVar(&site, "site", "", "site")
	c.Flags().StringSliceVar(&tags, "tag", nil, "devices with any of these tags")
	c.Flags().BoolVar(&deleted, "deleted", false, "devices that were deleted instead")
	a.completeDeviceFlags(c)
	return c
}

func (a *app) deviceRestoreCommand() *cobra.Command {
	return &cobra.Command{
		Use: "restore ID", Short: "Bring a deleted device back, with its history; device list --deleted shows the ids", Args: cobra.ExactArgs(1),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			d := &inventoryv1.Device{}
			raw, err := c.post(cmd.Context(), deviceNoun.of(args[0], ":restore"), fieldMap{}, d)
			if err != nil {
				return err
			}
			say(cmd, "Device %s is back.", safe(d.Name))
			return a.show(cmd, raw, fields(d))
		}),
	}
}

func addressOf(d *inventoryv1.Device) string {
	if d.Port == 0 || d.Port == 22 {
		return d.Address
	}
	return hostPort(d.Address, d.Port)
}

func (a *app) deviceShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show DEVICE", Short: "Show all that is known of a device",
		ValidArgsFunction: a.complete(0, deviceNames),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			id, err := c.deviceID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			d := &inventoryv1.Device{}
			raw, err := c.get(cmd.Context(), deviceNoun.of(id), nil, d)
			if err != nil {
				return err
			}
			return a.show(cmd, raw, fields(d))
		}),
	}
}

// deviceForm are the fields of a device that people set.
func (a *app) deviceForm(c *cobra.Command) *form {
	f := newForm(c).
		text("address", "address", "IPv4, IPv6 or DNS name").
		number("port", "port", "SSH port (default 22)").
		text("platform", "platform", "platform or an alias of it; netraven platform list shows them").
		ref("site", "site_id", "site (default: default)", a.resolve(c, (*client).siteID)).
		ref("gateway", "gateway_id", "gateway instead of the site's", a.resolve(c, (*client).gatewayID)).
		ref("jump-host", "jump_host_id", "device that it is reached through, instead of the site's", a.resolve(c, (*client).deviceID)).
		list("tag", "tags", "tags; new ones are created").
		text("description", "description", "one line about it").
		text("notes", "notes", "notes in Markdown").
		yes("enabled", "enabled", "whether NetRaven works on it (--enabled=false: leave it alone)").
		yes("legacy-ssh", "ssh.legacy", "also offer SSH algorithms that are no longer safe").
		choice("host-key-policy", "ssh.host_key_policy", "what is done about host keys", "tofu", "strict", "ca", "insecure").
		file("host-key-ca-file", "ssh.host_key_ca", "file with the public keys that sign host certificates, for policy ca (default: the site's)").
		newline("newline", "ssh.newline", "what ends a line that is sent: lf, cr, crlf, or platform for what the platform says").
		terminal("terminal", "ssh", "terminal to claim, as COLUMNSxROWS (default 511x1000)").
		keepalive("keepalive", "ssh.keepalive_seconds", "SSH keepalive requests: off, or one every so many seconds (1 to 600), or default")
	a.completeDeviceFlags(c)
	return f
}

func (a *app) completeDeviceFlags(c *cobra.Command) {
	if c.Flags().Lookup("jump-host") != nil {
		a.completeFlag(c, "jump-host", deviceNames)
	}
	a.completeFlag(c, "platform", namesOf[inventoryv1.Platform]("/api/v1/platforms"))
	a.completeFlag(c, "site", namesOf[inventoryv1.Site](siteNoun.path))
	a.completeFlag(c, "tag", namesOf[inventoryv1.Tag]("/api/v1/tags"))
	if c.Flags().Lookup("gateway") != nil {
		a.completeFlag(c, "gateway", namesOf[inventoryv1.Gateway](gatewayNoun.path))
	}
}

func (a *app) deviceAddCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "add NAME", Short: "Add a device",
		Example: "  netraven device add core1 --address 192.0.2.1 --platform cisco_ios --site hq --tag core,lab",
	}
	f := a.deviceForm(c)
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		return a.create(cmd, c, deviceNoun, f, args[0], &inventoryv1.Device{})
	})
	return c
}

func (a *app) deviceSetCommand() *cobra.Command {
	c := &cobra.Command{Use: "set DEVICE", Short: "Change a device; only the flags that are given change anything", ValidArgsFunction: a.complete(0, deviceNames)}
	f := a.deviceForm(c).text("name", "name", "new name")
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		return a.update(cmd, c, deviceNoun, f, args[0], (*client).deviceID, &inventoryv1.Device{})
	})
	return c
}

func (a *app) deviceDeleteCommand() *cobra.Command {
	return a.deleteCommand(deviceNoun, "DEVICE...", "Remove devices from the inventory; their history stays", (*client).deviceID, deviceNames)
}

func (a *app) deviceCredentialsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "credentials DEVICE", Short: "List the credentials that apply to a device, in the order they are tried",
		ValidArgsFunction: a.complete(0, deviceNames),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			id, err := c.deviceID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			all, err := list[vaultv1.Credential](cmd.Context(), c, deviceNoun.of(id, "/credentials"), nil, 0)
			if err != nil {
				return err
			}
			return a.show(cmd, all.raw, credentialTable(all.items))
		}),
	}
}
