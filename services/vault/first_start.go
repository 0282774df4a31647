package vault

import (
	"context"
	"errors"

	"github.com/netraven/netraven/internal/seal"
	"github.com/netraven/netraven/services/vault/recovery"
)

// firstStart makes the offline recovery key, or loads its public part.
func (s *Service) firstStart(ctx context.Context, path string) error {
	created := false
	public, err := s.store.loadInstallation(ctx, s.now(), func() ([]byte, error) {
		if path == "" {
			return nil, errors.New("first start needs RecoveryKeyFile")
		}
		key, made, err := recovery.ReadOrCreate(path, func() ([]byte, error) {
			private, _, err := seal.NewAgentKey()
			return private, err
		})
		if err != nil {
			return nil, err
		}
		created = made
		return key.Public()
	})
	s.recovery = public
	if err == nil && created {
		s.log.Warn("first start: this file holds the offline recovery key; move it to a safe place away from this machine", "file", path)
	}
	return err
}
