package cli

import (
	"errors"

	"github.com/spf13/cobra"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

func (a *app) deviceShredCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "shred DEVICE", Short: "Destroy a device's original configurations and the key that opens them, for good",
		Long: "Destroy a device's original configurations and the key that opens them, on the server and, with its next round, in the mirror. Nothing brings them\n" +
			"back but a dump of the database from before with the server's keys. The masked history stays, and the next backup brings a new original. A device that\n" +
			"was deleted is named by its id: device list --deleted shows it. See docs/erase.md.",
		ValidArgsFunction: a.complete(0, deviceNames),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			id, err := c.deviceID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if err := a.confirm(cmd, yes, "Destroy all originals of "+safe(args[0])+", for good? Type yes"); err != nil {
				return err
			}
			done := &gitstorev1.ShreddedOriginals{}
			raw, err := c.post(cmd.Context(), deviceNoun.of(id, "/originals:shred"), nil, done)
			if err != nil {
				return err
			}
			say(cmd, "Destroyed %d originals and their key.", done.Originals)
			if done.MirrorPending {
				say(cmd, "The mirror follows with its next round; see its lag in /readyz.")
			}
			return a.show(cmd, raw, fields(done))
		}),
	}
	c.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return c
}

// confirm asks a person before something that nobody can undo; without a terminal only the flag will do.
func (a *app) confirm(cmd *cobra.Command, yes bool, question string) error {
	if yes {
		return nil
	}
	if !isTerminal(cmd.InOrStdin()) {
		return errors.New("nobody can undo this: give --yes to confirm it")
	}
	if answer, err := a.ask(cmd, question); err != nil || answer != "yes" {
		return errors.Join(err, errors.New("nothing was done"))
	}
	return nil
}
