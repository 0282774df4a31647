package job

import "context"

// reapOld removes a batch of what is older than KeepRuns: tasks with their results, transcripts, attempts and logs, and at last their run. History
// is not in job: no revision goes with a run.
func (s *Service) reapOld(ctx context.Context) (more bool, err error) {
	if s.config.KeepRuns < 0 {
		return false, nil
	}
	return s.store.removeOld(ctx, s.now().Add(-s.config.KeepRuns))
}
