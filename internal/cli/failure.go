package cli

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// unhappy are the ends of a task that somebody must look at.
var unhappy = []jobv1.Task_State{jobv1.Task_FAILED, jobv1.Task_INDETERMINATE, jobv1.Task_EXPIRED}

// deviceOf is what people call a task's device.
func deviceOf(t *jobv1.Task) string {
	if t.DeviceName != "" {
		return t.DeviceName
	}
	return t.DeviceId
}

// failureText is a failure in a few words.
func failureText(f *jobv1.Failure) string {
	text := f.GetClass().String()
	if f.GetStage() != "" {
		text += " at " + f.Stage
	}
	return text
}

// printFailures lists what failed in a run, each with all that helps to mend it: the class and stage, the credential, the device's own words, and
// what to try.
func (c *client) printFailures(ctx context.Context, w io.Writer, run *jobv1.Run) error {
	if !ended(run) || run.State == jobv1.Run_SUCCEEDED || run.State == jobv1.Run_EMPTY {
		return nil
	}
	var failed []*jobv1.Task
	for _, state := range unhappy {
		tasks, err := list[jobv1.Task](ctx, c, runPath(run.Id, "/tasks"), url.Values{"state": {state.String()}}, 0)
		if err != nil {
			return err
		}
		failed = append(failed, tasks.items...)
	}
	slices.SortStableFunc(failed, func(x, y *jobv1.Task) int { return strings.Compare(deviceOf(x), deviceOf(y)) })
	for _, t := range failed {
		printFailure(w, t)
	}
	return nil
}

func printFailure(w io.Writer, t *jobv1.Task) {
	f := t.GetFailure()
	what := t.State.String()
	if f != nil {
		what = failureText(f)
	}
	fmt.Fprintf(w, "\n%s: %s\n", safe(deviceOf(t)), safe(what))
	if f.GetCredential() != "" {
		fmt.Fprintf(w, "  credential:  %s\n", safe(f.Credential))
	}
	if said := strings.TrimSpace(safeLines(f.GetDeviceSaid())); said != "" {
		fmt.Fprintf(w, "  device said: %s\n", strings.ReplaceAll(said, "\n", "\n               "))
	}
	if f.GetHint() != "" {
		fmt.Fprintf(w, "  hint:        %s\n", safe(f.Hint))
	}
	fmt.Fprintf(w, "  log:         netraven run log %s\n", t.Id)
}
