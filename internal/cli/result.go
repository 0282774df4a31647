package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

const resultHelp = "What a device answers is masked as its configurations are."

func (a *app) commandCommand() *cobra.Command {
	var lines []string
	var goOn, mutating bool
	c := &cobra.Command{
		Use: "command [DEVICE...]", Short: "Run commands on devices and print what they answer",
		Long: "Run commands on devices: those that are named, or those that --tag and --site select. Commands that are not known only to read need --mutating. " + resultHelp + "\n" +
			"With --output json it prints the results of all devices. " + watchHelp,
		Example: "  netraven command core1 core2 -c 'show version'\n  netraven command --tag core -c 'show clock' -c 'show users'\n" +
			"  netraven command core1 --mutating -c 'configure terminal' -c 'ntp server 192.0.2.1' -c end",
	}
	do := a.selecting(c)
	f := newForm(c)
	f.add("command", "params", func() (any, error) {
		params := fieldMap{"commands": lines, "stop_on_error": !goOn}
		if mutating {
			params["mutating"] = true
		}
		return params, nil
	})
	f.yes("transcript", "params.transcript", transcriptHelp)
	c.Flags().StringArrayVarP(&lines, "command", "c", nil, "a command; may be repeated")
	c.Flags().BoolVar(&mutating, "mutating", false, "the commands may change the devices; each device gets them at most once")
	c.Flags().BoolVar(&goOn, "continue-on-error", false, "send the other commands though the device has refused one")
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		if len(lines) == 0 {
			return usageError(cmd, "which commands? Give each as -c 'show version'")
		}
		return do(cmd, c, "command", args, f, a.tellResults)
	})
	return c
}

func (a *app) deviceTestCommand() *cobra.Command {
	var noWait bool
	c := &cobra.Command{
		Use: "test DEVICE", Short: "Log in to a device and out again, and tell how far that came",
		Long:              "Test a device: connection, host key, login, enable and prompt. Nothing is run on it. With --output json it prints the result. " + watchHelp,
		ValidArgsFunction: a.complete(0, deviceNames),
	}
	c.Flags().BoolVar(&noWait, "no-wait", false, "do not watch the run")
	f := newForm(c).yes("transcript", "transcript", transcriptHelp)
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		id, err := c.deviceID(cmd.Context(), args[0])
		if err != nil {
			return err
		}
		body, err := f.body()
		if err != nil {
			return err
		}
		body["request_id"] = uuid.NewString()
		return a.start(cmd, c, deviceNoun.of(id, ":test"), body, noWait, a.tellResults)
	})
	return c
}

func (a *app) runResultCommand() *cobra.Command {
	return &cobra.Command{
		Use: "result TASK", Short: "Print what was found out in one device's part of a run (netraven run tasks shows the task's id)", Long: resultHelp,
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			r := &jobv1.TaskResult{}
			raw, err := c.get(cmd.Context(), resultPath(args[0]), nil, r)
			if err != nil {
				return err
			}
			if a.json() {
				return writeJSON(cmd.OutOrStdout(), raw)
			}
			printResult(cmd.OutOrStdout(), r)
			return nil
		}),
	}
}

func resultPath(task string) string { return "/api/v1/tasks/" + url.PathEscape(task) + "/result" }

// tellResults prints what a run found out as JSON, or all about it for people.
func (a *app) tellResults(cmd *cobra.Command, c *client, run *jobv1.Run, _ json.RawMessage) error {
	if !a.json() {
		return c.printOutcome(cmd.Context(), cmd.OutOrStdout(), run)
	}
	_, raw, err := c.results(cmd.Context(), run)
	if err != nil {
		return err
	}
	if err := writeJSON(cmd.OutOrStdout(), raw); err != nil {
		return err
	}
	return c.printFailures(cmd.Context(), cmd.ErrOrStderr(), run)
}

// results reads what the tasks of a run found out, by device, and the same as the JSON of a list. Devices without a result are left out;
// a backup has none.
func (c *client) results(ctx context.Context, run *jobv1.Run) ([]*jobv1.TaskResult, json.RawMessage, error) {
	var found []*jobv1.TaskResult
	merged := struct {
		Items []json.RawMessage `json:"items"`
		Next  string            `json:"next_page_token"`
	}{Items: []json.RawMessage{}}
	if run.Kind != "backup" {
		tasks, err := list[jobv1.Task](ctx, c, runPath(run.Id, "/tasks"), nil, 0)
		if err != nil {
			return nil, nil, err
		}
		for _, t := range tasks.items {
			r := &jobv1.TaskResult{}
			raw, err := c.get(ctx, resultPath(t.Id), nil, r)
			if hasStatus(err, http.StatusNotFound) {
				continue
			}
			if err != nil {
				return nil, nil, err
			}
			found, merged.Items = append(found, r), append(merged.Items, raw)
		}
	}
	raw, err := json.Marshal(merged)
	return found, raw, err
}

// printResult prints what one device's part of a run found out.
func printResult(w io.Writer, r *jobv1.TaskResult) {
	name := safe(r.DeviceName)
	for _, c := range r.Commands {
		fmt.Fprintf(w, "\n== %s: %s\n%s", name, safe(c.Command), ending(safeLines(c.Output)))
		if c.Truncated {
			fmt.Fprintln(w, "-- there was more output than is kept")
		}
	}
	if b := r.Reachability; b != nil {
		fmt.Fprintf(w, "%s: %s ms %s\n", name, strconv.FormatFloat(b.TcpMs, 'f', 1, 64), safe(b.Banner))
	}
	if l := r.Login; l != nil {
		fmt.Fprintf(w, "\n%s:\n", name)
		for _, s := range l.Stages {
			result := "ok"
			if !s.Ok {
				result = "failed"
			}
			fmt.Fprintf(w, "  %-9s %-7s %6d ms  %s\n", safe(s.Name), result, s.Ms, safe(s.Detail))
		}
	}
}

// ending is text with a line end, unless it is empty.
func ending(text string) string {
	if text == "" || strings.HasSuffix(text, "\n") {
		return text
	}
	return text + "\n"
}
