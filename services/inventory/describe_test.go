package inventory_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	inventorydb "github.com/netraven/netraven/db/inventory"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/internal/wellknown"
	"github.com/netraven/netraven/services/inventory"
)

func TestDevicesAreDescribedAndFiltered(t *testing.T) {
	ctx := context.Background()
	s, err := inventory.New(inventory.Config{}, inventory.Deps{Pool: pgtest.New(t, "inventory", inventorydb.Migrations), Trust: &trust{}})
	require.NoError(t, err)
	user := grpctest.Serve(t, "api", &authn.Principal{UserID: "1", Username: "ann", Permissions: []string{"*"}}, s)
	h := house{devices: inventoryv1.NewDeviceServiceClient(user), sites: inventoryv1.NewSiteServiceClient(user)}
	targets := inventoryv1.NewTargetServiceClient(grpctest.Serve(t, "gitstore", nil, s))
	site, err := h.sites.CreateSite(ctx, &inventoryv1.CreateSiteRequest{Site: &inventoryv1.Site{Name: "north", GatewayId: wellknown.LocalGatewayID}})
	require.NoError(t, err)
	ios := h.create(t, &inventoryv1.Device{Name: "ios", Address: "192.0.2.1", Platform: "cisco_ios", Tags: []string{"Core", "lab"}})
	eos := h.create(t, &inventoryv1.Device{Name: "eos", Address: "192.0.2.2", Platform: "arista_eos", SiteId: site.GetId(), Enabled: proto.Bool(false)})
	gone := h.create(t, &inventoryv1.Device{Name: "gone", Address: "192.0.2.3", Platform: "cisco_ios"})
	_, err = h.devices.DeleteDevice(ctx, &inventoryv1.DeleteDeviceRequest{Id: gone.GetId()})
	require.NoError(t, err)
	ids := []string{ios.GetId(), eos.GetId(), gone.GetId()}
	for name, c := range map[string]struct {
		in   *inventoryv1.DescribeDevicesRequest
		want []string
	}{
		"disabled ones too":    {&inventoryv1.DescribeDevicesRequest{DeviceIds: ids}, []string{"ios", "eos"}},
		"only those asked for": {&inventoryv1.DescribeDevicesRequest{DeviceIds: ids[1:]}, []string{"eos"}},
		"deleted ones":         {&inventoryv1.DescribeDevicesRequest{DeviceIds: ids, WithDeleted: true}, []string{"ios", "eos", gone.GetName()}},
		"site":                 {&inventoryv1.DescribeDevicesRequest{DeviceIds: ids, SiteIds: []string{site.GetId()}}, []string{"eos"}},
		"alias of a platform":  {&inventoryv1.DescribeDevicesRequest{DeviceIds: ids, Platforms: []string{"ios"}}, []string{"ios"}},
		"no such platform":     {&inventoryv1.DescribeDevicesRequest{DeviceIds: ids, Platforms: []string{"nope"}}, nil},
		"tag":                  {&inventoryv1.DescribeDevicesRequest{DeviceIds: ids, Tags: []string{"CORE", "other"}}, []string{"ios"}},
		"all of them":          {&inventoryv1.DescribeDevicesRequest{DeviceIds: ids, Tags: []string{"core"}, SiteIds: []string{site.GetId()}}, nil},
	} {
		out, err := targets.DescribeDevices(ctx, c.in)
		require.NoError(t, err, name)
		var names []string
		for _, i := range out.GetItems() {
			names = append(names, i.GetDeviceName())
			require.Equal(t, i.GetDeviceId() == gone.GetId(), i.GetDeletedAt() != nil)
			if i.GetDeviceName() == "eos" {
				require.Equal(t, []any{eos.GetId(), site.GetId(), "north", "arista_eos"}, []any{i.GetDeviceId(), i.GetSiteId(), i.GetSiteName(), i.GetPlatform()})
			}
		}
		require.ElementsMatch(t, c.want, names, name)
	}
	_, err = targets.DescribeDevices(ctx, &inventoryv1.DescribeDevicesRequest{DeviceIds: make([]string, 1001)})
	require.Equal(t, "TOO_MANY", errs.Reason(err))
	_, err = inventoryv1.NewTargetServiceClient(user).DescribeDevices(ctx, &inventoryv1.DescribeDevicesRequest{})
	require.Equal(t, "INTERNAL_ONLY", errs.Reason(err))
}
