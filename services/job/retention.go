package job

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	"github.com/netraven/netraven/internal/errs"
)

// maxDays bounds what may be asked about.
const maxDays = 36500

// reapOld removes a batch of what is older than KeepRuns: tasks with their results, transcripts, attempts and logs, and at last their run. History
// is not in job: no revision goes with a run.
func (s *Service) reapOld(ctx context.Context) (more bool, err error) {
	if s.config.KeepRuns < 0 {
		return false, nil
	}
	return s.store.removeOld(ctx, s.now().Add(-s.config.KeepRuns))
}

// GetRunRetention answers what a number of days would remove now.
func (s *Service) GetRunRetention(ctx context.Context, in *jobv1.GetRunRetentionRequest) (*jobv1.RunRetention, error) {
	out := &jobv1.RunRetention{ConfiguredDays: int32(max(s.config.KeepRuns, 0) / (24 * time.Hour)), Days: in.GetDays()} //nolint:gosec // days fit
	if out.Days == 0 {
		out.Days = out.ConfiguredDays
	}
	switch {
	case out.Days < 0 || out.Days > maxDays:
		return nil, errs.Invalid("days", "OUT_OF_RANGE", "1 to 36500")
	case out.Days == 0: // for ever
		return out, nil
	}
	old, err := s.store.countOld(ctx, s.now().AddDate(0, 0, -int(out.Days)))
	if err != nil {
		return nil, err
	}
	out.Runs, out.Tasks = float64(old.Runs), float64(old.Tasks)
	if old.Runs > 0 {
		out.Oldest = timestamppb.New(old.Oldest)
	}
	return out, nil
}
