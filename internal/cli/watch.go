package cli

import (
	"context"
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

// watch shows a run's progress until it has ended, says what came of it, and ends with the exit code that fits.
func (a *app) watch(cmd *cobra.Command, c *client, run *jobv1.Run) error {
	progress := newProgress(cmd.ErrOrStderr(), run)
	run, raw, err := c.follow(cmd.Context(), run.Id, progress.see)
	progress.stop()
	if err != nil {
		return watchEnded(cmd, run, err)
	}
	if a.json() {
		err = writeJSON(cmd.OutOrStdout(), raw)
	} else {
		err = c.printOutcome(cmd.Context(), cmd.OutOrStdout(), run)
	}
	if err != nil {
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

// printOutcome says how a run ended, and what failed.
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
	return c.printFailures(ctx, w, run)
}
