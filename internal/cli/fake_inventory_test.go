package cli_test

import (
	"context"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/wellknown"
	"github.com/netraven/netraven/platforms"
)

// furnish is what exists from the first start.
func (h *house) furnish() {
	_, err := create(h.gateways, &inventoryv1.Gateway{Id: wellknown.LocalGatewayID, Name: "local", MaxSessions: 50, LoginsPerSecond: 20})
	must(err)
	_, err = create(h.sites, &inventoryv1.Site{Id: wellknown.DefaultSiteID, Name: "default", GatewayId: wellknown.LocalGatewayID})
	must(err)
	h.furnishJobs()
}

type fakeDevices struct {
	inventoryv1.UnimplementedDeviceServiceServer
	*house
	gone []*inventoryv1.Device
}

func (f *fakeDevices) ListDevices(_ context.Context, r *inventoryv1.ListDevicesRequest) (*inventoryv1.ListDevicesResponse, error) {
	if r.Deleted {
		return &inventoryv1.ListDevicesResponse{Items: f.gone}, nil
	}
	items, next, err := pageOf(f.devices, r.PageSize, r.PageToken, func(d *inventoryv1.Device) bool {
		return strings.Contains(strings.ToLower(d.Name), strings.ToLower(r.Name)) && (r.SiteId == "" || r.SiteId == d.SiteId) &&
			(r.Platform == "" || r.Platform == d.Platform)
	})
	return &inventoryv1.ListDevicesResponse{Items: items, NextPageToken: next}, err
}

// GetCoverage knows of no backups, but of a device called stale one.
func (f *fakeDevices) GetCoverage(_ context.Context, r *inventoryv1.GetCoverageRequest) (*inventoryv1.Coverage, error) {
	all, next, err := pageOf(f.devices, r.PageSize, r.PageToken, func(d *inventoryv1.Device) bool { return d.GetEnabled() })
	out := &inventoryv1.Coverage{NextPageToken: next, Hours: r.Hours, Devices: 5, Missing: 4, Never: 3}
	for _, d := range all {
		item := &inventoryv1.Coverage_Item{DeviceId: d.Id, DeviceName: d.Name, Platform: d.Platform, SiteId: d.SiteId, SiteName: "default"}
		if d.Name == "stale" {
			item.LastBackupAt = timestamppb.New(time.Date(2026, 3, 1, 2, 3, 4, 0, time.UTC))
		}
		out.Items = append(out.Items, item)
	}
	return out, err
}

func (f *fakeDevices) CreateDevice(_ context.Context, r *inventoryv1.CreateDeviceRequest) (*inventoryv1.Device, error) {
	d := r.Device
	if d.Address == "" {
		return nil, errs.Invalid("address", "REQUIRED", "must be given")
	}
	if d.Platform != "cisco_ios" {
		return nil, errs.New(codes.InvalidArgument, "PLATFORM_UNKNOWN", "there is no platform %q", d.Platform).Field("platform", "UNKNOWN", "GET /platforms lists them")
	}
	if d.SiteId == "" {
		d.SiteId = wellknown.DefaultSiteID
	}
	if d.Port == 0 {
		d.Port = 22
	}
	if d.Enabled == nil {
		d.Enabled = proto.Bool(true)
	}
	if len(d.Tags) == 0 {
		d.Tags = []string{"default"}
	}
	return create(f.devices, d)
}

func (f *fakeDevices) GetDevice(_ context.Context, r *inventoryv1.GetDeviceRequest) (*inventoryv1.Device, error) {
	return get[*inventoryv1.Device](f.devices, r.Id)
}

func (f *fakeDevices) UpdateDevice(_ context.Context, r *inventoryv1.UpdateDeviceRequest) (*inventoryv1.Device, error) {
	return update(f.devices, r.Device, r.UpdateMask)
}

func (f *fakeDevices) DeleteDevice(_ context.Context, r *inventoryv1.DeleteDeviceRequest) (*emptypb.Empty, error) {
	d, err := get[*inventoryv1.Device](f.devices, r.Id)
	if err != nil {
		return nil, err
	}
	f.gone = append(f.gone, d)
	return &emptypb.Empty{}, remove(f.devices, r.Id)
}

func (f *fakeDevices) RestoreDevice(_ context.Context, r *inventoryv1.RestoreDeviceRequest) (*inventoryv1.Device, error) {
	for _, d := range f.gone {
		if d.Id == r.Id {
			return create(f.devices, d)
		}
	}
	return nil, errs.NotFound("device", r.Id)
}

func (f *fakeDevices) ImportDevices(_ context.Context, r *inventoryv1.ImportDevicesRequest) (*inventoryv1.ImportDevicesResponse, error) {
	out := &inventoryv1.ImportDevicesResponse{}
	if r.Format != "" && r.Format != "csv" {
		return nil, errs.New(codes.InvalidArgument, "FORMAT_UNKNOWN", "the format is csv")
	}
	for i, line := range strings.Split(strings.TrimSpace(string(r.Data)), "\n") {
		cells := strings.Split(line, ",")
		if i == 0 {
			continue
		}
		row := &inventoryv1.ImportDevicesResponse_Row{Line: int32(i + 1), Name: cells[0], Result: "created"}
		if len(cells) < 3 || cells[2] != "cisco_ios" {
			row.Result, row.Error = "error", "platform: UNKNOWN: no such platform"
			out.Errors++
		} else {
			out.Created++
			if !r.DryRun {
				d, err := f.CreateDevice(context.Background(), &inventoryv1.CreateDeviceRequest{Device: &inventoryv1.Device{Name: cells[0], Address: cells[1], Platform: cells[2]}})
				if err != nil {
					return nil, err
				}
				row.Id = d.Id
			}
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}

const fakeFingerprint = "SHA256:uNiVztksCsDhcc0u9e8BrrJXVGDnfg7Yr8hfBW8NAZM"

func (f *fakeDevices) ListHostKeys(_ context.Context, r *inventoryv1.ListHostKeysRequest) (*inventoryv1.ListHostKeysResponse, error) {
	return &inventoryv1.ListHostKeysResponse{Items: []*inventoryv1.HostKey{{DeviceId: r.DeviceId, Algorithm: "ssh-ed25519", Fingerprint: fakeFingerprint,
		State: inventoryv1.HostKey_OBSERVED}}}, nil
}

func (f *fakeDevices) AcceptHostKey(_ context.Context, r *inventoryv1.AcceptHostKeyRequest) (*inventoryv1.HostKey, error) {
	if r.Fingerprint != fakeFingerprint {
		return nil, errs.New(codes.Aborted, "FINGERPRINT_NOT_LAST_OBSERVED", "the device last showed another key")
	}
	return &inventoryv1.HostKey{DeviceId: r.DeviceId, Algorithm: "ssh-ed25519", Fingerprint: r.Fingerprint, State: inventoryv1.HostKey_ACCEPTED}, nil
}

func (f *fakeDevices) AcceptHostKeys(ctx context.Context, r *inventoryv1.AcceptHostKeysRequest) (*inventoryv1.AcceptHostKeysResponse, error) {
	out := &inventoryv1.AcceptHostKeysResponse{}
	for _, item := range r.Items {
		row := &inventoryv1.AcceptHostKeysResponse_Item{DeviceId: item.DeviceId, Fingerprint: item.Fingerprint}
		if _, err := f.AcceptHostKey(ctx, item); err != nil {
			row.Error = errs.Reason(err)
			out.Errors++
		} else {
			row.Accepted = true
			out.Accepted++
		}
		out.Items = append(out.Items, row)
	}
	return out, nil
}

func (f *fakeDevices) ListWaitingHostKeys(context.Context, *inventoryv1.ListWaitingHostKeysRequest) (*inventoryv1.ListWaitingHostKeysResponse, error) {
	return &inventoryv1.ListWaitingHostKeysResponse{Items: []*inventoryv1.ListWaitingHostKeysResponse_Item{{DeviceName: "cli-core1",
		Key: &inventoryv1.HostKey{Algorithm: "ssh-ed25519", Fingerprint: fakeFingerprint}}}}, nil
}

func (f *fakeDevices) ForgetHostKey(_ context.Context, r *inventoryv1.ForgetHostKeyRequest) (*emptypb.Empty, error) {
	if r.Fingerprint != fakeFingerprint {
		return nil, errs.NotFound("host key", r.Fingerprint)
	}
	return &emptypb.Empty{}, nil
}

func (f *fakeDevices) PlanHostKeyReplacement(_ context.Context, r *inventoryv1.PlanHostKeyReplacementRequest) (*inventoryv1.Device, error) {
	d, err := get[*inventoryv1.Device](f.devices, r.DeviceId)
	if err == nil {
		d.HostKeyWindowUntil = r.Until
	}
	return d, err
}

type fakeSites struct {
	inventoryv1.UnimplementedSiteServiceServer
	*house
}

func (f *fakeSites) ListSites(_ context.Context, r *inventoryv1.ListSitesRequest) (*inventoryv1.ListSitesResponse, error) {
	items, next, err := pageOf[*inventoryv1.Site](f.sites, r.PageSize, r.PageToken, nil)
	return &inventoryv1.ListSitesResponse{Items: items, NextPageToken: next}, err
}

func (f *fakeSites) CreateSite(_ context.Context, r *inventoryv1.CreateSiteRequest) (*inventoryv1.Site, error) {
	if r.Site.GatewayId == "" {
		r.Site.GatewayId = wellknown.LocalGatewayID
	}
	if r.Site.Repository == "" {
		r.Site.Repository = wellknown.Repository
	}
	return create(f.sites, r.Site)
}

func (f *fakeSites) GetSite(_ context.Context, r *inventoryv1.GetSiteRequest) (*inventoryv1.Site, error) {
	return get[*inventoryv1.Site](f.sites, r.Id)
}

func (f *fakeSites) UpdateSite(_ context.Context, r *inventoryv1.UpdateSiteRequest) (*inventoryv1.Site, error) {
	return update(f.sites, r.Site, r.UpdateMask)
}

func (f *fakeSites) DeleteSite(_ context.Context, r *inventoryv1.DeleteSiteRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, remove(f.sites, r.Id)
}

type fakeTags struct {
	inventoryv1.UnimplementedTagServiceServer
}

func (*fakeTags) ListTags(context.Context, *inventoryv1.ListTagsRequest) (*inventoryv1.ListTagsResponse, error) {
	return &inventoryv1.ListTagsResponse{Items: []*inventoryv1.Tag{{Id: "1", Name: "default", DeviceCount: 2}}}, nil
}

type fakePlatforms struct {
	inventoryv1.UnimplementedPlatformServiceServer
	custom map[string]*inventoryv1.Platform
}

func (f *fakePlatforms) ListPlatforms(context.Context, *inventoryv1.ListPlatformsRequest) (*inventoryv1.ListPlatformsResponse, error) {
	out := &inventoryv1.ListPlatformsResponse{Items: []*inventoryv1.Platform{{Id: "cisco_ios", Name: "cisco_ios", Label: "Cisco IOS and IOS XE",
		Aliases: []string{"ios"}, Builtin: true, Origin: inventoryv1.Platform_BUILTIN}}}
	for _, p := range f.custom {
		out.Items = append(out.Items, p)
	}
	return out, nil
}

func (f *fakePlatforms) GetPlatform(_ context.Context, r *inventoryv1.GetPlatformRequest) (*inventoryv1.Platform, error) {
	if p := f.custom[r.Id]; p != nil {
		return p, nil
	}
	if r.Id != "cisco_ios" && r.Id != "ios" {
		return nil, errs.NotFound("platform", r.Id)
	}
	return &inventoryv1.Platform{Id: "cisco_ios", Name: "cisco_ios", Page: "name: cisco_ios\nbackup:\n  - {artifact: running.cfg}\n  - {artifact: facts.txt}\n"}, nil
}

func (f *fakePlatforms) take(text string) (*inventoryv1.Platform, error) {
	p, problems := platforms.Parse("page", []byte(text))
	if p == nil {
		return nil, errs.New(codes.InvalidArgument, "PAGE_INVALID", "%v", problems[0])
	}
	if f.custom == nil {
		f.custom = map[string]*inventoryv1.Platform{}
	}
	f.custom[p.Name] = &inventoryv1.Platform{Id: p.Name, Name: p.Name, Label: p.Label, Aliases: p.Aliases, Page: text, Digest: p.Digest(), Origin: inventoryv1.Platform_API}
	return f.custom[p.Name], nil
}

func (f *fakePlatforms) CreatePlatform(_ context.Context, r *inventoryv1.CreatePlatformRequest) (*inventoryv1.Platform, error) {
	if len(f.custom) > 0 {
		return nil, errs.New(codes.AlreadyExists, "PLATFORM_EXISTS", "there is a custom page")
	}
	return f.take(r.GetPlatform().GetPage())
}

func (f *fakePlatforms) UpdatePlatform(_ context.Context, r *inventoryv1.UpdatePlatformRequest) (*inventoryv1.Platform, error) {
	return f.take(r.GetPlatform().GetPage())
}

func (f *fakePlatforms) DeletePlatform(_ context.Context, r *inventoryv1.DeletePlatformRequest) (*emptypb.Empty, error) {
	if r.Id == "cisco_ios" {
		return nil, errs.New(codes.FailedPrecondition, "PLATFORM_IS_BUILTIN", "it comes with NetRaven")
	}
	delete(f.custom, r.Id)
	return &emptypb.Empty{}, nil
}
