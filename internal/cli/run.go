package cli

import (
	"net/url"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

const (
	runsPath = "/api/v1/runs"
	// defaultLimit is how many rows a list without end shows, newest first.
	defaultLimit = 20
)

func (a *app) runCommand() *cobra.Command {
	return group("run", "Runs: what was done to devices, and what is being done",
		a.runListCommand(), a.runShowCommand(), a.runAddCommand(), a.runWatchCommand(), a.runTasksCommand(), a.runRetryCommand(), a.runLogCommand(), a.runResultCommand(), a.runTranscriptCommand(),
		a.runVerb("cancel", "End a run: what waits is cancelled, what runs is told to stop"),
		a.runVerb("pause", "Hold back what has not begun yet"),
		a.runVerb("resume", "Let a paused run go on"))
}

func runPath(id string, more ...string) string {
	return runsPath + "/" + url.PathEscape(id) + strings.Join(more, "")
}

func (a *app) runListCommand() *cobra.Command {
	var kind, state, job string
	var limit int
	c := &cobra.Command{
		Use: "list", Short: "List runs, newest first",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			query := url.Values{}
			if kind != "" {
				query.Set("kind", kind)
			}
			if state != "" {
				query.Set("state", strings.ToUpper(state))
			}
			if job != "" {
				id, err := c.jobID(cmd.Context(), job)
				if err != nil {
					return err
				}
				query.Set("job_id", id)
			}
			all, err := list[jobv1.Run](cmd.Context(), c, runsPath, query, limit)
			if err != nil {
				return err
			}
			t := newTable("ID", "KIND", "STATE", "DEVICES", "OK", "CHANGED", "FAILED", "CREATED", "FINISHED")
			for _, r := range all.items {
				n := r.GetCounts()
				t.add(r.Id, r.Kind, r.State.String(), number(n.GetTotal()), number(n.GetSucceeded()), number(n.GetChanged()), number(n.GetFailed()),
					when(r.CreatedAt), when(r.FinishedAt))
			}
			return a.show(cmd, all.raw, t)
		}),
	}
	c.Flags().StringVar(&kind, "kind", "", "only runs of this kind")
	c.Flags().StringVar(&state, "state", "", "only runs in this state: running, succeeded, partial, failed ...")
	c.Flags().StringVar(&job, "job", "", "only runs of this job")
	c.Flags().IntVar(&limit, "limit", defaultLimit, "at most so many; 0: all")
	a.completeFlag(c, "job", namesOf[jobv1.Job](jobNoun.path))
	return c
}

func (a *app) runShowCommand() *cobra.Command {
	return &cobra.Command{
		Use: "show RUN", Short: "Show a run, and what failed in it", ValidArgsFunction: a.complete(0, runIDs),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			run := &jobv1.Run{}
			raw, err := c.get(cmd.Context(), runPath(args[0]), nil, run)
			if err != nil {
				return err
			}
			if err := a.show(cmd, raw, fields(run)); err != nil || a.json() {
				return err
			}
			return c.printFailures(cmd.Context(), cmd.OutOrStdout(), run)
		}),
	}
}

func (a *app) runWatchCommand() *cobra.Command {
	return &cobra.Command{
		Use: "watch RUN", Short: "Watch a run until it ends", Long: "Watch a run. " + watchHelp, ValidArgsFunction: a.complete(0, runIDs),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			run := &jobv1.Run{}
			if _, err := c.get(cmd.Context(), runPath(args[0]), nil, run); err != nil {
				return err
			}
			return a.watch(cmd, c, run, a.tellRun)
		}),
	}
}

func (a *app) runTasksCommand() *cobra.Command {
	var state string
	c := &cobra.Command{
		Use: "tasks RUN", Short: "List a run's devices and what became of each", ValidArgsFunction: a.complete(0, runIDs),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			query := url.Values{}
			if state != "" {
				query.Set("state", strings.ToUpper(state))
			}
			all, err := list[jobv1.Task](cmd.Context(), c, runPath(args[0], "/tasks"), query, 0)
			if err != nil {
				return err
			}
			t := newTable("DEVICE", "STATE", "CHANGED", "ATTEMPT", "WHY", "FINISHED", "TASK")
			for _, task := range all.items {
				t.add(dash(deviceOf(task)), task.State.String(), yesNo(task.Changed), number(task.Attempt), dash(why(task)), when(task.FinishedAt), task.Id)
			}
			return a.show(cmd, all.raw, t)
		}),
	}
	c.Flags().StringVar(&state, "state", "", "only devices in this state: running, succeeded, failed ...")
	return c
}

// why says in one line what a task waits for or why it failed.
func why(t *jobv1.Task) string {
	if f := t.GetFailure(); f != nil {
		return failureText(f)
	}
	return t.WaitingFor
}

func (a *app) runRetryCommand() *cobra.Command {
	var noWait bool
	c := &cobra.Command{
		Use: "retry RUN", Short: "Start a new run over the devices that failed in an ended one, and watch it", Long: "Try again where a run failed. " + watchHelp,
		ValidArgsFunction: a.complete(0, runIDs),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			return a.start(cmd, c, runPath(args[0], ":retry_failed"), fieldMap{"request_id": uuid.NewString()}, noWait, a.tellRun)
		}),
	}
	c.Flags().BoolVar(&noWait, "no-wait", false, "do not watch the run")
	return c
}

func (a *app) runVerb(verb, short string) *cobra.Command {
	return &cobra.Command{
		Use: verb + " RUN", Short: short, ValidArgsFunction: a.complete(0, runIDs),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			run := &jobv1.Run{}
			raw, err := c.post(cmd.Context(), runPath(args[0], ":"+verb), nil, run)
			if err != nil {
				return err
			}
			return a.show(cmd, raw, fields(run))
		}),
	}
}

func (a *app) runLogCommand() *cobra.Command {
	return &cobra.Command{
		Use: "log TASK", Short: "Print what was logged of one device's part of a run (netraven run tasks shows the task's id)",
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			all, err := list[jobv1.LogLine](cmd.Context(), c, "/api/v1/tasks/"+url.PathEscape(args[0])+"/log", nil, 0)
			if err != nil {
				return err
			}
			t := newTable("TIME", "ATTEMPT", "LEVEL", "MESSAGE")
			for _, l := range all.items {
				t.add(when(l.At), number(l.Attempt), l.Level, l.Message)
			}
			return a.show(cmd, all.raw, t)
		}),
	}
}
