package cli

import (
	"net/url"

	"github.com/spf13/cobra"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
)

func (a *app) configSuspectsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "suspects [DEVICE]", Short: "List what is kept apart because it is much shorter than the current configuration",
		Long: "List what is kept apart because it is much shorter than the current configuration, newest first. It is no revision until it is accepted:\n" +
			"look at it with netraven config diff REVISION, and accept it if the device is right. A backup of the whole takes its place.",
		ValidArgsFunction: a.complete(0, deviceNames),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			path, query := "/api/v1/revisions", url.Values{"state": {gitstorev1.Revision_SUSPECT.String()}}
			if len(args) == 1 {
				id, err := c.deviceID(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				path = deviceNoun.of(id, "/revisions")
			}
			all, err := list[gitstorev1.Revision](cmd.Context(), c, path, query, 0)
			if err != nil {
				return err
			}
			t := newTable("DEVICE", "ARTIFACT", "LINES", "SIZE", "FIRST SEEN", "REVISION")
			name := func(id string) string { return id }
			if len(all.items) > 0 {
				name = names[inventoryv1.Device](cmd.Context(), c, deviceNoun)
			}
			for _, r := range all.items {
				t.add(name(r.DeviceId), r.Artifact, lineCounts(r), number(r.Size), when(r.CreatedAt), r.Id)
			}
			return a.show(cmd, all.raw, t)
		}),
	}
}

func (a *app) configAcceptCommand() *cobra.Command {
	return &cobra.Command{
		Use: "accept REVISION", Short: "Make what was kept apart the current configuration",
		Long: "Make what was kept apart because it is much shorter the current configuration. It is written to the audit trail. Look at what is missing\n" +
			"first: netraven config diff REVISION.",
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			r := &gitstorev1.Revision{}
			raw, err := c.post(cmd.Context(), revisionPath(args[0], ":accept"), nil, r)
			if err != nil {
				return err
			}
			say(cmd, "%s is now revision %d.", safe(r.Artifact), r.Number)
			return a.show(cmd, raw, fields(r))
		}),
	}
}
