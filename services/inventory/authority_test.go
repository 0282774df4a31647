package inventory_test

import (
	"context"
	"crypto/ed25519"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/errs"
)

// authority is a public key and how .pub files write it.
func authority(t *testing.T) (wire []byte, line string) {
	t.Helper()
	pub, _, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	k, err := ssh.NewPublicKey(pub)
	require.NoError(t, err)
	return k.Marshal(), string(ssh.MarshalAuthorizedKey(k))
}

func TestThePolicyCANeedsAnAuthorityOfTheDeviceOrItsSite(t *testing.T) {
	h, ctx := open(t), context.Background()
	ofSite, siteLine := authority(t)
	ofDevice, deviceLine := authority(t)
	site, err := h.sites.CreateSite(ctx, &inventoryv1.CreateSiteRequest{Site: &inventoryv1.Site{Name: "north"}})
	require.NoError(t, err)
	policy := &inventoryv1.Device_Ssh{HostKeyPolicy: inventoryv1.Device_Ssh_CA}
	device := &inventoryv1.Device{Name: "a", Address: "x", Platform: "cisco_ios", SiteId: site.GetId(), Ssh: policy}
	_, err = h.devices.CreateDevice(ctx, &inventoryv1.CreateDeviceRequest{Device: device})
	require.Equal(t, "HOST_KEY_CA_MISSING", errs.Reason(err))
	require.Equal(t, "ssh.host_key_ca", errs.From(err).Details()[0].Field)
	imported := h.load(t, "name,address,platform,site,ssh.host_key_policy\nb,x,ios,north,ca\n", false)
	require.Contains(t, imported.GetRows()[0].GetError(), "authority")

	change := func(ca string) (*inventoryv1.Site, error) {
		return h.sites.UpdateSite(ctx, &inventoryv1.UpdateSiteRequest{Site: &inventoryv1.Site{Id: site.GetId(), HostKeyCa: ca},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"host_key_ca"}}})
	}
	for name, bad := range map[string]string{"text": "not a key", "options": "@cert-authority *.example.net " + siteLine, "private": "-----BEGIN OPENSSH PRIVATE KEY-----\n"} {
		_, err := change(bad)
		require.Equal(t, "host_key_ca", errs.From(err).Details()[0].Field, name)
	}
	changed, err := change("# our authority\n\n" + siteLine)
	require.NoError(t, err)
	require.Equal(t, siteLine, changed.GetHostKeyCa()+"\n")

	d := h.create(t, device)
	cas := func() [][]byte {
		targets, err := h.targets.GetTargets(ctx, &inventoryv1.GetTargetsRequest{DeviceIds: []string{d.GetId()}})
		require.NoError(t, err)
		return targets.GetItems()[0].GetHostCas()
	}
	require.Equal(t, [][]byte{ofSite}, cas())
	_, err = change("")
	require.Equal(t, "HOST_KEY_CA_IN_USE", errs.Reason(err))

	_, err = h.devices.UpdateDevice(ctx, &inventoryv1.UpdateDeviceRequest{
		Device:     &inventoryv1.Device{Id: d.GetId(), Ssh: &inventoryv1.Device_Ssh{HostKeyCa: deviceLine + siteLine}},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"ssh.host_key_ca"}},
	})
	require.NoError(t, err)
	require.Equal(t, [][]byte{ofDevice, ofSite}, cas(), "the device's own replace the site's")
	_, err = change("")
	require.NoError(t, err)
	require.EqualValues(t, 1, h.load(t, "name,address,platform,site,ssh.host_key_policy\na,x,ios,north,ca\n", false).GetDuplicates())
}
