package cli

import (
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

func (a *app) jobCommand() *cobra.Command {
	complete := namesOf[jobv1.Job](jobNoun.path)
	return group("job", "Jobs: saved requests that can be run again and on a schedule",
		a.jobListCommand(), a.jobAddCommand(), a.jobSetCommand(complete), a.jobRunCommand(complete), a.jobKindsCommand(),
		a.showCommand(jobNoun, "Show a job", (*client).jobID, complete, func() proto.Message { return &jobv1.Job{} }),
		a.deleteCommand(jobNoun, "JOB...", "Remove jobs; their runs stay", (*client).jobID, complete))
}

func (a *app) jobListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List jobs by name",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			all, err := list[jobv1.Job](cmd.Context(), c, jobNoun.path, nil, 0)
			if err != nil {
				return err
			}
			t := newTable("NAME", "KIND", "SELECTION", "SYSTEM", "ID")
			for _, j := range all.items {
				t.add(j.Name, j.Kind, selectionText(j), yesNo(j.System), j.Id)
			}
			return a.show(cmd, all.raw, t)
		}),
	}
}

func selectionText(j *jobv1.Job) string {
	var parts []string
	s := j.GetSelection()
	if n := len(s.GetDeviceIds()); n > 0 {
		parts = append(parts, number(int32(n))+" devices")
	}
	if len(s.GetTags()) > 0 {
		parts = append(parts, "tags "+strings.Join(s.Tags, ","))
	}
	if n := len(s.GetSiteIds()); n > 0 {
		parts = append(parts, number(int32(n))+" sites")
	}
	if len(parts) == 0 {
		return "all devices"
	}
	return strings.Join(parts, " and ")
}

// jobForm are the fields of a job that people set.
func (a *app) jobForm(c *cobra.Command) *form {
	f := newForm(c).
		text("kind", "kind", "what to do; netraven job kinds shows the kinds").
		refs("device", "selection.device_ids", "only these devices", a.resolve(c, (*client).deviceID)).
		list("tag", "selection.tags", "only devices with any of these tags").
		refs("site", "selection.site_ids", "only devices of these sites", a.resolve(c, (*client).siteID)).
		params("param", "params")
	a.completeSelection(c)
	a.completeFlag(c, "kind", namesOf[jobv1.JobKind]("/api/v1/job_kinds"))
	return f
}

func (a *app) jobAddCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "add NAME", Short: "Save a job",
		Example: "  netraven job add core-backup --kind backup --tag core",
	}
	f := a.jobForm(c)
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		return a.create(cmd, c, jobNoun, f, args[0], &jobv1.Job{})
	})
	return c
}

func (a *app) jobSetCommand(complete source) *cobra.Command {
	c := &cobra.Command{Use: "set JOB", Short: "Change a job", ValidArgsFunction: a.complete(0, complete)}
	f := a.jobForm(c).text("name", "name", "new name")
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		return a.update(cmd, c, jobNoun, f, args[0], (*client).jobID, &jobv1.Job{})
	})
	return c
}

func (a *app) jobRunCommand(complete source) *cobra.Command {
	var noWait bool
	c := &cobra.Command{
		Use: "run JOB", Short: "Run a job now and watch it", ValidArgsFunction: a.complete(0, complete),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			id, err := c.jobID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.start(cmd, c, jobNoun.path+"/"+url.PathEscape(id)+":run", fieldMap{"request_id": uuid.NewString()}, noWait, a.tellRun)
		}),
	}
	c.Flags().BoolVar(&noWait, "no-wait", false, "do not watch the run")
	return c
}

func (a *app) jobKindsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "kinds", Short: "List what can be done to devices, with the parameters of each kind",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			all, err := list[jobv1.JobKind](cmd.Context(), c, "/api/v1/job_kinds", nil, 0)
			if err != nil {
				return err
			}
			t := newTable("KIND", "MAY CHANGE DEVICES", "PARAMETERS", "WHAT IT DOES")
			for _, k := range all.items {
				var params []string
				for _, p := range k.Params {
					name := p.Name + " (" + p.Type + ")"
					if p.Required {
						name += "*"
					}
					params = append(params, name)
				}
				t.add(k.Name, yesNo(k.Mutating), joined(params), k.Description)
			}
			return a.show(cmd, all.raw, t)
		}),
	}
}
