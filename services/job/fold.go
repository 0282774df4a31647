package job

import "context"

// foldOnce brings the runs' counts up to date and ends runs.
func (s *Service) foldOnce(ctx context.Context) error {
	ids, err := s.store.fold(ctx, s.now())
	keys := make([]string, 0, len(ids))
	for _, id := range ids {
		keys = append(keys, runKey(id.String()))
	}
	s.ring(keys...)
	return err
}
