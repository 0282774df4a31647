package job

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"google.golang.org/grpc/codes"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
)

const (
	watchPause = 100 * time.Millisecond
	watchPage  = 500
)

// watcher follows one run. A change can become visible late, when a transaction that began earlier commits later; so each look begins at the
// oldest transaction that was open during the look before, and what was sent already is left out.
type watcher struct {
	s       *Service
	run     uuid.UUID
	horizon int64
	sent    map[string]int64 // task -> the change that was sent, from the horizon on
	last    *jobv1.Run
}

// WatchRun streams a run until it has ended.
func (s *Service) WatchRun(req *jobv1.WatchRunRequest, stream grpc.ServerStreamingServer[jobv1.RunEvent]) error {
	id, err := parseID("run", req.GetId())
	if err != nil {
		return err
	}
	bell, done := s.bells.listen(runKey(id.String()))
	defer done()
	w := &watcher{s: s, run: id, sent: map[string]int64{}}
	if err := w.begin(stream.Context(), stream.Send); err != nil {
		return err
	}
	for w.last.GetFinishedAt() == nil {
		if !s.sleepServing(stream.Context(), nil, watchPause) || !s.sleepServing(stream.Context(), bell, pollEvery) {
			if err := stream.Context().Err(); err != nil {
				return err
			}
			return errs.New(codes.Unavailable, "SHUTTING_DOWN", "the server is stopping; watch again")
		}
		if err := w.look(stream.Context(), stream.Send); err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) begin(ctx context.Context, send func(*jobv1.RunEvent) error) (err error) {
	if w.horizon, err = w.s.store.horizon(ctx); err != nil {
		return err
	}
	if w.last, err = w.s.store.run(ctx, w.run); err != nil {
		return err
	}
	return send(&jobv1.RunEvent{Run: w.last})
}

// look sends what has changed since the last look. The run is read before the tasks, so that an ended run's tasks are all seen.
func (w *watcher) look(ctx context.Context, send func(*jobv1.RunEvent) error) error {
	next, err := w.s.store.horizon(ctx)
	if err != nil {
		return err
	}
	run, err := w.s.store.run(ctx, w.run)
	if err != nil {
		return err
	}
	news, err := w.tasks(ctx, run, next, send)
	if err != nil {
		return err
	}
	if !news && !proto.Equal(run, w.last) {
		err = send(&jobv1.RunEvent{Run: run})
	}
	w.last, w.horizon = run, next
	return err
}

// tasks sends the tasks that have changed, in pages, and forgets those that no later look will read again.
func (w *watcher) tasks(ctx context.Context, run *jobv1.Run, next int64, send func(*jobv1.RunEvent) error) (news bool, err error) {
	sent := map[string]int64{}
	var at touch
	for {
		rows, err := w.s.store.touchedTasks(ctx, w.run, w.horizon, at, watchPage)
		if err != nil {
			return false, err
		}
		event := &jobv1.RunEvent{Run: run}
		for _, row := range rows {
			at = row.touch
			if w.sent[row.task.GetId()] != at.change {
				event.Tasks = append(event.Tasks, row.task)
			}
			if at.change >= next {
				sent[row.task.GetId()] = at.change
			}
		}
		if len(event.Tasks) > 0 {
			news = true
			if err := send(event); err != nil {
				return false, err
			}
		}
		if len(rows) < watchPage {
			w.sent = sent
			return news, nil
		}
	}
}
