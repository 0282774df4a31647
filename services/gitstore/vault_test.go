package gitstore_test

import (
	"bytes"
	"context"

	"github.com/google/uuid"
	"google.golang.org/grpc"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

// vault is the neighbour that makes keys, as far as gitstore calls it.
type vault struct {
	vaultv1.GrantServiceClient
	away error
	// salt makes the keys of one database's vault others than those of another's.
	salt byte
	// shredded is how many keys each device has lost, adopted those that were taken in.
	shredded map[string]byte
	adopted  map[string]*vaultv1.AdoptDataKeysRequest_Item
	// locked is the key-encryption key of another installation: it opens no key that is brought.
	locked bool
	// keysGiven, if set, is called when keys are on their way to who asked.
	keysGiven func()
}

func newVault(salt byte) *vault {
	return &vault{salt: salt, shredded: map[string]byte{}, adopted: map[string]*vaultv1.AdoptDataKeysRequest_Item{}}
}

func (v *vault) GetDataKeys(_ context.Context, in *vaultv1.GetDataKeysRequest, _ ...grpc.CallOption) (*vaultv1.GetDataKeysResponse, error) {
	if v.away != nil {
		return nil, v.away
	}
	out := &vaultv1.GetDataKeysResponse{TagKey: []byte{v.salt, 1, 2, 3}}
	for _, id := range in.GetDeviceIds() {
		out.Items = append(out.Items, &vaultv1.GetDataKeysResponse_Item{DeviceId: id, SealKey: v.sealKey(id), DigestKey: v.digestKey(id), RecoveryWrapped: v.wrapped(id),
			Sealed: v.sealKey(id)})
	}
	if v.keysGiven != nil {
		v.keysGiven()
	}
	return out, nil
}

func (v *vault) AdoptDataKeys(_ context.Context, in *vaultv1.AdoptDataKeysRequest, _ ...grpc.CallOption) (*vaultv1.AdoptDataKeysResponse, error) {
	if v.away != nil {
		return nil, v.away
	}
	out := &vaultv1.AdoptDataKeysResponse{}
	for _, i := range in.GetItems() {
		if v.locked {
			out.Refused = append(out.Refused, i.GetDeviceId())
			continue
		}
		v.adopted[i.GetDeviceId()] = i
	}
	return out, nil
}

func (v *vault) ShredDataKeys(_ context.Context, in *vaultv1.ShredDataKeysRequest, _ ...grpc.CallOption) (*vaultv1.ShredDataKeysResponse, error) {
	if v.away != nil {
		return nil, v.away
	}
	for _, id := range in.GetDeviceIds() {
		v.shredded[id]++
		delete(v.adopted, id)
	}
	return &vaultv1.ShredDataKeysResponse{Keys: int32(len(in.GetDeviceIds()))}, nil
}

// sealKey, digestKey and wrapped are those that the device has now.
func (v *vault) sealKey(device string) []byte {
	if a := v.adopted[device]; a != nil {
		return a.GetSealed()
	}
	id := uuid.MustParse(device)
	key := append(append([]byte{}, id[:]...), id[:]...)
	key[0] ^= v.shredded[device]
	key[1] ^= v.salt
	return key
}

func (v *vault) digestKey(device string) []byte {
	return append([]byte("digest "+device), bytes.Repeat([]byte{1}, int(v.shredded[device]))...)
}

func (v *vault) wrapped(device string) []byte {
	if a := v.adopted[device]; a != nil {
		return a.GetRecoveryWrapped()
	}
	if v.salt != 0 {
		return []byte("wrapped anew " + device)
	}
	return []byte("wrapped " + device)
}
