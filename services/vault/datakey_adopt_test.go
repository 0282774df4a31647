package vault

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/keyfile"
)

// The database is lost and the keys are not: what the mirror kept opens in a new one, in place of what that has made meanwhile.
func TestDataKeysOfALostDatabaseAreAdopted(t *testing.T) {
	old := newHouse(t)
	ids := []string{newID().String(), newID().String()}
	ask := &vaultv1.GetDataKeysRequest{DeviceIds: ids}
	kept, err := old.grants("gitstore").GetDataKeys(t.Context(), ask)
	require.NoError(t, err)
	var items []*vaultv1.AdoptDataKeysRequest_Item
	for _, k := range kept.GetItems() {
		require.NotContains(t, string(k.GetSealed()), string(k.GetSealKey()))
		items = append(items, &vaultv1.AdoptDataKeysRequest_Item{DeviceId: k.GetDeviceId(), Sealed: k.GetSealed(), RecoveryWrapped: k.GetRecoveryWrapped()})
	}

	h := newHouse(t)
	another, err := keyfile.New(bytes.Repeat([]byte{8}, 32))
	require.NoError(t, err)
	h.svc = h.start(another)
	gitstore := h.grants("gitstore")
	made, err := gitstore.GetDataKeys(t.Context(), ask)
	require.NoError(t, err)
	out, err := gitstore.AdoptDataKeys(t.Context(), &vaultv1.AdoptDataKeysRequest{Items: items})
	require.NoError(t, err)
	require.Equal(t, ids, out.GetRefused(), "they are under another key-encryption key")
	still, err := gitstore.GetDataKeys(t.Context(), ask)
	require.NoError(t, err)
	require.Equal(t, made.GetItems()[0].GetSealKey(), still.GetItems()[0].GetSealKey())

	h.svc = h.start(old.key)
	gitstore = h.grants("gitstore")
	_, err = h.grants("hub").AdoptDataKeys(t.Context(), &vaultv1.AdoptDataKeysRequest{Items: items})
	refused(t, err, codes.PermissionDenied, "INTERNAL_ONLY")
	_, err = gitstore.AdoptDataKeys(t.Context(), &vaultv1.AdoptDataKeysRequest{Items: append(items, items[0])})
	refused(t, err, codes.InvalidArgument, "FIELD_INVALID")
	swapped := []*vaultv1.AdoptDataKeysRequest_Item{{DeviceId: ids[0], Sealed: items[1].GetSealed(), RecoveryWrapped: items[1].GetRecoveryWrapped()}}
	out, err = gitstore.AdoptDataKeys(t.Context(), &vaultv1.AdoptDataKeysRequest{Items: swapped})
	require.NoError(t, err)
	require.Equal(t, ids[:1], out.GetRefused(), "a key is its device's")
	for range 2 { // may be repeated
		out, err = gitstore.AdoptDataKeys(t.Context(), &vaultv1.AdoptDataKeysRequest{Items: items})
		require.NoError(t, err)
		require.Empty(t, out.GetRefused())
	}
	// The new database's tag key is under the other key, so the rows are asked, as the grant does.
	uuids, err := deviceIDs(ids)
	require.NoError(t, err)
	rows, err := h.svc.deviceKeys(t.Context(), uuids)
	require.NoError(t, err)
	for i, id := range uuids {
		item, err := h.svc.dataKeyOf(rows[id])
		require.NoError(t, err)
		require.Equal(t, kept.GetItems()[i].GetSealKey(), item.GetSealKey())
		require.Equal(t, kept.GetItems()[i].GetRecoveryWrapped(), item.GetRecoveryWrapped())
	}
	_, err = h.start(nil).AdoptDataKeys(t.Context(), &vaultv1.AdoptDataKeysRequest{Items: items})
	refused(t, err, codes.Unavailable, "KEY_UNAVAILABLE")
}
