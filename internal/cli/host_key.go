package cli

import (
	"github.com/spf13/cobra"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
)

func (a *app) hostKeysCommand() *cobra.Command {
	return &cobra.Command{
		Use: "host-keys DEVICE", Short: "List the host keys that a device has shown, newest first", ValidArgsFunction: a.complete(0, deviceNames),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			id, err := c.deviceID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			all, err := list[inventoryv1.HostKey](cmd.Context(), c, deviceNoun.of(id, "/host_keys"), nil, 0)
			if err != nil {
				return err
			}
			t := newTable("STATE", "ALGORITHM", "FINGERPRINT", "FIRST SEEN", "LAST SEEN", "ACCEPTED BY")
			for _, k := range all.items {
				t.add(k.State.String(), k.Algorithm, k.Fingerprint, when(k.FirstSeenAt), when(k.LastSeenAt), dash(k.AcceptedBy))
			}
			return a.show(cmd, all.raw, t)
		}),
	}
}

func (a *app) acceptHostKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "accept-host-key DEVICE FINGERPRINT", Short: "Trust the host key that a device showed last",
		Long: "Trust the host key that a device showed last. Compare the fingerprint with the device's console first: whoever answers with this key will\n" +
			"be sent the device's password.",
		ValidArgsFunction: a.complete(0, deviceNames),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			id, err := c.deviceID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			key := &inventoryv1.HostKey{}
			raw, err := c.post(cmd.Context(), deviceNoun.of(id, "/host_keys:accept"), fieldMap{"fingerprint": args[1]}, key)
			if err != nil {
				return err
			}
			say(cmd, "Trusted %s of %s.", safe(key.Fingerprint), safe(args[0]))
			return a.show(cmd, raw, fields(key))
		}),
	}
}
