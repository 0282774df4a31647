package inventory_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/errs"
)

func (h house) load(t testing.TB, csv string, dryRun bool) *inventoryv1.ImportDevicesResponse {
	t.Helper()
	out, err := h.devices.ImportDevices(context.Background(), &inventoryv1.ImportDevicesRequest{Data: []byte(csv), DryRun: dryRun})
	require.NoError(t, err)
	return out
}

func TestAnImportAnswersEveryRowAndCanBeRepeated(t *testing.T) {
	h := open(t)
	const csv = "\ufeffname,address,platform,port,tags\r\n" +
		"r1,192.0.2.1,ios,,core;east\r\n" +
		"r2,192.0.2.2,eos,2222,\r\n" +
		"r3,192.0.2.3,nonsense,,\r\n" +
		"R1,192.0.2.4,ios,,\r\n" +
		",192.0.2.5,ios,,\r\n" +
		"r6,192.0.2.6,ios,many,\r\n" +
		"r7,\"192.0.2.7,ios\r\n"
	dry := h.load(t, csv, true)
	require.EqualValues(t, 2, dry.GetCreated())
	require.Empty(t, dry.GetRows()[0].GetId())
	require.Empty(t, h.resolve(t, nil), "a dry run writes nothing")

	out := h.load(t, csv, false)
	require.EqualValues(t, 2, out.GetCreated())
	require.EqualValues(t, 5, out.GetErrors())
	byLine := map[int32]*inventoryv1.ImportDevicesResponse_Row{}
	for _, r := range out.GetRows() {
		byLine[r.GetLine()] = r
	}
	require.Equal(t, "created", byLine[2].GetResult())
	require.NotEmpty(t, byLine[2].GetId())
	require.Contains(t, byLine[4].GetError(), "platform")
	require.Contains(t, byLine[5].GetError(), "line 2")
	require.Contains(t, byLine[6].GetError(), "name")
	require.Contains(t, byLine[7].GetError(), "port")
	require.Contains(t, byLine[8].GetError(), "cannot be read")

	again := h.load(t, "name,address,platform,port,tags\nr1,192.0.2.1,cisco_ios,22,East;core\nr2,192.0.2.9,arista_eos,2222,\n", false)
	require.EqualValues(t, 1, again.GetDuplicates(), "the same in other words is no change")
	require.EqualValues(t, 1, again.GetUpdated())
	require.Equal(t, byLine[2].GetId(), again.GetRows()[0].GetId())

	short := h.load(t, "name,address,platform\nr1,192.0.2.1,cisco_ios\n", false)
	require.EqualValues(t, 1, short.GetDuplicates(), "what the file has no column for stays")
}

func TestImportsNameSitesAndGateways(t *testing.T) {
	h, ctx := open(t), context.Background()
	_, err := h.sites.CreateSite(ctx, &inventoryv1.CreateSiteRequest{Site: &inventoryv1.Site{Name: "North"}})
	require.NoError(t, err)
	out := h.load(t, "name,address,platform,site,gateway\nr1,a,ios,north,LOCAL\nr1,a,ios,,\nr2,a,ios,south,\n", false)
	require.EqualValues(t, 2, out.GetCreated(), "the same name at two sites is two devices")
	require.Contains(t, out.GetRows()[2].GetError(), "south")
}

func TestABadFileIsRefusedWhole(t *testing.T) {
	h := open(t)
	for name, c := range map[string]struct{ data, format, reason string }{
		"empty":     {"", "", "HEADER_INVALID"},
		"column":    {"name,address,platform,colour\n", "", "HEADER_INVALID"},
		"missing":   {"name,address\n", "", "HEADER_INVALID"},
		"twice":     {"name,address,platform,name\n", "", "HEADER_INVALID"},
		"not utf-8": {"name,address,platform\n\xff,a,ios\n", "", "HEADER_INVALID"},
		"format":    {"", "xlsx", "FORMAT_UNKNOWN"},
	} {
		_, err := h.devices.ImportDevices(context.Background(), &inventoryv1.ImportDevicesRequest{Data: []byte(c.data), Format: c.format})
		require.Equal(t, c.reason, errs.Reason(err), name)
	}
}

func FuzzImport(f *testing.F) {
	h := open(f)
	f.Add("name,address,platform\nr1,192.0.2.1,ios\n")
	f.Add("name,address,platform,tags\n\"a\nb\",x,ios,;;\n")
	f.Fuzz(func(t *testing.T, csv string) {
		out, err := h.devices.ImportDevices(context.Background(), &inventoryv1.ImportDevicesRequest{Data: []byte(csv)})
		if err != nil {
			require.NotEqual(t, "INTERNAL", errs.Reason(err))
			return
		}
		require.EqualValues(t, len(out.GetRows()), out.GetCreated()+out.GetUpdated()+out.GetDuplicates()+out.GetErrors())
	})
}

func BenchmarkImport50000(b *testing.B) {
	var csv bytes.Buffer
	csv.WriteString("name,address,platform,tags\n")
	for i := range 50_000 {
		fmt.Fprintf(&csv, "device-%05d,10.%d.%d.%d,cisco_ios,site%d;all\n", i, i>>16, i>>8&255, i&255, i%300)
	}
	for b.Loop() {
		b.StopTimer()
		h := open(b)
		b.StartTimer()
		require.EqualValues(b, 50_000, h.load(b, csv.String(), false).GetCreated())
	}
}

func TestSSHOptionsComeByFileAndByPatch(t *testing.T) {
	h, ctx := open(t), context.Background()
	const columns = "name,address,platform,ssh.legacy,ssh.host_key_policy,ssh.newline,ssh.terminal_columns,ssh.terminal_rows,ssh.keepalive_seconds\n"
	out := h.load(t, columns+"r1,a,ios,yes,strict,crlf,80,24,0\nr2,a,ios,,,,,,\nr3,a,ios,,,lfcr,,,\nr4,a,ios,,,,9,,\nr5,a,ios,,,,,,601\n", false)
	require.EqualValues(t, 2, out.GetCreated())
	require.Contains(t, out.GetRows()[2].GetError(), "ssh.newline")
	require.Contains(t, out.GetRows()[3].GetError(), "ssh.terminal_columns")
	require.Contains(t, out.GetRows()[4].GetError(), "ssh.keepalive_seconds")
	want := &inventoryv1.Device_Ssh{Legacy: true, HostKeyPolicy: inventoryv1.Device_Ssh_STRICT, Newline: inventoryv1.Device_Ssh_CRLF, TerminalColumns: 80,
		TerminalRows: 24, KeepaliveSeconds: proto.Int32(0)}
	id := out.GetRows()[0].GetId()
	shown := func(id string) *inventoryv1.Device_Ssh {
		d, err := h.devices.GetDevice(ctx, &inventoryv1.GetDeviceRequest{Id: id})
		require.NoError(t, err)
		return d.GetSsh()
	}
	require.True(t, proto.Equal(want, shown(id)), "%v", shown(id))
	require.True(t, proto.Equal(&inventoryv1.Device_Ssh{HostKeyPolicy: inventoryv1.Device_Ssh_TOFU}, shown(out.GetRows()[1].GetId())))

	again := h.load(t, "name,address,platform\nr1,a,ios\n", false)
	require.EqualValues(t, 1, again.GetDuplicates(), "what the file has no column for stays")
	again = h.load(t, "name,address,platform,ssh.keepalive_seconds\nr1,a,ios,30\nr2,a,ios,\n", false)
	require.EqualValues(t, 1, again.GetUpdated())
	require.EqualValues(t, 1, again.GetDuplicates())
	want.KeepaliveSeconds = proto.Int32(30)
	require.True(t, proto.Equal(want, shown(id)), "%v", shown(id))

	targets, err := h.targets.GetTargets(ctx, &inventoryv1.GetTargetsRequest{DeviceIds: []string{id}})
	require.NoError(t, err)
	require.True(t, proto.Equal(want, targets.GetItems()[0].GetSsh()))

	patch := func(ssh *inventoryv1.Device_Ssh, paths ...string) error {
		_, err := h.devices.UpdateDevice(ctx, &inventoryv1.UpdateDeviceRequest{Device: &inventoryv1.Device{Id: id, Ssh: ssh}, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
		return err
	}
	require.NoError(t, patch(&inventoryv1.Device_Ssh{TerminalRows: 5}, "ssh.terminal_rows", "ssh.keepalive_seconds"))
	want.TerminalRows, want.KeepaliveSeconds = 5, nil
	require.True(t, proto.Equal(want, shown(id)), "%v", shown(id))
	require.Equal(t, "ssh.terminal_rows", errs.From(patch(&inventoryv1.Device_Ssh{TerminalRows: 4}, "ssh.terminal_rows")).Details()[0].Field)
	require.Equal(t, "ssh.newline", errs.From(patch(&inventoryv1.Device_Ssh{Newline: 9}, "ssh.newline")).Details()[0].Field)
	require.Equal(t, "FIELD_READ_ONLY", errs.From(patch(nil, "ssh.colour")).Details()[0].Reason)
}
