package cli

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

// maxEvent bounds one line of a stream: an event may carry a thousand tasks.
const maxEvent = 16 << 20

// errCut says that a stream ended before its run did.
var errCut = errors.New("the stream of events was cut")

// stream passes a run's events to see until the run has ended. It answers nil then, errCut (wrapped) when the stream broke, and the API's own
// error when it cannot be opened. It blocks.
func (c *client) stream(ctx context.Context, runID string, see func(*jobv1.RunEvent)) error {
	resp, err := c.do(ctx, request{method: http.MethodGet, path: runPath(runID, "/events"), accept: "application/json"})
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewReaderSize(resp.Body, 64<<10)
	for {
		line, err := readLine(lines)
		if err != nil {
			return errors.Join(ctx.Err(), fmt.Errorf("%w: %w", errCut, err))
		}
		event, err := eventOf(line)
		if err != nil {
			return fmt.Errorf("%w: %w", errCut, err)
		}
		if event == nil {
			continue
		}
		see(event)
		if ended(event.Run) {
			return nil
		}
	}
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, more, err := r.ReadLine()
		if err != nil {
			return nil, err
		}
		if line = append(line, part...); len(line) > maxEvent {
			return nil, io.ErrShortBuffer
		}
		if !more {
			return line, nil
		}
	}
}

// eventOf reads one line of the stream: {"result": event}, or {"error": ...} when the server ends it.
func eventOf(line []byte) (*jobv1.RunEvent, error) {
	if len(line) == 0 {
		return nil, nil
	}
	var frame struct {
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
	}
	if err := json.Unmarshal(line, &frame); err != nil {
		return nil, err
	}
	if frame.Result == nil {
		return nil, errors.New("the server ended it")
	}
	event := &jobv1.RunEvent{}
	return event, decode(frame.Result, event)
}
