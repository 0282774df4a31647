package inventory_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventorydb "github.com/netraven/netraven/db/inventory"
	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/internal/wellknown"
	"github.com/netraven/netraven/platforms"
	"github.com/netraven/netraven/services/inventory"
)

// trust is auth as far as inventory calls it.
type trust struct {
	authv1.TrustServiceClient
	lines []*authv1.AuditLine
}

func (t *trust) AppendAudit(_ context.Context, in *authv1.AppendAuditRequest, _ ...grpc.CallOption) (*authv1.AppendAuditResponse, error) {
	t.lines = append(t.lines, in.GetLines()...)
	return &authv1.AppendAuditResponse{}, nil
}

type house struct {
	devices   inventoryv1.DeviceServiceClient
	sites     inventoryv1.SiteServiceClient
	gateways  inventoryv1.GatewayServiceClient
	tags      inventoryv1.TagServiceClient
	platforms inventoryv1.PlatformServiceClient
	targets   inventoryv1.TargetServiceClient
	trust     *trust
}

func open(t testing.TB) house { return openWith(t, nil) }

// openWith starts inventory with pages from files.
func openWith(t testing.TB, pages []*platforms.Page) house {
	t.Helper()
	tr := &trust{}
	s, err := inventory.New(inventory.Config{Pages: pages}, inventory.Deps{Pool: pgtest.New(t, "inventory", inventorydb.Migrations), Trust: tr})
	require.NoError(t, err)
	user := grpctest.Serve(t, "api", &authn.Principal{UserID: "1", Username: "ann", Permissions: []string{"*"}}, s)
	hub := grpctest.Serve(t, "hub", nil, s)
	job := grpctest.Serve(t, "job", nil, s)
	return house{devices: inventoryv1.NewDeviceServiceClient(user), sites: inventoryv1.NewSiteServiceClient(user), gateways: inventoryv1.NewGatewayServiceClient(user),
		tags: inventoryv1.NewTagServiceClient(user), platforms: inventoryv1.NewPlatformServiceClient(user),
		targets: &both{TargetServiceClient: inventoryv1.NewTargetServiceClient(hub), job: inventoryv1.NewTargetServiceClient(job)}, trust: tr}
}

// both calls as hub, but selections as job: that is who may.
type both struct {
	inventoryv1.TargetServiceClient
	job inventoryv1.TargetServiceClient
}

func (b *both) ResolveSelection(ctx context.Context, in *inventoryv1.ResolveSelectionRequest, opts ...grpc.CallOption) (grpc.ServerStreamingClient[inventoryv1.ResolveSelectionResponse], error) {
	return b.job.ResolveSelection(ctx, in, opts...)
}

func (h house) create(t *testing.T, d *inventoryv1.Device) *inventoryv1.Device {
	t.Helper()
	out, err := h.devices.CreateDevice(context.Background(), &inventoryv1.CreateDeviceRequest{Device: d})
	require.NoError(t, err)
	return out
}

func (h house) resolve(t *testing.T, s *inventoryv1.Selection) []string {
	t.Helper()
	stream, err := h.targets.ResolveSelection(context.Background(), &inventoryv1.ResolveSelectionRequest{Selection: s})
	require.NoError(t, err)
	names := []string{}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return names
		}
		require.NoError(t, err)
		for _, i := range m.GetItems() {
			names = append(names, i.GetDeviceName())
		}
	}
}

func TestADeviceGetsItsDefaults(t *testing.T) {
	h := open(t)
	d := h.create(t, &inventoryv1.Device{Name: " r1 ", Address: "192.0.2.1", Platform: "ios"})
	require.Equal(t, "r1", d.GetName())
	require.Equal(t, "cisco_ios", d.GetPlatform(), "an alias becomes the name")
	require.EqualValues(t, 22, d.GetPort())
	require.True(t, d.GetEnabled())
	require.Equal(t, wellknown.DefaultSiteID, d.GetSiteId())
	require.Equal(t, []string{"default"}, d.GetTags())
	require.Equal(t, inventoryv1.Device_Ssh_TOFU, d.GetSsh().GetHostKeyPolicy())
	require.Empty(t, d.GetGatewayId(), "the site's gateway is not copied")

	off := h.create(t, &inventoryv1.Device{Name: "r2", Address: "2001:db8::1", Platform: "cisco_ios", Enabled: proto.Bool(false)})
	require.False(t, off.GetEnabled())
	require.Equal(t, []string{"r1"}, h.resolve(t, nil), "a disabled device is in no selection")
}

func TestBadInputNamesTheField(t *testing.T) {
	h := open(t)
	h.create(t, &inventoryv1.Device{Name: "r1", Address: "192.0.2.1", Platform: "cisco_ios"})
	for name, c := range map[string]struct {
		device *inventoryv1.Device
		code   codes.Code
		reason string
		field  string
	}{
		"nothing":      {nil, codes.InvalidArgument, "FIELD_INVALID", "device"},
		"no name":      {&inventoryv1.Device{Address: "a", Platform: "cisco_ios"}, codes.InvalidArgument, "FIELD_INVALID", "name"},
		"control":      {&inventoryv1.Device{Name: "a\nb", Address: "a", Platform: "cisco_ios"}, codes.InvalidArgument, "FIELD_INVALID", "name"},
		"long":         {&inventoryv1.Device{Name: strings.Repeat("x", 256), Address: "a", Platform: "cisco_ios"}, codes.InvalidArgument, "FIELD_INVALID", "name"},
		"no address":   {&inventoryv1.Device{Name: "x", Platform: "cisco_ios"}, codes.InvalidArgument, "FIELD_INVALID", "address"},
		"bad v4":       {&inventoryv1.Device{Name: "x", Address: "192.0.2.300", Platform: "cisco_ios"}, codes.InvalidArgument, "FIELD_INVALID", "address"},
		"with port":    {&inventoryv1.Device{Name: "x", Address: "192.0.2.1:22", Platform: "cisco_ios"}, codes.InvalidArgument, "FIELD_INVALID", "address"},
		"option":       {&inventoryv1.Device{Name: "x", Address: "-oProxy", Platform: "cisco_ios"}, codes.InvalidArgument, "FIELD_INVALID", "address"},
		"port":         {&inventoryv1.Device{Name: "x", Address: "a", Port: 70000, Platform: "cisco_ios"}, codes.InvalidArgument, "FIELD_INVALID", "port"},
		"platform":     {&inventoryv1.Device{Name: "x", Address: "a", Platform: "cisco_oops"}, codes.InvalidArgument, "PLATFORM_UNKNOWN", "platform"},
		"site":         {&inventoryv1.Device{Name: "x", Address: "a", Platform: "cisco_ios", SiteId: wellknown.LocalGatewayID}, codes.InvalidArgument, "SITE_UNKNOWN", "site_id"},
		"gateway":      {&inventoryv1.Device{Name: "x", Address: "a", Platform: "cisco_ios", GatewayId: "nope"}, codes.InvalidArgument, "GATEWAY_UNKNOWN", "gateway_id"},
		"gateway gone": {&inventoryv1.Device{Name: "x", Address: "a", Platform: "cisco_ios", GatewayId: wellknown.DefaultSiteID}, codes.InvalidArgument, "GATEWAY_UNKNOWN", "gateway_id"},
		"duplicate":    {&inventoryv1.Device{Name: "R1", Address: "a", Platform: "cisco_ios"}, codes.AlreadyExists, "DEVICE_EXISTS", ""},
	} {
		_, err := h.devices.CreateDevice(context.Background(), &inventoryv1.CreateDeviceRequest{Device: c.device})
		require.Equal(t, c.code, errs.Code(err), name)
		require.Equal(t, c.reason, errs.Reason(err), name)
		if c.field != "" {
			require.Equal(t, c.field, errs.From(err).Details()[0].Field, name)
		}
	}
	_, err := h.devices.GetDevice(context.Background(), &inventoryv1.GetDeviceRequest{Id: "nope"})
	require.Equal(t, "DEVICE_NOT_FOUND", errs.Reason(err))
}

func TestPatchChangesExactlyWhatIsSent(t *testing.T) {
	h, ctx := open(t), context.Background()
	d := h.create(t, &inventoryv1.Device{Name: "r1", Address: "192.0.2.1", Platform: "cisco_ios", Tags: []string{"core"}, Description: "x"})
	patch := func(d *inventoryv1.Device, paths ...string) (*inventoryv1.Device, error) {
		return h.devices.UpdateDevice(ctx, &inventoryv1.UpdateDeviceRequest{Device: d, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
	}
	out, err := patch(&inventoryv1.Device{Id: d.GetId(), Address: "192.0.2.2", Tags: []string{"ignored"}}, "address", "ssh.legacy")
	require.NoError(t, err)
	require.Equal(t, "192.0.2.2", out.GetAddress())
	require.Equal(t, []string{"core"}, out.GetTags())
	require.Equal(t, "x", out.GetDescription())

	out, err = patch(&inventoryv1.Device{Id: d.GetId(), Tags: []string{"edge", "EDGE", " "}, Enabled: proto.Bool(false)}, "tags", "enabled")
	require.NoError(t, err)
	require.Equal(t, []string{"edge"}, out.GetTags())
	require.False(t, out.GetEnabled())

	_, err = patch(&inventoryv1.Device{Id: d.GetId(), Serial: "1"}, "serial")
	require.Equal(t, "FIELD_READ_ONLY", errs.From(err).Details()[0].Reason)
}

func TestADeletedDeviceCanBeRestored(t *testing.T) {
	h, ctx := open(t), context.Background()
	d := h.create(t, &inventoryv1.Device{Name: "r1", Address: "192.0.2.1", Platform: "cisco_ios", Tags: []string{"core"}})
	restore := func() (*inventoryv1.Device, error) {
		return h.devices.RestoreDevice(ctx, &inventoryv1.RestoreDeviceRequest{Id: d.GetId()})
	}
	same, err := restore()
	require.NoError(t, err, "one that is there is answered as it is")
	require.Equal(t, d.GetName(), same.GetName())
	_, err = h.devices.DeleteDevice(ctx, &inventoryv1.DeleteDeviceRequest{Id: d.GetId()})
	require.NoError(t, err)
	gone, err := h.devices.ListDevices(ctx, &inventoryv1.ListDevicesRequest{Deleted: true})
	require.NoError(t, err)
	require.Len(t, gone.GetItems(), 1)
	require.NotNil(t, gone.GetItems()[0].GetDeletedAt())

	other := h.create(t, &inventoryv1.Device{Name: "R1", Address: "192.0.2.2", Platform: "cisco_ios"})
	_, err = restore()
	require.Equal(t, "DEVICE_EXISTS", errs.Reason(err))
	_, err = h.devices.DeleteDevice(ctx, &inventoryv1.DeleteDeviceRequest{Id: other.GetId()})
	require.NoError(t, err)
	back, err := restore()
	require.NoError(t, err)
	require.Equal(t, []string{"core"}, back.GetTags())
	_, err = h.devices.RestoreDevice(ctx, &inventoryv1.RestoreDeviceRequest{Id: wellknown.LocalGatewayID})
	require.Equal(t, "DEVICE_NOT_FOUND", errs.Reason(err))
}

func TestADeletedDeviceLeavesItsNameFree(t *testing.T) {
	h, ctx := open(t), context.Background()
	d := h.create(t, &inventoryv1.Device{Name: "r1", Address: "192.0.2.1", Platform: "cisco_ios"})
	_, err := h.devices.DeleteDevice(ctx, &inventoryv1.DeleteDeviceRequest{Id: d.GetId()})
	require.NoError(t, err)
	_, err = h.devices.GetDevice(ctx, &inventoryv1.GetDeviceRequest{Id: d.GetId()})
	require.Equal(t, "DEVICE_NOT_FOUND", errs.Reason(err))
	_, err = h.devices.DeleteDevice(ctx, &inventoryv1.DeleteDeviceRequest{Id: d.GetId()})
	require.Equal(t, "DEVICE_NOT_FOUND", errs.Reason(err))
	again := h.create(t, &inventoryv1.Device{Name: "r1", Address: "192.0.2.1", Platform: "cisco_ios"})
	require.NotEqual(t, d.GetId(), again.GetId())
}

func TestListsPageByNameAndFilter(t *testing.T) {
	h, ctx := open(t), context.Background()
	for i := range 7 {
		h.create(t, &inventoryv1.Device{Name: fmt.Sprintf("R%d", i), Address: "192.0.2.1", Platform: "cisco_ios", Tags: []string{[]string{"even", "odd"}[i%2]}})
	}
	var names []string
	token := ""
	for {
		out, err := h.devices.ListDevices(ctx, &inventoryv1.ListDevicesRequest{PageSize: 3, PageToken: token})
		require.NoError(t, err)
		for _, d := range out.GetItems() {
			names = append(names, d.GetName())
		}
		if token = out.GetNextPageToken(); token == "" {
			break
		}
	}
	require.Equal(t, []string{"R0", "R1", "R2", "R3", "R4", "R5", "R6"}, names)
	odd, err := h.devices.ListDevices(ctx, &inventoryv1.ListDevicesRequest{Tags: []string{"ODD"}})
	require.NoError(t, err)
	require.Len(t, odd.GetItems(), 3)
	one, err := h.devices.ListDevices(ctx, &inventoryv1.ListDevicesRequest{Name: "r4", Platform: "ios"})
	require.NoError(t, err)
	require.Len(t, one.GetItems(), 1)
	_, err = h.devices.ListDevices(ctx, &inventoryv1.ListDevicesRequest{PageToken: "x"})
	require.Equal(t, "PAGE_TOKEN_INVALID", errs.Reason(err))
	tags, err := h.tags.ListTags(ctx, &inventoryv1.ListTagsRequest{})
	require.NoError(t, err)
	require.EqualValues(t, 4, tags.GetItems()[0].GetDeviceCount())
}

func TestSelectionsIntersectDimensionsAndUniteValues(t *testing.T) {
	h, ctx := open(t), context.Background()
	site, err := h.sites.CreateSite(ctx, &inventoryv1.CreateSiteRequest{Site: &inventoryv1.Site{Name: "north"}})
	require.NoError(t, err)
	a := h.create(t, &inventoryv1.Device{Name: "a", Address: "x", Platform: "cisco_ios", Tags: []string{"core"}})
	h.create(t, &inventoryv1.Device{Name: "b", Address: "x", Platform: "cisco_ios", Tags: []string{"edge"}, SiteId: site.GetId()})
	h.create(t, &inventoryv1.Device{Name: "c", Address: "x", Platform: "cisco_ios", Tags: []string{"core"}, SiteId: site.GetId()})
	require.Len(t, h.resolve(t, nil), 3)
	require.Equal(t, []string{"b", "c"}, h.resolve(t, &inventoryv1.Selection{SiteIds: []string{site.GetId()}}))
	require.Equal(t, []string{"c"}, h.resolve(t, &inventoryv1.Selection{SiteIds: []string{site.GetId()}, Tags: []string{"Core"}}))
	require.Len(t, h.resolve(t, &inventoryv1.Selection{Tags: []string{"core", "edge"}}), 3)
	require.Equal(t, []string{"a"}, h.resolve(t, &inventoryv1.Selection{DeviceIds: []string{a.GetId()}}))

	_, err = h.sites.DeleteSite(ctx, &inventoryv1.DeleteSiteRequest{Id: site.GetId()})
	require.Equal(t, "SITE_IN_USE", errs.Reason(err))
	_, err = h.sites.DeleteSite(ctx, &inventoryv1.DeleteSiteRequest{Id: wellknown.DefaultSiteID})
	require.Equal(t, "SITE_IS_DEFAULT", errs.Reason(err))
}

func TestGatewaysCarryTheCaps(t *testing.T) {
	h, ctx := open(t), context.Background()
	g, err := h.gateways.CreateGateway(ctx, &inventoryv1.CreateGatewayRequest{Gateway: &inventoryv1.Gateway{Name: "plant"}})
	require.NoError(t, err)
	require.EqualValues(t, 50, g.GetMaxSessions())
	require.EqualValues(t, 20, g.GetLoginsPerSecond())
	g, err = h.gateways.UpdateGateway(ctx, &inventoryv1.UpdateGatewayRequest{Gateway: &inventoryv1.Gateway{Id: g.GetId(), MaxSessions: 7},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"max_sessions"}}})
	require.NoError(t, err)
	require.EqualValues(t, 7, g.GetMaxSessions())
	require.EqualValues(t, 20, g.GetLoginsPerSecond())
	_, err = h.gateways.UpdateGateway(ctx, &inventoryv1.UpdateGatewayRequest{Gateway: &inventoryv1.Gateway{Id: g.GetId(), MaxSessions: -1},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"max_sessions"}}})
	require.Equal(t, "max_sessions", errs.From(err).Details()[0].Field)
	caps, err := h.targets.ListGatewayCaps(ctx, &inventoryv1.ListGatewayCapsRequest{})
	require.NoError(t, err)
	require.Len(t, caps.GetItems(), 2)

	site, err := h.sites.CreateSite(ctx, &inventoryv1.CreateSiteRequest{Site: &inventoryv1.Site{Name: "s", GatewayId: g.GetId()}})
	require.NoError(t, err)
	d := h.create(t, &inventoryv1.Device{Name: "a", Address: "x", Platform: "cisco_ios", SiteId: site.GetId()})
	targets, err := h.targets.GetTargets(ctx, &inventoryv1.GetTargetsRequest{DeviceIds: []string{d.GetId()}})
	require.NoError(t, err)
	require.Equal(t, g.GetId(), targets.GetItems()[0].GetGatewayId())
	require.Equal(t, "s", targets.GetItems()[0].GetSiteName())
	_, err = h.gateways.DeleteGateway(ctx, &inventoryv1.DeleteGatewayRequest{Id: g.GetId()})
	require.Equal(t, "GATEWAY_IN_USE", errs.Reason(err))
	_, err = h.gateways.DeleteGateway(ctx, &inventoryv1.DeleteGatewayRequest{Id: wellknown.LocalGatewayID})
	require.Equal(t, "GATEWAY_IS_LOCAL", errs.Reason(err))
}

func TestAPageCanBeHadByDigestOnceATargetNamedIt(t *testing.T) {
	h, ctx := open(t), context.Background()
	d := h.create(t, &inventoryv1.Device{Name: "a", Address: "x", Platform: "cisco_ios"})
	targets, err := h.targets.GetTargets(ctx, &inventoryv1.GetTargetsRequest{DeviceIds: []string{d.GetId()}})
	require.NoError(t, err)
	digest := targets.GetItems()[0].GetPageDigest()
	pages, err := h.targets.GetPages(ctx, &inventoryv1.GetPagesRequest{Digests: []string{digest, "unknown"}})
	require.NoError(t, err)
	require.Len(t, pages.GetItems(), 1)
	shown, err := h.platforms.GetPlatform(ctx, &inventoryv1.GetPlatformRequest{Id: "ios"})
	require.NoError(t, err)
	require.Equal(t, shown.GetPage(), string(pages.GetItems()[0].GetPage()))
	require.Equal(t, digest, shown.GetDigest())
	_, err = h.platforms.GetPlatform(ctx, &inventoryv1.GetPlatformRequest{Id: "nope"})
	require.Equal(t, "PLATFORM_NOT_FOUND", errs.Reason(err))
}

func hostKey(t *testing.T) []byte {
	t.Helper()
	pub, _, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	k, err := ssh.NewPublicKey(pub)
	require.NoError(t, err)
	return k.Marshal()
}

func TestFirstContactPinsAndLaterKeysWaitForAPerson(t *testing.T) {
	h, ctx := open(t), context.Background()
	d := h.create(t, &inventoryv1.Device{Name: "a", Address: "x", Platform: "cisco_ios"})
	first, second := hostKey(t), hostKey(t)
	now := time.Now()
	observe := func(key []byte, pinned bool, at time.Time) {
		_, err := h.targets.ReportObservations(ctx, &inventoryv1.ReportObservationsRequest{Items: []*inventoryv1.ReportObservationsRequest_Item{{
			DeviceId: d.GetId(), ObservedAt: timestamppb.New(at), HostKey: key, HostKeyPinned: pinned, Seen: true, BackedUp: pinned,
			Facts: map[string]string{"serial": "FOC1\x1b[31m", "version": "15.2", "hostname": "core-1"},
		}}})
		require.NoError(t, err)
	}
	observe(first, true, now)
	observe(second, true, now.Add(time.Second))
	keys, err := h.devices.ListHostKeys(ctx, &inventoryv1.ListHostKeysRequest{DeviceId: d.GetId()})
	require.NoError(t, err)
	require.Len(t, keys.GetItems(), 2)
	require.Equal(t, inventoryv1.HostKey_OBSERVED, keys.GetItems()[0].GetState(), "only the very first is trusted by itself")
	require.Equal(t, inventoryv1.HostKey_ACCEPTED, keys.GetItems()[1].GetState())
	require.Equal(t, "ssh-ed25519", keys.GetItems()[0].GetAlgorithm())

	pub, err := ssh.ParsePublicKey(second)
	require.NoError(t, err)
	_, err = h.devices.AcceptHostKey(ctx, &inventoryv1.AcceptHostKeyRequest{DeviceId: d.GetId(), Fingerprint: keys.GetItems()[1].GetFingerprint()})
	require.Equal(t, "FINGERPRINT_NOT_LAST_OBSERVED", errs.Reason(err))
	require.Equal(t, codes.Aborted, errs.Code(err))
	k, err := h.devices.AcceptHostKey(ctx, &inventoryv1.AcceptHostKeyRequest{DeviceId: d.GetId(), Fingerprint: ssh.FingerprintSHA256(pub)})
	require.NoError(t, err)
	require.Equal(t, "ann", k.GetAcceptedBy())
	require.Equal(t, "host_key.accept", h.trust.lines[1].GetAction())
	targets, err := h.targets.GetTargets(ctx, &inventoryv1.GetTargetsRequest{DeviceIds: []string{d.GetId()}})
	require.NoError(t, err)
	require.Equal(t, [][]byte{first, second}, targets.GetItems()[0].GetHostKeys())

	got, err := h.devices.GetDevice(ctx, &inventoryv1.GetDeviceRequest{Id: d.GetId()})
	require.NoError(t, err)
	require.Equal(t, "FOC1[31m", got.GetSerial(), "control bytes of a device stay out")
	require.Equal(t, "15.2", got.GetOsVersion())
	require.Equal(t, "core-1", got.GetHostname())
	require.NotNil(t, got.GetLastBackupAt())

	observe(nil, false, now.Add(-time.Hour))
	again, err := h.devices.GetDevice(ctx, &inventoryv1.GetDeviceRequest{Id: d.GetId()})
	require.NoError(t, err)
	require.Equal(t, got.GetLastSeenAt().AsTime(), again.GetLastSeenAt().AsTime(), "an older observation changes nothing")
}
