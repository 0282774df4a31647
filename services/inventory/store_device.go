package inventory

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
	"github.com/netraven/netraven/internal/page"
)

func (s *store) listDevices(ctx context.Context, p inventorysql.ListDevicesParams) ([]*inventoryv1.Device, string, error) {
	rows, err := s.q.ListDevices(ctx, p)
	items := make([]*inventoryv1.Device, 0, len(rows))
	for _, r := range rows {
		items = append(items, deviceOf(inventorysql.GetDeviceRow(r)))
	}
	return items, nextDevice(items, p.PageSize), err
}

// listDeleted is listDevices of those that were deleted.
func (s *store) listDeleted(ctx context.Context, p inventorysql.ListDevicesParams) ([]*inventoryv1.Device, string, error) {
	rows, err := s.q.ListDeletedDevices(ctx, inventorysql.ListDeletedDevicesParams(p))
	items := make([]*inventoryv1.Device, 0, len(rows))
	for _, r := range rows {
		items = append(items, deviceOf(inventorysql.GetDeviceRow(r)))
	}
	return items, nextDevice(items, p.PageSize), err
}

// nextDevice is the token after a full page: two devices of different sites can have one name.
func nextDevice(items []*inventoryv1.Device, size int32) string {
	if len(items) < int(size) {
		return ""
	}
	last := items[len(items)-1]
	return page.Token(strings.ToLower(last.GetName()), last.GetId())
}

// restoreDevice takes the tombstone off; what is not deleted stays as it is.
func (s *store) restoreDevice(ctx context.Context, id uuid.UUID, now time.Time) (*inventoryv1.Device, error) {
	if _, err := s.q.RestoreDevice(ctx, inventorysql.RestoreDeviceParams{ID: id, At: now}); err != nil {
		return nil, typed(err, "device", id.String())
	}
	return s.getDevice(ctx, id)
}

func deviceOf(r inventorysql.GetDeviceRow) *inventoryv1.Device {
	d := &inventoryv1.Device{
		Id: r.ID.String(), Name: r.Name, Address: r.Address, Port: r.Port, Platform: r.Platform, SiteId: r.SiteID.String(), Tags: r.Tags,
		Description: r.Description, Notes: r.Notes, Enabled: proto.Bool(r.Enabled), Serial: r.Serial, Model: r.Model, OsVersion: r.OsVersion, Hostname: r.Hostname, Source: r.Source,
		Ssh:        sshOf(r.Legacy, r.HostKeyPolicy, r.Newline, r.TerminalColumns, r.TerminalRows, r.KeepaliveSeconds),
		LastSeenAt: timeOf(r.LastSeenAt), LastBackupAt: timeOf(r.LastBackupAt), CreatedAt: timestamppb.New(r.CreatedAt), UpdatedAt: timestamppb.New(r.UpdatedAt),
	}
	d.Ssh.HostKeyCa, d.HostKeyWindowUntil, d.DeletedAt = r.HostKeyCa, timeOf(r.HostKeyWindow), timeOf(r.DeletedAt)
	if r.GatewayID != nil {
		d.GatewayId = r.GatewayID.String()
	}
	if r.JumpHostID != nil {
		d.JumpHostId = r.JumpHostID.String()
	}
	return d
}

func (s *store) getDevice(ctx context.Context, id uuid.UUID) (*inventoryv1.Device, error) {
	r, err := s.q.GetDevice(ctx, id)
	return deviceOf(r), typed(err, "device", id.String())
}

func (s *store) createDevice(ctx context.Context, d device, source string, now time.Time) (*inventoryv1.Device, error) {
	var out *inventoryv1.Device
	err := s.tx(ctx, func(q *inventorysql.Queries) error {
		if err := lockJumpHosts(ctx, q, d.jumpHost); err != nil {
			return err
		}
		if err := q.CreateDevice(ctx, inventorysql.CreateDeviceParams{
			ID: d.id, Name: d.msg.GetName(), SiteID: d.siteID, Address: d.msg.GetAddress(), Port: d.msg.GetPort(), Platform: d.msg.GetPlatform(), GatewayID: d.gateway,
			Description: d.msg.GetDescription(), Notes: d.msg.GetNotes(), Enabled: d.enabled, Source: source, Legacy: d.msg.GetSsh().GetLegacy(),
			HostKeyPolicy: d.msg.GetSsh().GetHostKeyPolicy().String(), Newline: newlineText(d.msg.GetSsh().GetNewline()),
			TerminalColumns: d.msg.GetSsh().GetTerminalColumns(), TerminalRows: d.msg.GetSsh().GetTerminalRows(),
			KeepaliveSeconds: d.msg.GetSsh().KeepaliveSeconds, HostKeyCa: d.msg.GetSsh().GetHostKeyCa(), JumpHostID: d.jumpHost,
			CreatedAt: now,
		}); err != nil {
			return err
		}
		if err := authorityThere(ctx, q, d); err != nil {
			return err
		}
		if err := oneJumpHost(ctx, q); err != nil {
			return err
		}
		if err := setTags(ctx, q, []device{d}, false); err != nil {
			return err
		}
		r, err := q.GetDevice(ctx, d.id)
		out = deviceOf(r)
		return err
	})
	return out, typed(err, "device", d.id.String())
}

// updateDevice reads a device under its lock, lets change decide, and writes what it answers.
func (s *store) updateDevice(ctx context.Context, id uuid.UUID, now time.Time, change func(*inventoryv1.Device) (device, error)) (*inventoryv1.Device, error) {
	var out *inventoryv1.Device
	err := s.tx(ctx, func(q *inventorysql.Queries) error {
		if _, err := q.LockDevice(ctx, id); err != nil {
			return err
		}
		r, err := q.GetDevice(ctx, id)
		if err != nil {
			return err
		}
		d, err := change(deviceOf(r))
		if err != nil {
			return err
		}
		if err := lockJumpHosts(ctx, q, d.jumpHost); err != nil {
			return err
		}
		if _, err := q.UpdateDevice(ctx, inventorysql.UpdateDeviceParams{
			ID: id, Name: d.msg.GetName(), SiteID: d.siteID, Address: d.msg.GetAddress(), Port: d.msg.GetPort(), Platform: d.msg.GetPlatform(), GatewayID: d.gateway,
			Description: d.msg.GetDescription(), Notes: d.msg.GetNotes(), Enabled: d.enabled, Legacy: d.msg.GetSsh().GetLegacy(),
			HostKeyPolicy: d.msg.GetSsh().GetHostKeyPolicy().String(), Newline: newlineText(d.msg.GetSsh().GetNewline()),
			TerminalColumns: d.msg.GetSsh().GetTerminalColumns(), TerminalRows: d.msg.GetSsh().GetTerminalRows(),
			KeepaliveSeconds: d.msg.GetSsh().KeepaliveSeconds, HostKeyCa: d.msg.GetSsh().GetHostKeyCa(), JumpHostID: d.jumpHost,
			UpdatedAt: now,
		}); err != nil {
			return err
		}
		if err := authorityThere(ctx, q, d); err != nil {
			return err
		}
		if err := oneJumpHost(ctx, q); err != nil {
			return err
		}
		if err := setTags(ctx, q, []device{d}, true); err != nil {
			return err
		}
		r, err = q.GetDevice(ctx, id)
		out = deviceOf(r)
		return err
	})
	return out, typed(err, "device", id.String())
}

// authorityThere refuses a device that trusts certificates where no authority is named.
func authorityThere(ctx context.Context, q *inventorysql.Queries, d device) error {
	if d.msg.GetSsh().GetHostKeyPolicy() != inventoryv1.Device_Ssh_CA || d.msg.GetSsh().GetHostKeyCa() != "" {
		return nil
	}
	if has, err := q.SiteHasCA(ctx, d.siteID); err != nil || has {
		return err
	}
	return authorityMissing()
}

// setTags gives the devices their tags, making tags that are new. replace takes the old ones off first.
func setTags(ctx context.Context, q *inventorysql.Queries, devices []device, replace bool) error {
	var add inventorysql.AddTagsParams
	var create inventorysql.CreateTagsParams
	ids := make([]uuid.UUID, 0, len(devices))
	seen := map[string]bool{}
	for _, d := range devices {
		ids = append(ids, d.id)
		for _, t := range d.tags {
			add.DeviceIds, add.Names = append(add.DeviceIds, d.id), append(add.Names, t)
			if key := strings.ToLower(t); !seen[key] {
				seen[key] = true
				create.Ids, create.Names = append(create.Ids, newID()), append(create.Names, t)
			}
		}
	}
	if replace {
		if err := q.RemoveTags(ctx, ids); err != nil {
			return err
		}
	}
	if err := q.CreateTags(ctx, create); err != nil {
		return err
	}
	return q.AddTags(ctx, add)
}

func (s *store) deleteDevice(ctx context.Context, id uuid.UUID, now time.Time) error {
	err := s.tx(ctx, func(q *inventorysql.Queries) error {
		if err := q.LockJumpHosts(ctx); err != nil {
			return err
		}
		n, err := q.DeleteDevice(ctx, inventorysql.DeleteDeviceParams{ID: id, DeletedAt: now})
		switch {
		case err != nil:
			return err
		case n == 0:
			return pgx.ErrNoRows
		}
		if is, err := q.IsJumpHost(ctx, id); err != nil || is {
			return cmp.Or(err, deviceIsJumpHost())
		}
		return q.ForgetJumpHost(ctx, id)
	})
	return typed(err, "device", id.String())
}
