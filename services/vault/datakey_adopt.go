package vault

import (
	"context"
	"slices"

	"github.com/google/uuid"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
	"github.com/netraven/netraven/internal/errs"
)

// AdoptDataKeys takes in data keys of this installation's past. What a device is sealed with now gives way: a mirror is never older than the database that it is brought to.
func (s *Service) AdoptDataKeys(ctx context.Context, req *vaultv1.AdoptDataKeysRequest) (*vaultv1.AdoptDataKeysResponse, error) {
	if err := s.envelope.usable(); err != nil {
		return nil, err
	}
	if len(req.GetItems()) > maxBatch {
		return nil, errs.Invalid("items", "TOO_MANY", "at most 1000 devices a call")
	}
	resp, p := &vaultv1.AdoptDataKeysResponse{}, vaultsql.AdoptDeviceKeysParams{Now: s.now()}
	for _, item := range req.GetItems() {
		id, err := uuid.Parse(item.GetDeviceId())
		if err != nil || slices.Contains(p.DeviceIds, id) {
			return nil, errs.Invalid("items", "INVALID", "a device's id is a UUID, and comes once")
		}
		if _, err := s.envelope.openDeviceKey(id, item.GetSealed()); err != nil || len(item.GetRecoveryWrapped()) == 0 {
			resp.Refused = append(resp.Refused, id.String())
			continue
		}
		p.DeviceIds, p.Sealed, p.Recovery = append(p.DeviceIds, id), append(p.Sealed, item.GetSealed()), append(p.Recovery, item.GetRecoveryWrapped())
	}
	if len(p.DeviceIds) > 0 {
		if err := s.store.adoptDeviceKeys(ctx, p); err != nil {
			return nil, err
		}
	}
	s.log.Warn("data keys of a restored mirror were taken in", "keys", len(p.DeviceIds), "refused", len(resp.GetRefused()))
	return resp, nil
}
