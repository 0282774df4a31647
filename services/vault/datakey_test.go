package vault

import (
	"bytes"
	"encoding/hex"
	"os"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/services/vault/recovery"
)

func TestDataKeysAreMadeOnceAndOpenOffline(t *testing.T) {
	h := newHouse(t)
	gitstore := h.grants("gitstore")
	ids := []string{newID().String(), newID().String(), newID().String()}
	ids = append(ids, ids[0])
	got := make([]*vaultv1.GetDataKeysResponse, 6)
	var wg sync.WaitGroup
	for i := range got {
		wg.Go(func() { got[i], _ = gitstore.GetDataKeys(t.Context(), &vaultv1.GetDataKeysRequest{DeviceIds: ids}) })
	}
	wg.Wait()
	for _, g := range got {
		require.Len(t, g.GetItems(), 4)
		require.Equal(t, got[0].GetTagKey(), g.GetTagKey())
		for i, item := range g.GetItems() {
			require.Equal(t, ids[i], item.GetDeviceId())
			require.Equal(t, got[0].GetItems()[i].GetSealKey(), item.GetSealKey())
			require.Len(t, item.GetSealKey(), 32)
			require.NotEqual(t, item.GetSealKey(), item.GetDigestKey())
		}
	}
	require.Equal(t, got[0].GetItems()[0].GetSealKey(), got[0].GetItems()[3].GetSealKey())
	require.NotEqual(t, got[0].GetItems()[0].GetSealKey(), got[0].GetItems()[1].GetSealKey())

	text, err := os.ReadFile(h.recovery)
	require.NoError(t, err)
	key, err := recovery.Parse(text)
	require.NoError(t, err)
	item := got[0].GetItems()[1]
	dataKey, err := key.Unwrap(item.GetDeviceId(), item.GetRecoveryWrapped())
	require.NoError(t, err)
	sealKey, err := dataKey.SealKey()
	require.NoError(t, err)
	require.Equal(t, item.GetSealKey(), sealKey)

	// The operator moves the file away; the server goes on, and makes no other.
	require.NoError(t, os.Remove(h.recovery))
	h.svc = h.start(h.key)
	require.NoFileExists(t, h.recovery)
	after, err := h.svc.GetDataKeys(t.Context(), &vaultv1.GetDataKeysRequest{DeviceIds: ids[:1]})
	require.NoError(t, err)
	require.Equal(t, got[0].GetItems()[0].GetSealKey(), after.GetItems()[0].GetSealKey())
	_, err = gitstore.GetDataKeys(t.Context(), &vaultv1.GetDataKeysRequest{DeviceIds: []string{"x"}})
	refused(t, err, codes.InvalidArgument, "FIELD_INVALID")
}

func TestShreddedDataKeysAreGoneAndMadeAnew(t *testing.T) {
	h := newHouse(t)
	gitstore := h.grants("gitstore")
	ids := []string{newID().String(), newID().String()}
	before, err := gitstore.GetDataKeys(t.Context(), &vaultv1.GetDataKeysRequest{DeviceIds: ids})
	require.NoError(t, err)
	_, err = h.grants("hub").ShredDataKeys(t.Context(), &vaultv1.ShredDataKeysRequest{DeviceIds: ids})
	refused(t, err, codes.PermissionDenied, "INTERNAL_ONLY")
	rows, err := h.svc.store.listDeviceKeys(t.Context(), []uuid.UUID{uuid.MustParse(ids[0])})
	require.NoError(t, err)
	sealed := hex.EncodeToString(rows[uuid.MustParse(ids[0])].Sealed)
	require.Contains(t, h.dump(), sealed)

	for _, want := range []int32{1, 0} { // a repeat finds nothing
		out, err := gitstore.ShredDataKeys(t.Context(), &vaultv1.ShredDataKeysRequest{DeviceIds: ids[:1]})
		require.NoError(t, err)
		require.Equal(t, want, out.GetKeys())
	}
	require.NotContains(t, h.dump(), sealed)
	after, err := gitstore.GetDataKeys(t.Context(), &vaultv1.GetDataKeysRequest{DeviceIds: ids})
	require.NoError(t, err)
	require.NotEqual(t, before.GetItems()[0].GetSealKey(), after.GetItems()[0].GetSealKey())
	require.NotEqual(t, before.GetItems()[0].GetDigestKey(), after.GetItems()[0].GetDigestKey(), "so that no digest of before fits")
	require.Equal(t, before.GetItems()[1].GetSealKey(), after.GetItems()[1].GetSealKey())
	_, err = gitstore.ShredDataKeys(t.Context(), &vaultv1.ShredDataKeysRequest{DeviceIds: []string{"x"}})
	refused(t, err, codes.InvalidArgument, "FIELD_INVALID")
}

// FAILURES 59 and 97: neither a dump of the database nor the log, the audit trail or an error holds a secret.
func TestFailure59And97NoSecretInDumpLogOrTrail(t *testing.T) {
	h := newHouse(t)
	agent, device := h.authority.agent(), newID().String()
	pem := sshKey(t, "s3cret-passphrase")
	c := h.create(&vaultv1.Credential{Name: "a", Username: "u", Password: "s3cret-password", PrivateKey: pem, Passphrase: "s3cret-passphrase", EnableSecret: "s3cret-enable", DeviceIds: []string{device}})
	item, got := h.ask(device)
	sealed, err := h.grants("hub").SealGrant(t.Context(), &vaultv1.SealGrantRequest{Spec: h.sign(specFor(agent, item, got.GetCredentialIds()...)), AgentCertificate: agent.certificate})
	require.NoError(t, err)
	h.report(item, c.GetId(), jobv1.CredentialOutcome_WORKED)
	_, refusal := h.credentials().UpdateCredential(t.Context(), &vaultv1.UpdateCredentialRequest{Credential: &vaultv1.Credential{Id: c.GetId(), Passphrase: "s3cret-guess"}, UpdateMask: mask("passphrase")})
	require.Error(t, refusal)
	keys, err := h.svc.GetDataKeys(t.Context(), &vaultv1.GetDataKeysRequest{DeviceIds: []string{device}})
	require.NoError(t, err)
	h.audited()
	var trail string
	for _, l := range h.trail.lines {
		trail += l.String()
	}
	public, err := h.svc.store.q.GetInstallation(t.Context())
	require.NoError(t, err)
	all := h.dump() + h.log.String() + refusal.Error() + trail + string(sealed.GetCiphertext()) + h.get(c.GetId()).String()
	require.Contains(t, all, hex.EncodeToString(public.RecoveryPublic), "the dump is a dump")
	for _, s := range []string{"s3cret", pem, pem[60:100]} {
		require.NotContains(t, all, s)
		require.NotContains(t, all, hex.EncodeToString([]byte(s)))
	}
	for _, k := range [][]byte{keys.GetTagKey(), keys.GetItems()[0].GetSealKey(), keys.GetItems()[0].GetDigestKey()} {
		require.NotContains(t, all, hex.EncodeToString(k))
	}
	text, err := os.ReadFile(h.recovery)
	require.NoError(t, err)
	line := text[bytes.LastIndex(text, []byte(":"))+1:]
	require.NotContains(t, all, string(bytes.TrimSpace(line)))
}
