package job

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/structpb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
)

const (
	maxSelection = 100_000
	maxRequestID = 200
)

// newRun is what a run is made of.
type newRun struct {
	kind       *jobv1.JobKind
	selection  *inventoryv1.Selection
	params     *structpb.Struct
	jobID      *uuid.UUID
	provenOnly bool
	requestID  string
	mutating   bool
}

// CreateRun starts a run and answers it PENDING.
func (s *Service) CreateRun(ctx context.Context, req *jobv1.CreateRunRequest) (*jobv1.Run, error) {
	kind, err := s.kinds.check(req.GetKind(), req.GetParams())
	if err != nil {
		return nil, err
	}
	selection := &inventoryv1.Selection{DeviceIds: req.GetDeviceIds(), Tags: req.GetTags(), SiteIds: req.GetSiteIds()}
	if err := checkSelection("", selection); err != nil {
		return nil, err
	}
	if isEmpty(selection) && !req.GetAll() {
		return nil, errs.New(codes.InvalidArgument, "SELECTION_EMPTY", "no devices are selected; give device_ids, tags or site_ids, or all=true for every device").
			Field("device_ids", "REQUIRED", "select devices, or say all=true")
	}
	return s.start(ctx, newRun{kind: kind, selection: selection, params: req.GetParams(), requestID: req.GetRequestId()})
}

// testKind is what testing a device means.
const testKind = "login"

// TestDevice starts a login on one device.
func (s *Service) TestDevice(ctx context.Context, req *jobv1.TestDeviceRequest) (*jobv1.Run, error) {
	id, err := parseID("device", req.GetId())
	if err != nil {
		return nil, err
	}
	params := testParams(req)
	kind, err := s.kinds.check(testKind, params)
	if err != nil {
		return nil, err
	}
	resp, err := s.inventory.GetTargets(ctx, &inventoryv1.GetTargetsRequest{DeviceIds: []string{id.String()}})
	if err != nil {
		return nil, err
	}
	if len(resp.GetItems()) == 0 {
		return nil, errs.New(codes.NotFound, "DEVICE_NOT_FOUND", "there is no device %s, or it is disabled; enable it to test it", id)
	}
	return s.start(ctx, newRun{kind: kind, selection: &inventoryv1.Selection{DeviceIds: []string{id.String()}}, params: params, requestID: req.GetRequestId()})
}

// testParams are the parameters of a test as its kind takes them.
func testParams(req *jobv1.TestDeviceRequest) *structpb.Struct {
	if !req.GetTranscript() {
		return nil
	}
	return &structpb.Struct{Fields: map[string]*structpb.Value{"transcript": structpb.NewBoolValue(true)}}
}

// start records a run; the expander does the rest.
func (s *Service) start(ctx context.Context, r newRun) (*jobv1.Run, error) {
	if len(r.requestID) > maxRequestID {
		return nil, errs.Invalid("request_id", "TOO_LONG", fmt.Sprintf("at most %d bytes", maxRequestID))
	}
	id := newID()
	if r.mutating = mutates(r.kind, r.params); r.mutating {
		if err := s.admitMutating(ctx, id, r); err != nil {
			return nil, err
		}
	}
	id, err := s.store.createRun(ctx, id, r, authn.FromContext(ctx).Actor(), s.now())
	if err != nil {
		return nil, err
	}
	s.ring(expandKey)
	return s.store.run(ctx, id)
}

// checkSelection refuses what can select nothing. The prefix is that of the fields in the request.
func checkSelection(prefix string, sel *inventoryv1.Selection) error {
	if len(sel.GetDeviceIds()) > maxSelection || len(sel.GetTags()) > maxSelection || len(sel.GetSiteIds()) > maxSelection {
		return errs.Invalid(prefix+"device_ids", "TOO_MANY", fmt.Sprintf("at most %d of each", maxSelection))
	}
	if err := fieldIDs(prefix+"device_ids", sel.GetDeviceIds()); err != nil {
		return err
	}
	if err := fieldIDs(prefix+"site_ids", sel.GetSiteIds()); err != nil {
		return err
	}
	if slices.Contains(sel.GetTags(), "") {
		return errs.Invalid(prefix+"tags", "EMPTY", "a tag has a name")
	}
	return nil
}

func isEmpty(sel *inventoryv1.Selection) bool {
	return len(sel.GetDeviceIds())+len(sel.GetTags())+len(sel.GetSiteIds()) == 0
}

// ListRuns pages through the runs, newest first.
func (s *Service) ListRuns(ctx context.Context, req *jobv1.ListRunsRequest) (*jobv1.ListRunsResponse, error) {
	var before, jobID uuid.UUID
	after, err := page.Parse(req.GetPageToken(), 1)
	if err != nil {
		return nil, err
	}
	if after != nil {
		if before, err = tokenID(after[0]); err != nil {
			return nil, err
		}
	}
	if req.GetJobId() != "" {
		if jobID, err = fieldID("job_id", req.GetJobId()); err != nil {
			return nil, err
		}
	}
	state := ""
	if req.GetState() != jobv1.Run_UNSPECIFIED {
		state = req.GetState().String()
	}
	size := page.Size(req.GetPageSize())
	items, err := s.store.runs(ctx, before, jobID, req.GetKind(), state, size+1)
	if err != nil {
		return nil, err
	}
	resp := &jobv1.ListRunsResponse{Items: items}
	if len(items) > int(size) {
		resp.Items = items[:size]
		resp.NextPageToken = page.Token(resp.Items[size-1].GetId())
	}
	return resp, nil
}

// GetRun answers one run.
func (s *Service) GetRun(ctx context.Context, req *jobv1.GetRunRequest) (*jobv1.Run, error) {
	id, err := parseID("run", req.GetId())
	if err != nil {
		return nil, err
	}
	return s.store.run(ctx, id)
}

// CancelRun cancels what waits, at once, and lets claims and reports tell agents to stop the rest.
func (s *Service) CancelRun(ctx context.Context, req *jobv1.CancelRunRequest) (*jobv1.Run, error) {
	id, err := parseID("run", req.GetId())
	if err != nil {
		return nil, err
	}
	going, err := s.store.cancelRun(ctx, id, "cancelled by "+authn.FromContext(ctx).Name(), s.now())
	if err != nil {
		return nil, err
	}
	if going {
		if err := s.cancelTasks(ctx, id); err != nil {
			return nil, err
		}
		keys, err := s.store.runGateways(ctx, id)
		if err != nil {
			return nil, err
		}
		s.ring(keys...) // claims look for cancellations
	}
	return s.store.run(ctx, id)
}

// PauseRun takes what waits out of the queue.
func (s *Service) PauseRun(ctx context.Context, req *jobv1.PauseRunRequest) (*jobv1.Run, error) {
	id, err := parseID("run", req.GetId())
	if err != nil {
		return nil, err
	}
	if err := s.store.pauseRun(ctx, id, "paused by "+authn.FromContext(ctx).Name()); err != nil {
		return nil, err
	}
	s.ring(runKey(id.String()))
	return s.store.run(ctx, id)
}

// ResumeRun puts it back.
func (s *Service) ResumeRun(ctx context.Context, req *jobv1.ResumeRunRequest) (*jobv1.Run, error) {
	id, err := parseID("run", req.GetId())
	if err != nil {
		return nil, err
	}
	keys, err := s.store.resumeRun(ctx, id, s.now())
	if err != nil {
		return nil, err
	}
	s.ring(append(keys, runKey(id.String()))...)
	return s.store.run(ctx, id)
}

// RetryFailed starts a run of the same kind over what failed.
func (s *Service) RetryFailed(ctx context.Context, req *jobv1.RetryFailedRequest) (*jobv1.Run, error) {
	id, err := parseID("run", req.GetId())
	if err != nil {
		return nil, err
	}
	run, err := s.store.run(ctx, id)
	if err != nil {
		return nil, err
	}
	if run.GetFinishedAt() == nil {
		return nil, errs.New(codes.FailedPrecondition, "RUN_NOT_ENDED", "the run goes on; wait until it has ended, or cancel it")
	}
	devices, err := s.store.failedDevices(ctx, id)
	if err != nil {
		return nil, err
	}
	if len(devices) == 0 {
		return nil, errs.New(codes.FailedPrecondition, "NOTHING_FAILED", "no device of this run failed")
	}
	kind, err := s.kinds.check(run.GetKind(), run.GetParams())
	if err != nil {
		return nil, err
	}
	r := newRun{kind: kind, selection: &inventoryv1.Selection{DeviceIds: devices}, params: run.GetParams(), requestID: req.GetRequestId()}
	if jobID, err := uuid.Parse(run.GetJobId()); err == nil {
		r.jobID = &jobID
	}
	return s.start(ctx, r)
}

// tokenID reads an id out of a page token.
func tokenID(part string) (uuid.UUID, error) {
	id, err := uuid.Parse(part)
	if err != nil {
		return id, errs.New(codes.InvalidArgument, "PAGE_TOKEN_INVALID", "page_token is not one that this list answered; start again without it").Wrap(err)
	}
	return id, nil
}
