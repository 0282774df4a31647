package scheduler

import (
	"context"
	"time"

	schedulerv1 "github.com/netraven/netraven/gen/go/netraven/scheduler/v1"
	"github.com/netraven/netraven/internal/page"
)

// ListFires pages through a schedule's fires, newest first.
func (s *Service) ListFires(ctx context.Context, req *schedulerv1.ListFiresRequest) (*schedulerv1.ListFiresResponse, error) {
	id, err := parseID(req.GetScheduleId())
	if err != nil {
		return nil, err
	}
	if _, err := s.store.schedule(ctx, id); err != nil {
		return nil, err
	}
	after, err := page.Parse(req.GetPageToken(), 1)
	if err != nil {
		return nil, err
	}
	before := time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
	if after != nil {
		if before, err = time.Parse(time.RFC3339Nano, after[0]); err != nil {
			return nil, tokenInvalid(err)
		}
	}
	size := page.Size(req.GetPageSize())
	items, err := s.store.fires(ctx, id, before, size+1)
	if err != nil {
		return nil, err
	}
	resp := &schedulerv1.ListFiresResponse{Items: items}
	if len(items) > int(size) {
		resp.Items = items[:size]
		resp.NextPageToken = page.Token(resp.Items[size-1].GetDueAt().AsTime().Format(time.RFC3339Nano))
	}
	return resp, nil
}
