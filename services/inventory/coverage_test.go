package inventory_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventorydb "github.com/netraven/netraven/db/inventory"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/services/inventory"
)

// backedUp reports a complete backup of a device, hours ago.
func backedUp(id string, hours int) *inventoryv1.ReportObservationsRequest_Item {
	at := timestamppb.New(time.Now().Add(-time.Duration(hours) * time.Hour))
	return &inventoryv1.ReportObservationsRequest_Item{DeviceId: id, ObservedAt: at, Seen: true, BackedUp: true}
}

func coverage(t *testing.T, c inventoryv1.DeviceServiceClient, in *inventoryv1.GetCoverageRequest) (*inventoryv1.Coverage, []string) {
	t.Helper()
	out, err := c.GetCoverage(context.Background(), in)
	require.NoError(t, err)
	var names []string
	for _, i := range out.GetItems() {
		names = append(names, i.GetDeviceName())
	}
	return out, names
}

func TestCoverageNamesTheDevicesWithoutABackup(t *testing.T) {
	metrics := prometheus.NewRegistry()
	s, err := inventory.New(inventory.Config{}, inventory.Deps{Pool: pgtest.New(t, "inventory", inventorydb.Migrations), Trust: &trust{}, Metrics: metrics})
	require.NoError(t, err)
	user := grpctest.Serve(t, "api", &authn.Principal{UserID: "1", Username: "ann", Permissions: []string{"*"}}, s)
	h := house{devices: inventoryv1.NewDeviceServiceClient(user), targets: inventoryv1.NewTargetServiceClient(grpctest.Serve(t, "hub", nil, s))}
	ages := map[string]int{"fresh": 1, "day": 30, "week": 100, "oldest": 1000}
	ids := map[string]string{}
	var seen []*inventoryv1.ReportObservationsRequest_Item
	for _, name := range []string{"never1", "never2", "fresh", "day", "week", "oldest", "deleted", "off"} {
		d := h.create(t, &inventoryv1.Device{Name: name, Address: "192.0.2.1", Platform: "cisco_ios", Enabled: proto.Bool(name != "off")})
		ids[name] = d.GetId()
		if hours, ok := ages[name]; ok {
			seen = append(seen, backedUp(d.GetId(), hours))
		}
	}
	// An attempt that took no backup is none.
	seen = append(seen, &inventoryv1.ReportObservationsRequest_Item{DeviceId: ids["never1"], ObservedAt: timestamppb.Now(), Seen: true})
	_, err = h.targets.ReportObservations(context.Background(), &inventoryv1.ReportObservationsRequest{Items: seen})
	require.NoError(t, err)
	_, err = h.devices.DeleteDevice(context.Background(), &inventoryv1.DeleteDeviceRequest{Id: ids["deleted"]})
	require.NoError(t, err)

	out, names := coverage(t, h.devices, &inventoryv1.GetCoverageRequest{})
	require.Equal(t, []string{"never1", "never2", "oldest", "week", "day"}, names, "the longest without first; neither deleted nor disabled ones")
	require.Equal(t, []int32{24, 6, 5, 2}, []int32{out.GetHours(), out.GetDevices(), out.GetMissing(), out.GetNever()})
	require.Empty(t, out.GetNextPageToken())
	require.Nil(t, out.GetItems()[0].GetLastBackupAt())
	require.Equal(t, []any{"default", "cisco_ios", ids["oldest"]},
		[]any{out.GetItems()[2].GetSiteName(), out.GetItems()[2].GetPlatform(), out.GetItems()[2].GetDeviceId()})
	require.WithinDuration(t, time.Now().Add(-1000*time.Hour), out.GetItems()[2].GetLastBackupAt().AsTime(), time.Hour)
	_, names = coverage(t, h.devices, &inventoryv1.GetCoverageRequest{Hours: 48})
	require.Equal(t, []string{"never1", "never2", "oldest", "week"}, names)

	var paged []string
	in := &inventoryv1.GetCoverageRequest{PageSize: 1}
	for {
		out, names := coverage(t, h.devices, in)
		paged = append(paged, names...)
		require.EqualValues(t, 5, out.GetMissing(), "on every page")
		if in.PageToken = out.GetNextPageToken(); in.GetPageToken() == "" {
			break
		}
	}
	require.Equal(t, []string{"never1", "never2", "oldest", "week", "day"}, paged)

	for _, hours := range []int32{-1, 87_601} {
		_, err = h.devices.GetCoverage(context.Background(), &inventoryv1.GetCoverageRequest{Hours: hours})
		require.Equal(t, "FIELD_INVALID", errs.Reason(err), strconv.Itoa(int(hours)))
	}
	_, err = h.devices.GetCoverage(context.Background(), &inventoryv1.GetCoverageRequest{PageToken: "x"})
	require.Equal(t, "PAGE_TOKEN_INVALID", errs.Reason(err))

	require.NoError(t, inventory.CountOnce(s, context.Background()))
	found, err := metrics.Gather()
	require.NoError(t, err)
	gauges := map[string]float64{}
	for _, family := range found {
		for _, m := range family.GetMetric() {
			name := family.GetName()
			for _, l := range m.GetLabel() {
				name += "/" + l.GetValue()
			}
			gauges[name] = m.GetGauge().GetValue()
		}
	}
	require.Equal(t, map[string]float64{"netraven_devices_enabled": 6, "netraven_devices_never_backed_up": 2, "netraven_devices_without_backup/24": 5,
		"netraven_devices_without_backup/48": 4, "netraven_devices_without_backup/168": 3}, gauges)
}
