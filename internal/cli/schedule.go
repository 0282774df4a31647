package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	schedulerv1 "github.com/netraven/netraven/gen/go/netraven/scheduler/v1"
)

func (a *app) scheduleCommand() *cobra.Command {
	complete := namesOf[schedulerv1.Schedule](scheduleNoun.path)
	return group("schedule", "Schedules: when jobs run",
		a.scheduleListCommand(), a.scheduleAddCommand(), a.scheduleSetCommand(complete), a.firesCommand(complete),
		a.showCommand(scheduleNoun, "Show a schedule", (*client).scheduleID, complete, func() proto.Message { return &schedulerv1.Schedule{} }),
		a.deleteCommand(scheduleNoun, "SCHEDULE...", "Remove schedules", (*client).scheduleID, complete))
}

func (a *app) scheduleListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List schedules by name",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			all, err := list[schedulerv1.Schedule](cmd.Context(), c, scheduleNoun.path, nil, 0)
			if err != nil {
				return err
			}
			if a.json() {
				return writeJSON(cmd.OutOrStdout(), all.raw)
			}
			jobName := names[jobv1.Job](cmd.Context(), c, jobNoun)
			t := newTable("NAME", "JOB", "WHEN", "TIME ZONE", "ENABLED", "NEXT", "LAST")
			for _, s := range all.items {
				t.add(s.Name, jobName(s.JobId), whenText(s), dash(s.TimeZone), yesNo(s.GetEnabled()), when(s.NextFireAt), when(s.LastFireAt))
			}
			return t.write(cmd.OutOrStdout())
		}),
	}
}

func whenText(s *schedulerv1.Schedule) string {
	switch {
	case s.Cron != "":
		return s.Cron
	case s.Every != "":
		return "every " + s.Every
	}
	return "once at " + when(s.At)
}

func (a *app) scheduleForm(c *cobra.Command) *form {
	f := newForm(c).
		ref("job", "job_id", "job to run", a.resolve(c, (*client).jobID)).
		text("cron", "cron", "five or six fields, or @daily and the like").
		text("every", "every", "an interval: 15m, 24h").
		text("time-zone", "time_zone", "IANA name, such as Europe/Paris (default UTC)").
		yes("enabled", "enabled", "whether it fires (--enabled=false: hold it)")
	at := c.Flags().String("at", "", "once, at this time: 2026-05-01T03:00:00Z")
	f.add("at", "at", func() (any, error) {
		if *at == "" {
			return nil, nil
		}
		t, err := time.Parse(time.RFC3339, *at)
		if err != nil {
			return nil, fmt.Errorf("--at is a time such as 2026-05-01T03:00:00Z or 2026-05-01T03:00:00+02:00, not %q", *at)
		}
		return t.UTC().Format(time.RFC3339), nil
	})
	a.completeFlag(c, "job", namesOf[jobv1.Job](jobNoun.path))
	return f
}

func (a *app) scheduleAddCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "add NAME", Short: "Add a schedule; give exactly one of --cron, --every and --at",
		Example: "  netraven schedule add nightly-core --job core-backup --cron '0 2 * * *' --time-zone Europe/Berlin",
	}
	f := a.scheduleForm(c)
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		return a.create(cmd, c, scheduleNoun, f, args[0], &schedulerv1.Schedule{})
	})
	return c
}

func (a *app) scheduleSetCommand(complete source) *cobra.Command {
	c := &cobra.Command{
		Use: "set SCHEDULE", Short: "Change a schedule", ValidArgsFunction: a.complete(0, complete),
		Example: "  netraven schedule set nightly-core --enabled=false\n  netraven schedule set nightly-core --cron '' --every 12h",
	}
	f := a.scheduleForm(c).text("name", "name", "new name")
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		return a.update(cmd, c, scheduleNoun, f, args[0], (*client).scheduleID, &schedulerv1.Schedule{})
	})
	return c
}

func (a *app) firesCommand(complete source) *cobra.Command {
	var limit int
	c := &cobra.Command{
		Use: "fires SCHEDULE", Short: "List the times that a schedule came due, newest first", ValidArgsFunction: a.complete(0, complete),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			id, err := c.scheduleID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			all, err := list[schedulerv1.Fire](cmd.Context(), c, scheduleNoun.of(id, "/fires"), nil, limit)
			if err != nil {
				return err
			}
			t := newTable("DUE", "FIRED", "RUN", "ERROR")
			for _, f := range all.items {
				t.add(when(f.DueAt), when(f.FiredAt), dash(f.RunId), dash(f.Error))
			}
			return a.show(cmd, all.raw, t)
		}),
	}
	c.Flags().IntVar(&limit, "limit", defaultLimit, "at most so many; 0: all")
	return c
}
