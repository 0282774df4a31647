package inventory

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
	"github.com/netraven/netraven/internal/wellknown"
)

func (s *store) listSites(ctx context.Context, after string, size int32) ([]*inventoryv1.Site, string, error) {
	rows, err := s.q.ListSites(ctx, inventorysql.ListSitesParams{AfterName: after, PageSize: size})
	items := make([]*inventoryv1.Site, 0, len(rows))
	for _, r := range rows {
		items = append(items, siteOf(r))
	}
	return items, nextName(items, size), err
}

func siteOf(r inventorysql.Site) *inventoryv1.Site {
	out := &inventoryv1.Site{Id: r.ID.String(), Name: r.Name, GatewayId: r.GatewayID.String(), CreatedAt: timestamppb.New(r.CreatedAt), UpdatedAt: timestamppb.New(r.UpdatedAt),
		HostKeyCa: r.HostKeyCa, Repository: r.Repository}
	if r.JumpHostID != nil {
		out.JumpHostId = r.JumpHostID.String()
	}
	return out
}

func (s *store) getSite(ctx context.Context, id uuid.UUID) (*inventoryv1.Site, error) {
	r, err := s.q.GetSite(ctx, id)
	return siteOf(r), typed(err, "site", id.String())
}

func (s *store) createSite(ctx context.Context, p inventorysql.CreateSiteParams) (*inventoryv1.Site, error) {
	var r inventorysql.Site
	err := s.tx(ctx, func(q *inventorysql.Queries) (err error) {
		if err := lockJumpHosts(ctx, q, p.JumpHostID); err != nil {
			return err
		}
		if r, err = q.CreateSite(ctx, p); err != nil {
			return err
		}
		return oneJumpHost(ctx, q)
	})
	return siteOf(r), typed(err, "site", p.ID.String())
}

func (s *store) updateSite(ctx context.Context, p inventorysql.UpdateSiteParams) (*inventoryv1.Site, error) {
	var r inventorysql.Site
	err := s.tx(ctx, func(q *inventorysql.Queries) (err error) {
		if err := lockJumpHosts(ctx, q, p.JumpHostID); err != nil {
			return err
		}
		if r, err = q.UpdateSite(ctx, p); err != nil {
			return err
		}
		if err := oneJumpHost(ctx, q); err != nil || r.HostKeyCa != "" || p.HostKeyCa == nil {
			return err
		}
		used, err := q.SiteCAIsUsed(ctx, p.ID)
		if err == nil && used {
			return authorityInUse()
		}
		return err
	})
	return siteOf(r), typed(err, "site", p.ID.String())
}

func (s *store) deleteSite(ctx context.Context, id uuid.UUID) error {
	err := s.tx(ctx, func(q *inventorysql.Queries) error {
		if err := q.MoveDeletedDevices(ctx, inventorysql.MoveDeletedDevicesParams{FromSite: id, ToSite: uuid.MustParse(wellknown.DefaultSiteID)}); err != nil {
			return err
		}
		n, err := q.DeleteSite(ctx, id)
		if err == nil && n == 0 {
			return pgx.ErrNoRows
		}
		return err
	})
	return typed(err, "site", id.String())
}
