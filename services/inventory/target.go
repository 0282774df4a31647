package inventory

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
	"github.com/netraven/netraven/internal/errs"
)

// pageOfDevices is how many devices one message carries, and how many ids one request may.
const pageOfDevices = 1000

// ResolveSelection streams the enabled devices of a selection.
func (s *Service) ResolveSelection(in *inventoryv1.ResolveSelectionRequest, out grpc.ServerStreamingServer[inventoryv1.ResolveSelectionResponse]) error {
	p := inventorysql.ResolveSelectionParams{Tags: lowered(in.GetSelection().GetTags()), PageSize: pageOfDevices}
	var err error
	if p.DeviceIds, err = parseIDs("device_ids", in.GetSelection().GetDeviceIds()); err != nil {
		return err
	}
	if p.SiteIds, err = parseIDs("site_ids", in.GetSelection().GetSiteIds()); err != nil {
		return err
	}
	for {
		items, err := s.store.resolve(out.Context(), p)
		if err != nil {
			return err
		}
		if len(items) > 0 {
			if err := out.Send(&inventoryv1.ResolveSelectionResponse{Items: items}); err != nil {
				return err
			}
		}
		if len(items) < pageOfDevices {
			return nil
		}
		if p.AfterID, err = uuid.Parse(items[len(items)-1].GetDeviceId()); err != nil {
			return err
		}
	}
}

// GetTargets answers what attempts at devices need. It keeps the pages it names, so that they can be had by digest later.
func (s *Service) GetTargets(ctx context.Context, in *inventoryv1.GetTargetsRequest) (*inventoryv1.GetTargetsResponse, error) {
	if len(in.GetDeviceIds()) > pageOfDevices {
		return nil, errs.New(codes.InvalidArgument, "TOO_MANY", "at most %d devices at once", pageOfDevices)
	}
	ids, err := parseIDs("device_ids", in.GetDeviceIds())
	if err != nil {
		return nil, err
	}
	items, err := s.store.targets(ctx, ids)
	if err != nil {
		return nil, err
	}
	shelf, err := s.pages.now(ctx, s.store.q)
	if err != nil {
		return nil, err
	}
	for _, t := range items {
		if t.PageDigest, err = s.keepPage(ctx, shelf, t.GetPlatform()); err != nil {
			return nil, err
		}
	}
	return &inventoryv1.GetTargetsResponse{Items: items}, nil
}

// keepPage answers the digest of a platform's page, and records the page the first time this process names it.
func (s *Service) keepPage(ctx context.Context, shelf *shelf, platform string) (string, error) {
	p, ok := shelf.Lookup(platform)
	if !ok { // a device can keep a platform that there no longer is
		return "", nil
	}
	if _, done := s.kept.Load(p.Digest()); !done {
		if err := s.store.putPage(ctx, p.Digest(), p.Name, p.Source(), s.now()); err != nil {
			return "", err
		}
		s.kept.Store(p.Digest(), true)
	}
	return p.Digest(), nil
}

// GetPages answers pages by digest.
func (s *Service) GetPages(ctx context.Context, in *inventoryv1.GetPagesRequest) (*inventoryv1.GetPagesResponse, error) {
	rows, err := s.store.q.GetPages(ctx, in.GetDigests())
	out := &inventoryv1.GetPagesResponse{}
	for _, r := range rows {
		out.Items = append(out.Items, &inventoryv1.GetPagesResponse_Item{Digest: r.Digest, Page: r.Page})
	}
	return out, err
}

// ListGatewayCaps answers every gateway's caps.
func (s *Service) ListGatewayCaps(ctx context.Context, _ *inventoryv1.ListGatewayCapsRequest) (*inventoryv1.ListGatewayCapsResponse, error) {
	out := &inventoryv1.ListGatewayCapsResponse{}
	for after := ""; ; {
		items, next, err := s.store.listGateways(ctx, after, pageOfDevices)
		if err != nil {
			return nil, err
		}
		for _, g := range items {
			out.Items = append(out.Items, &inventoryv1.ListGatewayCapsResponse_Item{GatewayId: g.GetId(), Name: g.GetName(), MaxSessions: g.GetMaxSessions(),
				LoginsPerSecond: g.GetLoginsPerSecond()})
		}
		if next == "" {
			return out, nil
		}
		if after, err = afterName(next); err != nil {
			return nil, err
		}
	}
}

// DescribeDevices answers what people call devices. A platform that nobody knows matches none.
func (s *Service) DescribeDevices(ctx context.Context, in *inventoryv1.DescribeDevicesRequest) (*inventoryv1.DescribeDevicesResponse, error) {
	if len(in.GetDeviceIds()) > pageOfDevices {
		return nil, errs.New(codes.InvalidArgument, "TOO_MANY", "at most %d devices at once", pageOfDevices)
	}
	p := inventorysql.DescribeDevicesParams{Tags: lowered(in.GetTags()), Platforms: []string{}, WithDeleted: in.GetWithDeleted()}
	var err error
	if p.Ids, err = parseIDs("device_ids", in.GetDeviceIds()); err != nil {
		return nil, err
	}
	if p.SiteIds, err = parseIDs("site_ids", in.GetSiteIds()); err != nil {
		return nil, err
	}
	shelf, err := s.pages.now(ctx, s.store.q)
	if err != nil {
		return nil, err
	}
	for _, name := range in.GetPlatforms() {
		known, err := shelf.check("platforms", name)
		if err != nil {
			known = name
		}
		p.Platforms = append(p.Platforms, known)
	}
	items, err := s.store.describe(ctx, p)
	return &inventoryv1.DescribeDevicesResponse{Items: items}, err
}
