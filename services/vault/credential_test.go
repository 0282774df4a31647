package vault

import (
	"crypto/ed25519"
	"encoding/pem"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/errs"
)

func mask(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }

func sshKey(t *testing.T, passphrase string) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	block, err := ssh.MarshalPrivateKey(key, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	require.NoError(t, err)
	return string(pem.EncodeToMemory(block))
}

func TestCredentialsComeAndGo(t *testing.T) {
	h := newHouse(t)
	client, ctx := h.credentials(), t.Context()
	c, err := client.CreateCredential(ctx, &vaultv1.CreateCredentialRequest{Credential: &vaultv1.Credential{
		Name: "Core", Username: "backup", Password: "s3cret-password", EnableSecret: "s3cret-enable", Tags: []string{"Core", "core", " edge "},
	}})
	require.NoError(t, err)
	require.Equal(t, []string{"Core", "edge"}, c.GetTags())
	require.Equal(t, []string{"password", "enable_secret"}, c.GetSecretsSet())
	require.Equal(t, vaultv1.Credential_SECRET, c.GetEnable(), "unset, and there is an enable secret")
	require.Equal(t, int32(100), c.GetPriority())
	require.Equal(t, int32(5), c.GetLoginsPerSecond())
	require.True(t, c.GetProbation())
	require.Equal(t, int32(1), c.GetVersion())
	require.Empty(t, c.GetPassword()+c.GetEnableSecret())

	u, err := client.UpdateCredential(ctx, &vaultv1.UpdateCredentialRequest{Credential: &vaultv1.Credential{Id: c.GetId(), Priority: 7, Password: "not sent"}, UpdateMask: mask("priority")})
	require.NoError(t, err)
	require.Equal(t, int32(7), u.GetPriority())
	require.Equal(t, int32(1), u.GetVersion(), "no secret changed")
	u, err = client.UpdateCredential(ctx, &vaultv1.UpdateCredentialRequest{Credential: &vaultv1.Credential{Id: c.GetId(), PrivateKey: sshKey(t, "")}, UpdateMask: mask("private_key", "enable_secret")})
	require.NoError(t, err)
	require.Equal(t, int32(2), u.GetVersion())
	require.Equal(t, []string{"password", "private_key"}, u.GetSecretsSet())
	require.Equal(t, vaultv1.Credential_NONE, u.GetEnable())

	row, err := h.svc.store.q.GetSecret(ctx, mustID(t, c.GetId()))
	require.NoError(t, err)
	opened, err := h.svc.envelope.open(row)
	require.NoError(t, err)
	require.Equal(t, "s3cret-password", opened.password.Reveal(), "what was not sent stays")

	_, err = client.DeleteCredential(ctx, &vaultv1.DeleteCredentialRequest{Id: c.GetId()})
	require.NoError(t, err)
	for _, id := range []string{c.GetId(), "x", ""} {
		_, err = client.GetCredential(ctx, &vaultv1.GetCredentialRequest{Id: id})
		refused(t, err, codes.NotFound, "CREDENTIAL_NOT_FOUND")
		_, err = client.DeleteCredential(ctx, &vaultv1.DeleteCredentialRequest{Id: id})
		refused(t, err, codes.NotFound, "CREDENTIAL_NOT_FOUND")
		_, err = client.UpdateCredential(ctx, &vaultv1.UpdateCredentialRequest{Credential: &vaultv1.Credential{Id: id}, UpdateMask: mask("name")})
		refused(t, err, codes.NotFound, "CREDENTIAL_NOT_FOUND")
	}
	require.Equal(t, []string{"credential.create OK", "credential.update OK", "credential.update OK", "credential.delete OK"}, h.audited())
}

func TestCredentialRefusals(t *testing.T) {
	h := newHouse(t)
	client, ctx := h.credentials(), t.Context()
	closed := sshKey(t, "open sesame")
	for field, c := range map[string]*vaultv1.Credential{
		"name REQUIRED":           nil,
		"name":                    {Username: "u", Password: "p"},
		"name LINE":               {Name: "a\nb", Username: "u", Password: "p"},
		"username":                {Name: "n", Password: "p"},
		"username LINE":           {Name: "n", Username: "u\rreload", Password: "p"},
		"password":                {Name: "n", Username: "u"},
		"password LINE":           {Name: "n", Username: "u", Password: "p\nreload"},
		"enable_secret LINE":      {Name: "n", Username: "u", Password: "p", EnableSecret: "x\ny"},
		"private_key":             {Name: "n", Username: "u", PrivateKey: "-----BEGIN nonsense s3cret"},
		"private_key LONG":        {Name: "n", Username: "u", PrivateKey: strings.Repeat("k", 70<<10)},
		"passphrase":              {Name: "n", Username: "u", PrivateKey: closed},
		"passphrase WRONG":        {Name: "n", Username: "u", PrivateKey: closed, Passphrase: "guess"},
		"passphrase ALONE":        {Name: "n", Username: "u", Password: "p", Passphrase: "x"},
		"enable":                  {Name: "n", Username: "u", Password: "p", Enable: vaultv1.Credential_SECRET},
		"enable PASSWORD":         {Name: "n", Username: "u", PrivateKey: sshKey(t, ""), Enable: vaultv1.Credential_LOGIN_PASSWORD},
		"enable UNKNOWN":          {Name: "n", Username: "u", Password: "p", Enable: 9},
		"tags":                    {Name: "n", Username: "u", Password: "p", Tags: []string{""}},
		"device_ids":              {Name: "n", Username: "u", Password: "p", DeviceIds: []string{"x"}},
		"priority":                {Name: "n", Username: "u", Password: "p", Priority: -1},
		"logins_per_second":       {Name: "n", Username: "u", Password: "p", LoginsPerSecond: 1001},
		"max_in_flight":           {Name: "n", Username: "u", Password: "p", MaxInFlight: 10001},
		"logins_per_second MINUS": {Name: "n", Username: "u", Password: "p", LoginsPerSecond: -1},
	} {
		t.Run(field, func(t *testing.T) {
			_, err := client.CreateCredential(ctx, &vaultv1.CreateCredentialRequest{Credential: c})
			refused(t, err, codes.InvalidArgument, "FIELD_INVALID")
			require.Equal(t, strings.Fields(field)[0], errs.From(err).Details()[0].Field)
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
	c := h.create(&vaultv1.Credential{Name: "n", Username: "u", PrivateKey: closed, Passphrase: "open sesame"})
	_, err := client.CreateCredential(ctx, &vaultv1.CreateCredentialRequest{Credential: &vaultv1.Credential{Name: "N", Username: "u", Password: "p"}})
	refused(t, err, codes.AlreadyExists, "CREDENTIAL_EXISTS")
	for path, field := range map[string]string{"private_key": "password", "passphrase": "passphrase", "version": "version", "username": "username"} {
		_, err = client.UpdateCredential(ctx, &vaultv1.UpdateCredentialRequest{Credential: &vaultv1.Credential{Id: c.GetId()}, UpdateMask: mask(path)})
		refused(t, err, codes.InvalidArgument, "FIELD_INVALID")
		require.Equal(t, field, errs.From(err).Details()[0].Field)
	}
}

func TestTwoUpdatesOfOneCredentialTakeTurns(t *testing.T) {
	h := newHouse(t)
	client := h.credentials()
	c := h.create(&vaultv1.Credential{Name: "n", Username: "u", Password: "first password"})
	var wg sync.WaitGroup
	for _, path := range []string{"password", "enable_secret", "password", "enable_secret"} {
		wg.Go(func() {
			_, _ = client.UpdateCredential(t.Context(), &vaultv1.UpdateCredentialRequest{Credential: &vaultv1.Credential{Id: c.GetId(), Password: "pw", EnableSecret: "en"}, UpdateMask: mask(path)})
		})
	}
	wg.Wait()
	got := h.get(c.GetId())
	require.Equal(t, int32(5), got.GetVersion())
	require.Equal(t, []string{"password", "enable_secret"}, got.GetSecretsSet())
}

func TestCredentialsAreListed(t *testing.T) {
	h := newHouse(t)
	client, ctx := h.credentials(), t.Context()
	d := []string{newID().String(), newID().String(), newID().String()}
	h.inventory.devices = []*inventoryv1.Target{
		{DeviceId: d[0], DeviceName: "r2", Tags: []string{"Core"}}, {DeviceId: d[1], DeviceName: "r1", Tags: []string{"core", "x"}}, {DeviceId: d[2], DeviceName: "r3", Tags: []string{"default"}},
	}
	local := h.create(&vaultv1.Credential{Name: "a-local", Username: "u", Password: "p", Tags: []string{"core"}, LocalFallback: true})
	late := h.create(&vaultv1.Credential{Name: "b-late", Username: "u", Password: "p", Tags: []string{"CORE"}, Priority: 200})
	one := h.create(&vaultv1.Credential{Name: "c-one", Username: "u", Password: "p", DeviceIds: []string{d[0], d[2]}})
	none := h.create(&vaultv1.Credential{Name: "d-none", Username: "u", Password: "p"})

	var names []string
	req := &vaultv1.ListCredentialsRequest{PageSize: 3}
	for range 5 {
		page, err := client.ListCredentials(ctx, req)
		require.NoError(t, err)
		for _, c := range page.GetItems() {
			names = append(names, c.GetName())
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	require.Equal(t, []string{"a-local", "b-late", "c-one", "d-none"}, names)

	list, err := client.ListDeviceCredentials(ctx, &vaultv1.ListDeviceCredentialsRequest{DeviceId: d[0]})
	require.NoError(t, err)
	require.Equal(t, []string{one.GetId(), late.GetId(), local.GetId()}, []string{list.GetItems()[0].GetId(), list.GetItems()[1].GetId(), list.GetItems()[2].GetId()})
	_, err = client.ListDeviceCredentials(ctx, &vaultv1.ListDeviceCredentialsRequest{DeviceId: newID().String()})
	refused(t, err, codes.NotFound, "DEVICE_NOT_FOUND")

	first, err := client.ListCredentialDevices(ctx, &vaultv1.ListCredentialDevicesRequest{Id: late.GetId(), PageSize: 1})
	require.NoError(t, err)
	require.Equal(t, "r1", first.GetItems()[0].GetDeviceName())
	second, err := client.ListCredentialDevices(ctx, &vaultv1.ListCredentialDevicesRequest{Id: late.GetId(), PageToken: first.GetNextPageToken()})
	require.NoError(t, err)
	require.Len(t, second.GetItems(), 1)
	require.Equal(t, "r2", second.GetItems()[0].GetDeviceName())
	require.Empty(t, second.GetNextPageToken())
	nobody, err := client.ListCredentialDevices(ctx, &vaultv1.ListCredentialDevicesRequest{Id: none.GetId()})
	require.NoError(t, err)
	require.Empty(t, nobody.GetItems(), "no tag and no device is not every device")
}
