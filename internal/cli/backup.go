package cli

import (
	"maps"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

const watchHelp = "The run is watched until it ends; Ctrl-C stops the watching, not the run. The exit code is 0 if all devices succeeded, 2 if only some\n" +
	"did, and 1 otherwise."

func (a *app) backupCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "backup [DEVICE...]", Short: "Back up devices now",
		Long:    "Back up the configurations of devices now: those that are named, or those that --tag and --site select. " + watchHelp,
		Example: "  netraven backup core1 core2\n  netraven backup --tag core\n  netraven backup --all --no-wait",
	}
	do := a.selecting(c)
	f := newForm(c).yes("transcript", "params.transcript", transcriptHelp)
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		return do(cmd, c, "backup", args, f, a.tellRun)
	})
	return c
}

func (a *app) runAddCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "add KIND [DEVICE...]", Short: "Start a run of any kind and watch it",
		Long:    "Do something to devices now; netraven job kinds shows the kinds. " + watchHelp,
		Example: "  netraven run add backup --site cork",
	}
	f := newForm(c).params("param", "params")
	do := a.selecting(c)
	c.ValidArgsFunction = func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return a.complete(0, namesOf[jobv1.JobKind]("/api/v1/job_kinds"))(cmd, args, prefix)
		}
		return a.complete(-1, deviceNames)(cmd, args, prefix)
	}
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		return do(cmd, c, args[0], args[1:], f, a.tellRun)
	})
	return c
}

// selecting gives a command the flags that choose devices, and answers what starts a run over them.
func (a *app) selecting(c *cobra.Command) func(cmd *cobra.Command, c *client, kind string, devices []string, params *form, tell telling) error {
	var all, noWait bool
	f := newForm(c).
		list("tag", "tags", "devices with any of these tags").
		refs("site", "site_ids", "devices of these sites", a.resolve(c, (*client).siteID))
	c.Flags().BoolVar(&all, "all", false, "every device")
	c.Flags().BoolVar(&noWait, "no-wait", false, "do not watch the run")
	c.ValidArgsFunction = a.complete(-1, deviceNames)
	a.completeSelection(c)
	return func(cmd *cobra.Command, c *client, kind string, devices []string, params *form, tell telling) error {
		body, err := f.body()
		if err != nil {
			return err
		}
		if len(devices) > 0 {
			if body["device_ids"], err = each(cmd.Context(), devices, c.deviceID); err != nil {
				return err
			}
		}
		if all == (len(body) > 0) {
			return usageError(cmd, "which devices? Name them, or give --tag, --site, or --all alone")
		}
		if all {
			body["all"] = true
		}
		if params != nil {
			more, err := params.body()
			if err != nil {
				return err
			}
			maps.Copy(body, more)
		}
		body["kind"], body["request_id"] = kind, uuid.NewString()
		return a.start(cmd, c, runsPath, body, noWait, tell)
	}
}

func (a *app) completeSelection(c *cobra.Command) {
	a.completeFlag(c, "tag", namesOf[inventoryv1.Tag]("/api/v1/tags"))
	a.completeFlag(c, "site", namesOf[inventoryv1.Site](siteNoun.path))
	if c.Flags().Lookup("device") != nil {
		a.completeFlag(c, "device", deviceNames)
	}
}

// start asks for a run and watches it, unless nobody wants to.
func (a *app) start(cmd *cobra.Command, c *client, path string, body fieldMap, noWait bool, tell telling) error {
	run := &jobv1.Run{}
	raw, err := c.post(cmd.Context(), path, body, run)
	if err != nil {
		return err
	}
	if noWait {
		say(cmd, "Started run %s; watch it with: netraven run watch %s", run.Id, run.Id)
		return a.show(cmd, raw, fields(run))
	}
	return a.watch(cmd, c, run, tell)
}
