package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// ended tells whether a run will not change any more.
func ended(r *jobv1.Run) bool {
	switch r.GetState() {
	case jobv1.Run_SUCCEEDED, jobv1.Run_PARTIAL, jobv1.Run_FAILED, jobv1.Run_CANCELLED, jobv1.Run_EXPIRED, jobv1.Run_EMPTY:
		return true
	}
	return false
}

// telling says what came of an ended run; raw is the run as the API's JSON.
type telling func(cmd *cobra.Command, c *client, run *jobv1.Run, raw json.RawMessage) error

// tellRun prints the run as JSON, or how it ended for people.
func (a *app) tellRun(cmd *cobra.Command, c *client, run *jobv1.Run, raw json.RawMessage) error {
	if a.json() {
		return writeJSON(cmd.OutOrStdout(), raw)
	}
	return c.printOutcome(cmd.Context(), cmd.OutOrStdout(), run)
}

// watch shows a run's progress until it has ended, tells what came of it, and ends with the exit code that fits.
func (a *app) watch(cmd *cobra.Command, c *client, run *jobv1.Run, tell telling) error {
	progress := newProgress(cmd.ErrOrStderr(), run)
	run, raw, err := c.follow(cmd.Context(), run.Id, progress.see)
	progress.stop()
	if err != nil {
		return watchEnded(cmd, run, err)
	}
	if err := tell(cmd, c, run, raw); err != nil {
		return err
	}
	switch run.State {
	case jobv1.Run_SUCCEEDED:
		return nil
	case jobv1.Run_PARTIAL:
		return outcome(ExitPartial)
	}
	return outcome(ExitFailure)
}

// watchEnded says that it is the watching that ended, and not the run.
func watchEnded(cmd *cobra.Command, run *jobv1.Run, err error) error {
	if errors.Is(err, context.Canceled) {
		say(cmd, "The run goes on; watch it again with: netraven run watch %s\nEnd it with: netraven run cancel %s", run.Id, run.Id)
	}
	return err
}

// printOutcome says how a run ended, what it found out, and what failed.
func (c *client) printOutcome(ctx context.Context, w io.Writer, run *jobv1.Run) error {
	n := run.GetCounts()
	fmt.Fprintf(w, "Run %s %s: %d of %d succeeded (%d changed), %d failed, %d cancelled.\n",
		run.Id, run.State, n.GetSucceeded(), n.GetTotal(), n.GetChanged(), n.GetFailed(), n.GetCancelled())
	if run.Reason != "" {
		fmt.Fprintln(w, safe(run.Reason))
	}
	if run.State == jobv1.Run_EMPTY && run.Reason == "" {
		fmt.Fprintln(w, "No device was selected.")
	}
	results, _, err := c.results(ctx, run)
	if err != nil {
		return err
	}
	for _, r := range results {
		printResult(w, r)
	}
	return c.printFailures(ctx, w, run)
}
