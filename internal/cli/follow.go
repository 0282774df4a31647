package cli

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

const (
	streamTries  = 4 // in a row, without an event between
	firstRetry   = 200 * time.Millisecond
	pollEvery    = time.Second
	pollFailures = 30 // in a row
)

// follow passes what happens to a run to see until the run has ended, and answers the ended run with its JSON. It prefers the stream of events,
// opens it again when it is cut, and asks every second where streams do not work (some proxies). After a gap see gets all tasks as they are. On an
// error the run it answers is the last one known. It blocks.
func (c *client) follow(ctx context.Context, runID string, see func(*jobv1.RunEvent)) (*jobv1.Run, json.RawMessage, error) {
	last := &jobv1.Run{Id: runID}
	note := func(e *jobv1.RunEvent) {
		if e.Run == nil {
			e.Run = last
		}
		last = e.Run
		see(e)
	}
	err := c.followStream(ctx, runID, note)
	if err != nil && errors.Is(err, errCut) {
		err = c.followPolls(ctx, runID, note)
	}
	if err != nil {
		return last, nil, err
	}
	raw, err := c.get(ctx, runPath(runID), nil, last)
	return last, raw, err
}

// followStream answers errCut once the stream has been cut too often.
func (c *client) followStream(ctx context.Context, runID string, see func(*jobv1.RunEvent)) error {
	for try := 0; ; try++ {
		err := c.stream(ctx, runID, func(e *jobv1.RunEvent) {
			try = 0
			see(e)
		})
		if err == nil || ctx.Err() != nil || (!errors.Is(err, errCut) && final(err)) {
			return errors.Join(ctx.Err(), err)
		}
		if try+1 >= streamTries {
			return errors.Join(errCut, err)
		}
		if err := pause(ctx, firstRetry<<try); err != nil {
			return err
		}
		c.catchUp(ctx, runID, see)
	}
}

// followPolls asks for the run again and again.
func (c *client) followPolls(ctx context.Context, runID string, see func(*jobv1.RunEvent)) error {
	for failures := 0; ; {
		run := &jobv1.Run{}
		_, err := c.get(ctx, runPath(runID), nil, run)
		switch {
		case err == nil:
			failures = 0
			if ended(run) {
				c.catchUp(ctx, runID, see)
				return nil
			}
			see(&jobv1.RunEvent{Run: run})
		case ctx.Err() != nil || final(err):
			return errors.Join(ctx.Err(), err)
		default:
			if failures++; failures >= pollFailures {
				return err
			}
		}
		if err := pause(ctx, pollEvery); err != nil {
			return err
		}
	}
}

// catchUp tells what was missed in a gap. What cannot be read now will be told by what comes next.
func (c *client) catchUp(ctx context.Context, runID string, see func(*jobv1.RunEvent)) {
	tasks, err := list[jobv1.Task](ctx, c, runPath(runID, "/tasks"), nil, 0)
	if err != nil {
		return
	}
	run := &jobv1.Run{}
	if _, err := c.get(ctx, runPath(runID), nil, run); err != nil {
		return
	}
	see(&jobv1.RunEvent{Run: run, Tasks: tasks.items})
}

// final tells the errors that asking again will not mend: the run is not there, or not for us.
func final(err error) bool {
	return hasStatus(err, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
