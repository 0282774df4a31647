package inventory

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/emptypb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
	"github.com/netraven/netraven/internal/wellknown"
)

// ListDevices pages through the devices by name.
func (s *Service) ListDevices(ctx context.Context, in *inventoryv1.ListDevicesRequest) (*inventoryv1.ListDevicesResponse, error) {
	p := inventorysql.ListDevicesParams{NamePart: in.GetName(), Tags: lowered(in.GetTags()), PageSize: page.Size(in.GetPageSize())}
	parts, err := page.Parse(in.GetPageToken(), 2)
	if err != nil {
		return nil, err
	}
	if parts != nil {
		p.AfterName = parts[0]
		if p.AfterID, err = uuid.Parse(parts[1]); err != nil {
			return nil, errs.Invalid("page_token", "INVALID", "use next_page_token of the page before")
		}
	}
	if in.GetPlatform() != "" {
		shelf, err := s.pages.now(ctx, s.store.q)
		if err != nil {
			return nil, err
		}
		if p.Platform, err = shelf.check("platform", in.GetPlatform()); err != nil {
			return nil, err
		}
	}
	if in.GetSiteId() != "" {
		site, err := uuid.Parse(in.GetSiteId())
		if err != nil {
			return nil, siteUnknown("site_id")
		}
		p.SiteID = &site
	}
	list := s.store.listDevices
	if in.GetDeleted() {
		list = s.store.listDeleted
	}
	items, next, err := list(ctx, p)
	return &inventoryv1.ListDevicesResponse{Items: items, NextPageToken: next}, err
}

func lowered(names []string) []string {
	out := make([]string, 0, len(names))
	for _, n := range names {
		out = append(out, strings.ToLower(strings.TrimSpace(n)))
	}
	return out
}

// CreateDevice adds a device.
func (s *Service) CreateDevice(ctx context.Context, in *inventoryv1.CreateDeviceRequest) (*inventoryv1.Device, error) {
	shelf, err := s.pages.now(ctx, s.store.q)
	if err != nil {
		return nil, err
	}
	d, err := checkDevice(in.GetDevice(), shelf)
	if err != nil {
		return nil, err
	}
	d.id = newID()
	return s.store.createDevice(ctx, d, "api", s.now())
}

// GetDevice answers one device.
func (s *Service) GetDevice(ctx context.Context, in *inventoryv1.GetDeviceRequest) (*inventoryv1.Device, error) {
	id, err := parseID("device", in.GetId())
	if err != nil {
		return nil, err
	}
	return s.store.getDevice(ctx, id)
}

// UpdateDevice changes the fields of the mask. The rest is read and written in one transaction, so that two updates of different fields do not undo each
// other.
func (s *Service) UpdateDevice(ctx context.Context, in *inventoryv1.UpdateDeviceRequest) (*inventoryv1.Device, error) {
	id, err := parseID("device", in.GetDevice().GetId())
	if err != nil {
		return nil, err
	}
	shelf, err := s.pages.now(ctx, s.store.q)
	if err != nil {
		return nil, err
	}
	return s.store.updateDevice(ctx, id, s.now(), func(now *inventoryv1.Device) (device, error) {
		if err := merge(now, in.GetDevice(), in.GetUpdateMask().GetPaths()); err != nil {
			return device{}, err
		}
		d, err := checkDevice(now, shelf)
		d.id = id
		return d, err
	})
}

// merge puts the masked fields of sent over now.
func merge(now, sent *inventoryv1.Device, paths []string) error {
	if now.Ssh == nil {
		now.Ssh = &inventoryv1.Device_Ssh{}
	}
	for _, path := range paths {
		switch path {
		case "id":
		case "name":
			now.Name = sent.GetName()
		case "address":
			now.Address = sent.GetAddress()
		case "port":
			now.Port = sent.GetPort()
		case "platform":
			now.Platform = sent.GetPlatform()
		case "site_id":
			now.SiteId = sent.GetSiteId()
		case "gateway_id":
			now.GatewayId = sent.GetGatewayId()
		case "tags":
			now.Tags = sent.GetTags()
		case "description":
			now.Description = sent.GetDescription()
		case "notes":
			now.Notes = sent.GetNotes()
		case "enabled":
			now.Enabled = sent.Enabled
		case "jump_host_id":
			now.JumpHostId = sent.GetJumpHostId()
		case "ssh":
			now.Ssh = sent.GetSsh()
		default:
			option, ok := strings.CutPrefix(path, "ssh.")
			if !ok || !mergeSSH(now.Ssh, sent.GetSsh(), option) {
				return unknownField(path)
			}
		}
	}
	return nil
}

// RestoreDevice brings a deleted device back.
func (s *Service) RestoreDevice(ctx context.Context, in *inventoryv1.RestoreDeviceRequest) (*inventoryv1.Device, error) {
	id, err := parseID("device", in.GetId())
	if err != nil {
		return nil, err
	}
	return s.store.restoreDevice(ctx, id, s.now())
}

// DeleteDevice leaves a tombstone.
func (s *Service) DeleteDevice(ctx context.Context, in *inventoryv1.DeleteDeviceRequest) (*emptypb.Empty, error) {
	id, err := parseID("device", in.GetId())
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, s.store.deleteDevice(ctx, id, s.now())
}

// device is a checked device on its way into the store.
type device struct {
	id      uuid.UUID
	siteID  uuid.UUID
	gateway *uuid.UUID
	tags    []string
	enabled bool
	// jumpHost is nil for the site's, or none.
	jumpHost *uuid.UUID
	msg      *inventoryv1.Device
}

// checkDevice answers the device with defaults filled in, or what is wrong with its first wrong field.
func checkDevice(in *inventoryv1.Device, shelf *shelf) (device, error) {
	if in == nil {
		return device{}, errs.Invalid("device", "MISSING", "send the device")
	}
	d := device{msg: &inventoryv1.Device{Description: in.GetDescription(), Notes: in.GetNotes()}}
	var err error
	if d.msg.Name, err = checkName("name", in.GetName()); err != nil {
		return d, err
	}
	if d.msg.Address, err = checkAddress("address", in.GetAddress()); err != nil {
		return d, err
	}
	if d.msg.Port, err = checkPort("port", in.GetPort()); err != nil {
		return d, err
	}
	if d.msg.Platform, err = shelf.check("platform", in.GetPlatform()); err != nil {
		return d, err
	}
	if d.siteID, err = checkSite(in.GetSiteId()); err != nil {
		return d, err
	}
	if in.GetGatewayId() != "" {
		gateway, err := checkGateway("gateway_id", in.GetGatewayId())
		if err != nil {
			return d, err
		}
		d.gateway = &gateway
	}
	self, _ := uuid.Parse(in.GetId())
	if d.jumpHost, err = checkJumpHost(in.GetJumpHostId(), self); err != nil {
		return d, err
	}
	if d.tags, err = checkTags("tags", in.GetTags()); err != nil {
		return d, err
	}
	for field, text := range map[string]string{"description": in.GetDescription(), "notes": in.GetNotes()} {
		if err := checkText(field, text); err != nil {
			return d, err
		}
	}
	d.enabled = in.Enabled == nil || in.GetEnabled()
	d.msg.Ssh, err = checkSSH(in.GetSsh())
	return d, err
}

func checkSite(id string) (uuid.UUID, error) {
	if id == "" {
		return uuid.MustParse(wellknown.DefaultSiteID), nil
	}
	u, err := uuid.Parse(id)
	if err != nil {
		return uuid.Nil, siteUnknown("site_id")
	}
	return u, nil
}
