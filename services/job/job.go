package job

import (
	"context"
	"strings"
	"unicode"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
)

// ListJobs pages through the jobs by name.
func (s *Service) ListJobs(ctx context.Context, req *jobv1.ListJobsRequest) (*jobv1.ListJobsResponse, error) {
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
	size := page.Size(req.GetPageSize())
	items, err := s.store.jobs(ctx, name, afterID, size+1)
	if err != nil {
		return nil, err
	}
	resp := &jobv1.ListJobsResponse{Items: items}
	if len(items) > int(size) {
		resp.Items = items[:size]
		last := resp.Items[size-1]
		resp.NextPageToken = page.Token(last.GetName(), last.GetId())
	}
	return resp, nil
}

// CreateJob saves a job.
func (s *Service) CreateJob(ctx context.Context, req *jobv1.CreateJobRequest) (*jobv1.Job, error) {
	job := req.GetJob()
	if job == nil {
		return nil, errs.Invalid("job", "REQUIRED", "give the job")
	}
	if err := s.checkJob(ctx, job); err != nil {
		return nil, err
	}
	return s.store.createJob(ctx, job, s.now())
}

func (s *Service) checkJob(ctx context.Context, job *jobv1.Job) error {
	if err := checkName("name", job.GetName()); err != nil {
		return err
	}
	kind, err := s.kinds.check(job.GetKind(), job.GetParams())
	if err != nil {
		return err
	}
	if mutates(kind, job.GetParams()) {
		if err := mayMutate(ctx); err != nil {
			return err
		}
	}
	if job.Selection == nil {
		job.Selection = &inventoryv1.Selection{}
	}
	return checkSelection("selection.", job.GetSelection())
}

// checkName takes 1 to 255 characters without control characters and without space around.
func checkName(field, name string) error {
	if name == "" || len([]rune(name)) > 255 || strings.TrimSpace(name) != name || strings.IndexFunc(name, unicode.IsControl) >= 0 {
		return errs.Invalid(field, "INVALID", "must be 1 to 255 characters, without control characters and without space around")
	}
	return nil
}

// GetJob answers one job.
func (s *Service) GetJob(ctx context.Context, req *jobv1.GetJobRequest) (*jobv1.Job, error) {
	id, err := parseID("job", req.GetId())
	if err != nil {
		return nil, err
	}
	job, _, err := s.store.job(ctx, id)
	return job, err
}

// UpdateJob changes the fields of the mask.
func (s *Service) UpdateJob(ctx context.Context, req *jobv1.UpdateJobRequest) (*jobv1.Job, error) {
	id, err := parseID("job", req.GetJob().GetId())
	if err != nil {
		return nil, err
	}
	return s.store.updateJob(ctx, id, s.now(), func(job *jobv1.Job) error {
		for _, path := range req.GetUpdateMask().GetPaths() {
			if err := setJobField(job, req.GetJob(), path); err != nil {
				return err
			}
		}
		return s.checkJob(ctx, job)
	})
}

func setJobField(job, from *jobv1.Job, path string) error {
	field, _, _ := strings.Cut(path, ".")
	switch field {
	case "name":
		job.Name = from.GetName()
	case "kind":
		job.Kind = from.GetKind()
	case "selection":
		job.Selection = setSelection(job.GetSelection(), from.GetSelection(), path)
	case "params":
		job.Params = from.GetParams()
	default:
		return errs.Invalid(path, "FIELD_READ_ONLY", "cannot be changed")
	}
	return nil
}

// setSelection takes one dimension where the path names one, else all.
func setSelection(old, from *inventoryv1.Selection, path string) *inventoryv1.Selection {
	switch path {
	case "selection.device_ids":
		old.DeviceIds = from.GetDeviceIds()
	case "selection.tags":
		old.Tags = from.GetTags()
	case "selection.site_ids":
		old.SiteIds = from.GetSiteIds()
	default:
		return from
	}
	return old
}

// DeleteJob removes a job; its runs stay.
func (s *Service) DeleteJob(ctx context.Context, req *jobv1.DeleteJobRequest) (*emptypb.Empty, error) {
	id, err := parseID("job", req.GetId())
	if err != nil {
		return nil, err
	}
	job, _, err := s.store.job(ctx, id)
	if err != nil {
		return nil, err
	}
	if job.GetSystem() {
		return nil, errs.New(codes.FailedPrecondition, "SYSTEM_JOB", "this job belongs to the system; disable its schedule instead")
	}
	return &emptypb.Empty{}, s.store.deleteJob(ctx, id)
}

// RunJob starts a run of a job.
func (s *Service) RunJob(ctx context.Context, req *jobv1.RunJobRequest) (*jobv1.Run, error) {
	id, err := parseID("job", req.GetId())
	if err != nil {
		return nil, err
	}
	job, provenOnly, err := s.store.job(ctx, id)
	if err != nil {
		return nil, err
	}
	kind, err := s.kinds.check(job.GetKind(), job.GetParams())
	if err != nil {
		return nil, err
	}
	return s.start(ctx, newRun{kind: kind, selection: job.GetSelection(), params: job.GetParams(), jobID: &id, provenOnly: provenOnly, requestID: req.GetRequestId()})
}
