package job

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	jobsql "github.com/netraven/netraven/gen/sqlc/job"
	"github.com/netraven/netraven/internal/errs"
)

// writeResults keeps what the attempts that ended found out.
func (b *batch) writeResults(ctx context.Context) error {
	p := jobsql.PutResultsParams{FinishedAt: b.now}
	for _, id := range b.order {
		c := b.tasks[id]
		if c.found == nil {
			continue
		}
		p.TaskIds = append(p.TaskIds, id)
		p.Fences = append(p.Fences, c.over.fence)
		p.Attempts = append(p.Attempts, c.over.number)
		p.Results = append(p.Results, c.found)
	}
	if len(p.TaskIds) == 0 {
		return nil
	}
	return b.q.PutResults(ctx, p)
}

func (s *store) result(ctx context.Context, task uuid.UUID) (*jobv1.TaskResult, error) {
	row, err := s.q.GetResult(ctx, task)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errs.New(codes.NotFound, "RESULT_NOT_FOUND", "this task has no result: no attempt at it has come to anything yet, or its kind finds out nothing but how it ended")
	}
	if err != nil {
		return nil, sqlError(err)
	}
	out := &jobv1.TaskResult{}
	if err := proto.Unmarshal(row.Result, out); err != nil {
		return nil, errs.Internal(err)
	}
	out.TaskId, out.RunId, out.DeviceId, out.DeviceName = task.String(), row.RunID.String(), row.DeviceID.String(), row.DeviceName
	out.Kind, out.Attempt, out.FinishedAt = row.Kind, int32(row.Attempt), timestamppb.New(row.FinishedAt)
	return out, nil
}
