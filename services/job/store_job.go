package job

import (
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	jobsql "github.com/netraven/netraven/gen/sqlc/job"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/wellknown"
)

// ensureSystemJobs makes the jobs that exist from the first start. May be repeated; changes of people stay.
func (s *store) ensureSystemJobs(ctx context.Context, now time.Time) error {
	return sqlError(s.q.EnsureSystemJob(ctx, jobsql.EnsureSystemJobParams{
		ID: uuid.MustParse(wellknown.SystemBackupJobID), Name: "Nightly backup", Kind: "backup", ProvenOnly: true, Now: utc(now),
	}))
}

func (s *store) jobs(ctx context.Context, afterName string, afterID uuid.UUID, n int32) ([]*jobv1.Job, error) {
	rows, err := s.q.ListJobs(ctx, jobsql.ListJobsParams{AfterName: afterName, AfterID: afterID, PageSize: n})
	if err != nil {
		return nil, sqlError(err)
	}
	jobs := make([]*jobv1.Job, 0, len(rows))
	for _, row := range rows {
		job, err := protoJob(row)
		if err != nil {
			return nil, err
		}
		jobs = append(jobs, job)
	}
	return jobs, nil
}

// job answers a job, and whether it is for proven devices only.
func (s *store) job(ctx context.Context, id uuid.UUID) (*jobv1.Job, bool, error) {
	row, err := s.q.GetJob(ctx, id)
	if err != nil {
		return nil, false, missing(err, "job", id.String())
	}
	job, err := protoJob(row)
	return job, row.ProvenOnly, err
}

func (s *store) createJob(ctx context.Context, job *jobv1.Job, now time.Time) (*jobv1.Job, error) {
	selection, params, err := jobJSON(job)
	if err != nil {
		return nil, err
	}
	row, err := s.q.InsertJob(ctx, jobsql.InsertJobParams{ID: newID(), Name: job.GetName(), Kind: job.GetKind(), Selection: selection, Params: params, Now: utc(now)})
	if err != nil {
		return nil, sqlError(err)
	}
	return protoJob(row)
}

// updateJob applies set to the job as it is.
func (s *store) updateJob(ctx context.Context, id uuid.UUID, now time.Time, set func(*jobv1.Job) error) (*jobv1.Job, error) {
	var job *jobv1.Job
	err := s.tx(ctx, func(q *jobsql.Queries) error {
		row, err := q.LockJob(ctx, id)
		if err != nil {
			return missing(err, "job", id.String())
		}
		if job, err = protoJob(row); err != nil {
			return err
		}
		if err := set(job); err != nil {
			return err
		}
		selection, params, err := jobJSON(job)
		if err != nil {
			return err
		}
		row, err = q.UpdateJob(ctx, jobsql.UpdateJobParams{ID: id, Name: job.GetName(), Kind: job.GetKind(), Selection: selection, Params: params, Now: utc(now)})
		if err != nil {
			return err
		}
		job, err = protoJob(row)
		return err
	})
	return job, err
}

func (s *store) deleteJob(ctx context.Context, id uuid.UUID) error {
	n, err := s.q.DeleteJob(ctx, id)
	if err == nil && n == 0 {
		return errs.NotFound("job", id.String())
	}
	return sqlError(err)
}

func jobJSON(job *jobv1.Job) (selection, params []byte, err error) {
	if selection, err = writeJSON(job.GetSelection()); err != nil {
		return nil, nil, err
	}
	params, err = writeParams(job.GetParams())
	return selection, params, err
}

func protoJob(row jobsql.Job) (*jobv1.Job, error) {
	selection, err := readSelection(row.Selection)
	if err != nil {
		return nil, err
	}
	params, err := readParams(row.Params)
	if err != nil {
		return nil, err
	}
	return &jobv1.Job{
		Id: row.ID.String(), Name: row.Name, Kind: row.Kind, Selection: selection, Params: params, System: row.System,
		CreatedAt: timestamppb.New(row.CreatedAt), UpdatedAt: timestamppb.New(row.UpdatedAt),
	}, nil
}
