package vault

import (
	"context"
	"slices"

	"github.com/google/uuid"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	vaultsql "github.com/netraven/netraven/gen/sqlc/vault"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/secret"
	"github.com/netraven/netraven/services/vault/recovery"
)

// GetDataKeys answers the devices' data keys, in order, making missing ones.
func (s *Service) GetDataKeys(ctx context.Context, req *vaultv1.GetDataKeysRequest) (*vaultv1.GetDataKeysResponse, error) {
	if err := s.envelope.usable(); err != nil {
		return nil, err
	}
	ids, err := deviceIDs(req.GetDeviceIds())
	if err != nil {
		return nil, err
	}
	keys, err := s.deviceKeys(ctx, ids)
	if err != nil {
		return nil, err
	}
	resp := &vaultv1.GetDataKeysResponse{}
	for _, id := range ids {
		item, err := s.dataKeyOf(keys[id])
		if err != nil {
			return nil, err
		}
		resp.Items = append(resp.Items, item)
	}
	resp.TagKey, err = s.tagKey(ctx)
	return resp, err
}

// ShredDataKeys destroys devices' data keys.
func (s *Service) ShredDataKeys(ctx context.Context, req *vaultv1.ShredDataKeysRequest) (*vaultv1.ShredDataKeysResponse, error) {
	ids, err := deviceIDs(req.GetDeviceIds())
	if err != nil {
		return nil, err
	}
	n, err := s.store.deleteDeviceKeys(ctx, ids)
	if err != nil {
		return nil, err
	}
	s.log.Warn("data keys were destroyed", "keys", n, "devices", ids)
	return &vaultv1.ShredDataKeysResponse{Keys: int32(n)}, nil //nolint:gosec // at most maxBatch
}

func deviceIDs(in []string) ([]uuid.UUID, error) {
	if len(in) > maxBatch {
		return nil, errs.Invalid("device_ids", "TOO_MANY", "at most 1000 devices a call")
	}
	ids := make([]uuid.UUID, 0, len(in))
	for _, text := range in {
		id, err := uuid.Parse(text)
		if err != nil {
			return nil, errs.Invalid("device_ids", "INVALID", "a device's id is a UUID")
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (s *Service) dataKeyOf(row vaultsql.ListDeviceKeysRow) (*vaultv1.GetDataKeysResponse_Item, error) {
	key, err := s.envelope.openDeviceKey(row.DeviceID, row.Sealed)
	if err != nil {
		return nil, err
	}
	item := &vaultv1.GetDataKeysResponse_Item{DeviceId: row.DeviceID.String(), RecoveryWrapped: row.Recovery, Sealed: row.Sealed}
	if item.SealKey, err = key.SealKey(); err != nil {
		return nil, err
	}
	item.DigestKey, err = key.DigestKey()
	return item, err
}

// deviceKeys answers the sealed data keys of devices, making missing ones. When two ask at once, both get the same.
func (s *Service) deviceKeys(ctx context.Context, ids []uuid.UUID) (map[uuid.UUID]vaultsql.ListDeviceKeysRow, error) {
	rows, err := s.store.listDeviceKeys(ctx, ids)
	if err != nil {
		return nil, err
	}
	var p vaultsql.InsertDeviceKeysParams
	p.Now = s.now()
	for _, id := range ids {
		if _, ok := rows[id]; ok || slices.Contains(p.DeviceIds, id) {
			continue
		}
		key := newDataKey()
		sealed, err := s.envelope.wrap(key, deviceAAD(id))
		if err != nil {
			return nil, err
		}
		wrapped, err := recovery.Wrap(s.recovery, id.String(), recovery.DataKey{Bytes: secret.NewBytes(key)})
		if err != nil {
			return nil, err
		}
		p.DeviceIds, p.Sealed, p.Recovery = append(p.DeviceIds, id), append(p.Sealed, sealed), append(p.Recovery, wrapped)
	}
	if len(p.DeviceIds) == 0 {
		return rows, nil
	}
	made, err := s.store.insertDeviceKeys(ctx, p)
	for _, r := range made {
		rows[r.DeviceID] = r
	}
	return rows, err
}

// tagKey answers the installation's key of secret tags; the first one made stays.
func (s *Service) tagKey(ctx context.Context) ([]byte, error) {
	sealed, err := s.store.tagKey(ctx, func() ([]byte, error) { return s.envelope.wrap(newDataKey(), tagAAD) })
	if err != nil {
		return nil, err
	}
	return s.envelope.unwrap(sealed, tagAAD)
}
