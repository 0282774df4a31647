package vault

import (
	"context"

	"github.com/google/uuid"

	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
)

// deviceState answers which credential each device let in last, and the devices that have no data key yet.
func (s *store) deviceState(ctx context.Context, ids []uuid.UUID) (lastGood map[uuid.UUID]uuid.UUID, keyless []uuid.UUID, err error) {
	rows, err := s.q.ListDeviceState(ctx, ids)
	lastGood = make(map[uuid.UUID]uuid.UUID, len(rows))
	for _, r := range rows {
		if r.LastGood != nil {
			lastGood[r.DeviceID] = *r.LastGood
		}
		if !r.HasKey {
			keyless = append(keyless, r.DeviceID)
		}
	}
	return lastGood, keyless, err
}

func (s *store) listDeviceKeys(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]vaultsql.ListDeviceKeysRow, error) {
	rows, err := s.q.ListDeviceKeys(ctx, ids)
	out := make(map[uuid.UUID]vaultsql.ListDeviceKeysRow, len(ids))
	for _, r := range rows {
		out[r.DeviceID] = r
	}
	return out, err
}

// insertDeviceKeys stores keys of devices that have none, and answers the key that each device has then.
func (s *store) insertDeviceKeys(ctx context.Context, p vaultsql.InsertDeviceKeysParams) ([]vaultsql.ListDeviceKeysRow, error) {
	rows, err := s.q.InsertDeviceKeys(ctx, p)
	out := make([]vaultsql.ListDeviceKeysRow, len(rows))
	for i, r := range rows {
		out[i] = vaultsql.ListDeviceKeysRow(r)
	}
	return out, err
}

// adoptDeviceKeys stores keys in place of those that the devices have.
func (s *store) adoptDeviceKeys(ctx context.Context, p vaultsql.AdoptDeviceKeysParams) error {
	return s.q.AdoptDeviceKeys(ctx, p)
}

// tagKey answers the sealed tag key; if there is none, it keeps the one that create makes, unless another came first.
func (s *store) tagKey(ctx context.Context, create func() ([]byte, error)) ([]byte, error) {
	row, err := s.q.GetInstallation(ctx)
	if err != nil || row.TagKey != nil {
		return row.TagKey, err
	}
	sealed, err := create()
	if err != nil {
		return nil, err
	}
	return s.q.PutTagKey(ctx, sealed)
}

// deleteDeviceKeys destroys data keys, durably, and answers how many there were.
func (s *store) deleteDeviceKeys(ctx context.Context, ids []uuid.UUID) (int64, error) {
	return s.q.DeleteDeviceKeys(ctx, ids)
}
