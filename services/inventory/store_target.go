package inventory

import (
	"context"
	"time"

	"github.com/google/uuid"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
)

func (s *store) resolve(ctx context.Context, p inventorysql.ResolveSelectionParams) ([]*inventoryv1.ResolveSelectionResponse_Item, error) {
	rows, err := s.q.ResolveSelection(ctx, p)
	items := make([]*inventoryv1.ResolveSelectionResponse_Item, 0, len(rows))
	for _, r := range rows {
		items = append(items, &inventoryv1.ResolveSelectionResponse_Item{DeviceId: r.ID.String(), DeviceName: r.Name, SiteId: r.SiteID.String(),
			GatewayId: r.GatewayID.String(), Platform: r.Platform, Tags: r.Tags})
	}
	return items, err
}

func (s *store) targets(ctx context.Context, ids []uuid.UUID) ([]*inventoryv1.Target, error) {
	rows, err := s.q.GetTargets(ctx, ids)
	items := make([]*inventoryv1.Target, 0, len(rows))
	for _, r := range rows {
		items = append(items, targetOf(r))
	}
	if err != nil {
		return nil, err
	}
	return items, s.addJumpHosts(ctx, items)
}

func targetOf(r inventorysql.GetTargetsRow) *inventoryv1.Target {
	t := &inventoryv1.Target{DeviceId: r.ID.String(), DeviceName: r.Name, SiteId: r.SiteID.String(), SiteName: r.SiteName, Repository: r.Repository,
		GatewayId: r.GatewayID.String(), Address: r.Address, Port: r.Port, Platform: r.Platform, HostKeys: r.HostKeys, Tags: r.Tags,
		Ssh:     sshOf(r.Legacy, r.HostKeyPolicy, r.Newline, r.TerminalColumns, r.TerminalRows, r.KeepaliveSeconds),
		HostCas: authoritiesOf(r.HostKeyCa), HostKeyWindowUntil: timeOf(r.HostKeyWindow)}
	if r.JumpHostID != uuid.Nil && r.JumpHostID != r.ID {
		t.JumpHostId = r.JumpHostID.String()
	}
	return t
}

func (s *store) describe(ctx context.Context, p inventorysql.DescribeDevicesParams) ([]*inventoryv1.DescribeDevicesResponse_Item, error) {
	rows, err := s.q.DescribeDevices(ctx, p)
	items := make([]*inventoryv1.DescribeDevicesResponse_Item, 0, len(rows))
	for _, r := range rows {
		items = append(items, &inventoryv1.DescribeDevicesResponse_Item{DeviceId: r.ID.String(), DeviceName: r.Name, SiteId: r.SiteID.String(),
			SiteName: r.SiteName, Platform: r.Platform, DeletedAt: timeOf(r.DeletedAt)})
	}
	return items, err
}

func (s *store) putPage(ctx context.Context, digest, platform string, page []byte, now time.Time) error {
	return s.q.PutPage(ctx, inventorysql.PutPageParams{Digest: digest, Platform: platform, Page: page, CreatedAt: now})
}

const maxFact = 200

// factOf is a fact as a device told it, made safe for a text column.
func factOf(o *inventoryv1.ReportObservationsRequest_Item, name string) string {
	clean := make([]rune, 0, maxFact)
	for _, r := range o.GetFacts()[name] {
		if r >= ' ' && r != 0x7f && len(clean) < maxFact {
			clean = append(clean, r)
		}
	}
	return string(clean)
}
