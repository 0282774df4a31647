package inventory_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/wellknown"
)

func TestJumpHosts(t *testing.T) {
	h, ctx := open(t), context.Background()
	add := func(name, host, site string) (*inventoryv1.Device, error) {
		return h.devices.CreateDevice(ctx, &inventoryv1.CreateDeviceRequest{Device: &inventoryv1.Device{Name: name, Address: name + ".example.net", Platform: "linux",
			JumpHostId: host, SiteId: site}})
	}
	set := func(device, host string) error {
		_, err := h.devices.UpdateDevice(ctx, &inventoryv1.UpdateDeviceRequest{Device: &inventoryv1.Device{Id: device, JumpHostId: host},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"jump_host_id"}}})
		return err
	}
	setSite := func(site, host string) error {
		_, err := h.sites.UpdateSite(ctx, &inventoryv1.UpdateSiteRequest{Site: &inventoryv1.Site{Id: site, JumpHostId: host},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"jump_host_id"}}})
		return err
	}
	refused := func(reason string, err error) {
		t.Helper()
		require.Equal(t, reason, errs.Reason(err), "%v", err)
		require.Equal(t, "jump_host_id", errs.From(err).Details()[0].Field)
	}
	a, err := add("a", "", "")
	require.NoError(t, err)
	for _, missing := range []string{"nope", wellknown.DefaultSiteID} {
		_, err = add("x", missing, "")
		refused("JUMP_HOST_UNKNOWN", err)
		refused("JUMP_HOST_UNKNOWN", setSite(wellknown.DefaultSiteID, missing))
	}
	b, err := add("b", a.GetId(), "")
	require.NoError(t, err)
	require.Equal(t, a.GetId(), b.GetJumpHostId())
	target := h.target(t, b.GetId())
	require.Equal(t, a.GetId(), target.GetJumpHostId())
	require.Equal(t, "a.example.net", target.GetJumpHost().GetAddress())
	require.Equal(t, []string{"default"}, target.GetJumpHost().GetTags())
	require.Nil(t, h.target(t, a.GetId()).GetJumpHost())

	refused("JUMP_HOST_LOOP", set(a.GetId(), a.GetId()))
	refused("JUMP_HOST_LOOP", set(a.GetId(), b.GetId()))
	_, err = add("c", b.GetId(), "")
	refused("JUMP_HOST_CHAINED", err)
	require.Contains(t, err.Error(), `"b" is itself reached through "a"`)

	// A site's jump host stands in it, and is reached directly; that of a device goes before it.
	require.NoError(t, setSite(wellknown.DefaultSiteID, a.GetId()))
	d, err := add("d", "", "")
	require.NoError(t, err)
	require.Equal(t, a.GetId(), h.target(t, d.GetId()).GetJumpHostId())
	require.Empty(t, h.target(t, a.GetId()).GetJumpHostId())
	refused("JUMP_HOST_CHAINED", set(b.GetId(), d.GetId()))
	refused("JUMP_HOST_CHAINED", setSite(wellknown.DefaultSiteID, d.GetId()))
	north, err := h.sites.CreateSite(ctx, &inventoryv1.CreateSiteRequest{Site: &inventoryv1.Site{Name: "north", JumpHostId: a.GetId()}})
	require.NoError(t, err)
	require.Equal(t, a.GetId(), north.GetJumpHostId())

	_, err = h.devices.DeleteDevice(ctx, &inventoryv1.DeleteDeviceRequest{Id: a.GetId()})
	require.Equal(t, "DEVICE_IS_JUMP_HOST", errs.Reason(err))
	_, err = h.devices.UpdateDevice(ctx, &inventoryv1.UpdateDeviceRequest{Device: &inventoryv1.Device{Id: a.GetId(), Enabled: proto.Bool(false)},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"enabled"}}})
	require.NoError(t, err)
	require.Equal(t, a.GetId(), h.target(t, b.GetId()).GetJumpHostId())
	require.Nil(t, h.target(t, b.GetId()).GetJumpHost(), "a disabled device is left alone, as a jump host too")

	require.NoError(t, setSite(wellknown.DefaultSiteID, ""))
	require.NoError(t, setSite(north.GetId(), ""))
	require.NoError(t, set(b.GetId(), ""))
	_, err = h.devices.DeleteDevice(ctx, &inventoryv1.DeleteDeviceRequest{Id: a.GetId()})
	require.NoError(t, err)
}
