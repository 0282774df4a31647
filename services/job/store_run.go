package job

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	jobsql "github.com/netraven/netraven/gen/sqlc/job"
	"github.com/netraven/netraven/internal/errs"
)

// createRun inserts a PENDING run of that id, or answers the one that the request_id made before.
func (s *store) createRun(ctx context.Context, id uuid.UUID, r newRun, actor string, at time.Time) (uuid.UUID, error) {
	selection, err := writeJSON(r.selection)
	if err != nil {
		return uuid.Nil, err
	}
	params, err := writeParams(r.params)
	if err != nil {
		return uuid.Nil, err
	}
	now := utc(at)
	err = s.tx(ctx, func(q *jobsql.Queries) error {
		if r.requestID != "" {
			made, err := q.RememberRequest(ctx, jobsql.RememberRequestParams{Principal: actor, RequestID: r.requestID, RunID: id, Now: now})
			if err != nil {
				return err
			}
			if made != id {
				id = made
				return nil
			}
		}
		return q.InsertRun(ctx, jobsql.InsertRunParams{
			ID: id, Kind: r.kind.GetName(), Mutating: r.mutating, Selection: selection, ProvenOnly: r.provenOnly, Params: params,
			JobID: r.jobID, CreatedBy: actor, CreatedAt: now,
		})
	})
	return id, err
}

func (s *store) run(ctx context.Context, id uuid.UUID) (*jobv1.Run, error) {
	row, err := s.q.GetRun(ctx, id)
	if err != nil {
		return nil, missing(err, "run", id.String())
	}
	return protoRun(row)
}

func (s *store) runs(ctx context.Context, before, jobID uuid.UUID, kind, state string, n int32) ([]*jobv1.Run, error) {
	rows, err := s.q.ListRuns(ctx, jobsql.ListRunsParams{BeforeID: before, JobID: jobID, Kind: kind, State: state, PageSize: n})
	if err != nil {
		return nil, sqlError(err)
	}
	runs := make([]*jobv1.Run, 0, len(rows))
	for _, row := range rows {
		run, err := protoRun(jobsql.GetRunRow(row))
		if err != nil {
			return nil, err
		}
		runs = append(runs, run)
	}
	return runs, nil
}

// cancelRun marks a run and empties its queue; going tells whether it had not ended. What waits is cancelled by the caller, in batches.
func (s *store) cancelRun(ctx context.Context, id uuid.UUID, reason string, now time.Time) (going bool, err error) {
	err = s.tx(ctx, func(q *jobsql.Queries) error {
		row, err := q.LockRun(ctx, id)
		if err != nil {
			return missing(err, "run", id.String())
		}
		if going = row.FinishedAt == nil; !going {
			return nil
		}
		if err := q.CancelRun(ctx, jobsql.CancelRunParams{ID: id, Reason: reason, Now: utc(now)}); err != nil {
			return err
		}
		return q.DequeueRun(ctx, id)
	})
	return going, err
}

func (s *store) pauseRun(ctx context.Context, id uuid.UUID, reason string) error {
	return s.tx(ctx, func(q *jobsql.Queries) error {
		state, err := lockOpenRun(ctx, q, id)
		if err != nil || state == paused {
			return err
		}
		if err := q.SetRunState(ctx, jobsql.SetRunStateParams{ID: id, State: paused, Reason: reason}); err != nil {
			return err
		}
		return q.DequeueRun(ctx, id)
	})
}

func (s *store) resumeRun(ctx context.Context, id uuid.UUID, now time.Time) (keys []string, err error) {
	err = s.tx(ctx, func(q *jobsql.Queries) error {
		state, err := lockOpenRun(ctx, q, id)
		if err != nil || state != paused {
			return err
		}
		run, err := q.GetRun(ctx, id)
		if err != nil {
			return err
		}
		state = running
		if !run.Expanded {
			state = expanding
		}
		if err := q.SetRunState(ctx, jobsql.SetRunStateParams{ID: id, State: state}); err != nil {
			return err
		}
		gateways, err := q.EnqueueRun(ctx, jobsql.EnqueueRunParams{RunID: id, Now: utc(now)})
		keys = gatewayKeys(gateways)
		return err
	})
	return keys, err
}

// lockOpenRun locks a run that can be paused and resumed, and answers its state.
func lockOpenRun(ctx context.Context, q *jobsql.Queries, id uuid.UUID) (string, error) {
	row, err := q.LockRun(ctx, id)
	if err != nil {
		return "", missing(err, "run", id.String())
	}
	if row.FinishedAt != nil || row.CancelledAt != nil {
		return "", errs.New(codes.FailedPrecondition, "RUN_ENDED", "the run has ended or is being cancelled")
	}
	return row.State, nil
}

func (s *store) failedDevices(ctx context.Context, run uuid.UUID) ([]string, error) {
	rows, err := s.q.FailedDevices(ctx, run)
	ids := make([]string, len(rows))
	for i, id := range rows {
		ids[i] = id.String()
	}
	return ids, sqlError(err)
}

func protoRun(row jobsql.GetRunRow) (*jobv1.Run, error) {
	params, err := readParams(row.Params)
	if err != nil {
		return nil, err
	}
	ended := row.Succeeded + row.Failed + row.Expired + row.Cancelled + row.Skipped
	run := &jobv1.Run{
		Id: row.ID.String(), Kind: row.Kind, State: jobv1.Run_State(jobv1.Run_State_value[row.State]), Reason: row.Reason,
		Counts: &jobv1.Run_Counts{
			Total: row.Total, Pending: row.Total - ended - row.Running, Running: row.Running, Succeeded: row.Succeeded, Changed: row.Changed,
			Failed: row.Failed + row.Expired, Cancelled: row.Cancelled + row.Skipped,
		},
		CreatedAt: timestamppb.New(row.CreatedAt), FinishedAt: protoTime(row.FinishedAt), CreatedBy: row.CreatedBy, Params: params,
	}
	if row.JobID != nil {
		run.JobId = row.JobID.String()
	}
	return run, nil
}

func protoTime(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}

func writeJSON(m proto.Message) ([]byte, error) {
	b, err := protojson.Marshal(m)
	if err != nil {
		return nil, errs.New(codes.InvalidArgument, "FIELD_INVALID", "the request holds text or numbers that JSON cannot carry").Wrap(err)
	}
	return b, nil
}

func writeParams(params *structpb.Struct) ([]byte, error) {
	if params == nil {
		params = &structpb.Struct{}
	}
	return writeJSON(params)
}

func readParams(b []byte) (*structpb.Struct, error) {
	params := &structpb.Struct{}
	if err := protojson.Unmarshal(b, params); err != nil {
		return nil, errs.Internal(err)
	}
	return params, nil
}

func readSelection(b []byte) (*inventoryv1.Selection, error) {
	sel := &inventoryv1.Selection{}
	if err := protojson.Unmarshal(b, sel); err != nil {
		return nil, errs.Internal(err)
	}
	return sel, nil
}
