package job

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	jobsql "github.com/netraven/netraven/gen/sqlc/job"
	"github.com/netraven/netraven/internal/errs"
)

func (s *store) task(ctx context.Context, id uuid.UUID) (*jobv1.Task, error) {
	row, err := s.q.GetTask(ctx, id)
	if err != nil {
		return nil, missing(err, "task", id.String())
	}
	return protoTask(row)
}

func (s *store) tasks(ctx context.Context, run uuid.UUID, afterName string, afterID uuid.UUID, state string, n int32) ([]*jobv1.Task, error) {
	rows, err := s.q.ListTasks(ctx, jobsql.ListTasksParams{RunID: run, AfterName: afterName, AfterID: afterID, State: state, PageSize: n})
	if err != nil {
		return nil, sqlError(err)
	}
	tasks := make([]*jobv1.Task, 0, len(rows))
	for _, row := range rows {
		task, err := protoTask(row)
		if err != nil {
			return nil, err
		}
		tasks = append(tasks, task)
	}
	return tasks, nil
}

// touch is where a reading of changed tasks stands.
type touch struct {
	change int64
	id     uuid.UUID
}

type touchedTask struct {
	touch
	task *jobv1.Task
}

// horizon is below every change that is not visible yet.
func (s *store) horizon(ctx context.Context) (int64, error) {
	h, err := s.q.Horizon(ctx)
	return h, sqlError(err)
}

// touchedTasks answers the run's tasks changed at or after the horizon, in the order of changes.
func (s *store) touchedTasks(ctx context.Context, run uuid.UUID, horizon int64, after touch, n int32) ([]touchedTask, error) {
	rows, err := s.q.TouchedTasks(ctx, jobsql.TouchedTasksParams{RunID: run, Horizon: horizon, AfterTouched: after.change, AfterID: after.id, PageSize: n})
	if err != nil {
		return nil, sqlError(err)
	}
	out := make([]touchedTask, 0, len(rows))
	for _, row := range rows {
		task, err := protoTask(row)
		if err != nil {
			return nil, err
		}
		out = append(out, touchedTask{touch{row.Touched, row.ID}, task})
	}
	return out, nil
}

func (s *store) log(ctx context.Context, task uuid.UUID) ([]*jobv1.LogLine, error) {
	rows, err := s.q.ListLog(ctx, task)
	if err != nil {
		return nil, sqlError(err)
	}
	lines := make([]*jobv1.LogLine, 0, len(rows))
	for _, row := range rows {
		lines = append(lines, &jobv1.LogLine{At: timestamppb.New(row.At), Attempt: int32(row.Attempt), Level: row.Level, Message: row.Message})
	}
	return lines, nil
}

func taskState(state string) jobv1.Task_State { return jobv1.Task_State(jobv1.Task_State_value[state]) }

func protoTask(row jobsql.Task) (*jobv1.Task, error) {
	task := &jobv1.Task{
		Id: row.ID.String(), RunId: row.RunID.String(), DeviceId: row.DeviceID.String(), DeviceName: row.DeviceName,
		State: taskState(row.State), Attempt: int32(row.Attempt), Changed: row.Changed, WaitingFor: row.WaitingFor,
		CreatedAt: timestamppb.New(row.CreatedAt), StartedAt: protoTime(row.StartedAt), FinishedAt: protoTime(row.FinishedAt),
		GatewayId: row.GatewayID.String(),
	}
	if row.AgentID != nil {
		task.AgentId = row.AgentID.String()
	}
	if row.Failure != nil && row.State != succeeded {
		task.Failure = &jobv1.Failure{}
		if err := proto.Unmarshal(row.Failure, task.Failure); err != nil {
			return nil, errs.Internal(err)
		}
	}
	return task, nil
}
