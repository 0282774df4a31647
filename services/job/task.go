package job

import (
	"context"

	"github.com/google/uuid"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/page"
)

// ListTasks pages through what is expanded of a run, by device name.
func (s *Service) ListTasks(ctx context.Context, req *jobv1.ListTasksRequest) (*jobv1.ListTasksResponse, error) {
	id, err := parseID("run", req.GetRunId())
	if err != nil {
		return nil, err
	}
	if _, err := s.store.run(ctx, id); err != nil {
		return nil, err
	}
	after, err := page.Parse(req.GetPageToken(), 2)
	if err != nil {
		return nil, err
	}
	var name string
	var afterID uuid.UUID
	if after != nil {
		name = after[0]
		if afterID, err = tokenID(after[1]); err != nil {
			return nil, err
		}
	}
	state := ""
	if req.GetState() != jobv1.Task_UNSPECIFIED {
		state = req.GetState().String()
	}
	size := page.Size(req.GetPageSize())
	items, err := s.store.tasks(ctx, id, name, afterID, state, size+1)
	if err != nil {
		return nil, err
	}
	resp := &jobv1.ListTasksResponse{Items: items}
	if len(items) > int(size) {
		resp.Items = items[:size]
		last := resp.Items[size-1]
		resp.NextPageToken = page.Token(last.GetDeviceName(), last.GetId())
	}
	return resp, nil
}

// CancelTask ends one task, or has its agent stop.
func (s *Service) CancelTask(ctx context.Context, req *jobv1.CancelTaskRequest) (*jobv1.Task, error) {
	id, err := parseID("task", req.GetId())
	if err != nil {
		return nil, err
	}
	if err := s.each(ctx, []uuid.UUID{id}, (*change).cancel); err != nil {
		return nil, err
	}
	task, err := s.store.task(ctx, id)
	if err == nil && task.GetFinishedAt() == nil {
		s.ring(gatewayKey(task.GetGatewayId()))
	}
	return task, err
}

// GetTask answers one task.
func (s *Service) GetTask(ctx context.Context, req *jobv1.GetTaskRequest) (*jobv1.Task, error) {
	id, err := parseID("task", req.GetId())
	if err != nil {
		return nil, err
	}
	return s.store.task(ctx, id)
}

// ListTaskLog answers the lines of a task's attempts.
func (s *Service) ListTaskLog(ctx context.Context, req *jobv1.ListTaskLogRequest) (*jobv1.ListTaskLogResponse, error) {
	id, err := parseID("task", req.GetId())
	if err != nil {
		return nil, err
	}
	if _, err := s.store.task(ctx, id); err != nil {
		return nil, err
	}
	lines, err := s.store.log(ctx, id)
	return &jobv1.ListTaskLogResponse{Items: lines}, err
}
