package inventory

import (
	"context"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
	"github.com/netraven/netraven/internal/wellknown"
)

// ListSites pages through the sites by name.
func (s *Service) ListSites(ctx context.Context, in *inventoryv1.ListSitesRequest) (*inventoryv1.ListSitesResponse, error) {
	after, err := afterName(in.GetPageToken())
	if err != nil {
		return nil, err
	}
	items, next, err := s.store.listSites(ctx, after, page.Size(in.GetPageSize()))
	return &inventoryv1.ListSitesResponse{Items: items, NextPageToken: next}, err
}

// CreateSite adds a site.
func (s *Service) CreateSite(ctx context.Context, in *inventoryv1.CreateSiteRequest) (*inventoryv1.Site, error) {
	name, err := checkName("name", in.GetSite().GetName())
	if err != nil {
		return nil, err
	}
	gateway, err := checkGateway("gateway_id", in.GetSite().GetGatewayId())
	if err != nil {
		return nil, err
	}
	authorities, err := checkAuthorities("host_key_ca", in.GetSite().GetHostKeyCa())
	if err != nil {
		return nil, err
	}
	host, err := checkJumpHost(in.GetSite().GetJumpHostId(), uuid.Nil)
	if err != nil {
		return nil, err
	}
	repository, err := checkRepository("repository", in.GetSite().GetRepository())
	if err != nil {
		return nil, err
	}
	return s.store.createSite(ctx, inventorysql.CreateSiteParams{ID: newID(), Name: name, GatewayID: gateway, CreatedAt: s.now(), HostKeyCa: authorities,
		JumpHostID: host, Repository: repository})
}

// GetSite answers one site.
func (s *Service) GetSite(ctx context.Context, in *inventoryv1.GetSiteRequest) (*inventoryv1.Site, error) {
	id, err := parseID("site", in.GetId())
	if err != nil {
		return nil, err
	}
	return s.store.getSite(ctx, id)
}

// UpdateSite changes the fields of the mask.
func (s *Service) UpdateSite(ctx context.Context, in *inventoryv1.UpdateSiteRequest) (*inventoryv1.Site, error) {
	id, err := parseID("site", in.GetSite().GetId())
	if err != nil {
		return nil, err
	}
	p := inventorysql.UpdateSiteParams{ID: id, UpdatedAt: s.now()}
	for _, path := range in.GetUpdateMask().GetPaths() {
		switch path {
		case "id":
		case "name":
			name, err := checkName("name", in.GetSite().GetName())
			if err != nil {
				return nil, err
			}
			p.Name = &name
		case "gateway_id":
			gateway, err := checkGateway("gateway_id", in.GetSite().GetGatewayId())
			if err != nil {
				return nil, err
			}
			p.GatewayID = &gateway
		case "host_key_ca":
			authorities, err := checkAuthorities("host_key_ca", in.GetSite().GetHostKeyCa())
			if err != nil {
				return nil, err
			}
			p.HostKeyCa = &authorities
		case "jump_host_id":
			host, err := checkJumpHost(in.GetSite().GetJumpHostId(), uuid.Nil)
			if err != nil {
				return nil, err
			}
			p.JumpHostID, p.SetJumpHost = host, true
		case "repository":
			repository, err := checkRepository("repository", in.GetSite().GetRepository())
			if err != nil {
				return nil, err
			}
			p.Repository = &repository
		default:
			return nil, unknownField(path)
		}
	}
	return s.store.updateSite(ctx, p)
}

// DeleteSite removes an empty site.
func (s *Service) DeleteSite(ctx context.Context, in *inventoryv1.DeleteSiteRequest) (*emptypb.Empty, error) {
	id, err := parseID("site", in.GetId())
	if err != nil {
		return nil, err
	}
	if id.String() == wellknown.DefaultSiteID {
		return nil, errs.New(codes.FailedPrecondition, "SITE_IS_DEFAULT", "the site default always exists")
	}
	return &emptypb.Empty{}, s.store.deleteSite(ctx, id)
}

// checkGateway reads a gateway's id; none is the gateway `local`.
func checkGateway(field, id string) (uuid.UUID, error) {
	if id == "" {
		return uuid.MustParse(wellknown.LocalGatewayID), nil
	}
	u, err := uuid.Parse(id)
	if err != nil {
		return uuid.Nil, gatewayUnknown(field)
	}
	return u, nil
}

// checkRepository answers the name of a git repository; none is that of all sites that are not kept apart.
func checkRepository(field, name string) (string, error) {
	if name == "" {
		return wellknown.Repository, nil
	}
	if !wellknown.IsRepository(name) {
		const help = "must begin with a lower-case letter or digit and hold nothing but these and -, at most 63 characters"
		return "", errs.New(codes.InvalidArgument, "REPOSITORY_INVALID", "%s: %s", field, help).Field(field, "REPOSITORY_INVALID", help)
	}
	return name, nil
}

func gatewayUnknown(field string) error {
	const help = "there is no such gateway; GET /api/v1/gateways lists them"
	return errs.New(codes.InvalidArgument, "GATEWAY_UNKNOWN", "%s: %s", field, help).Field(field, "GATEWAY_UNKNOWN", help)
}

func siteUnknown(field string) error {
	const help = "there is no such site; GET /api/v1/sites lists them"
	return errs.New(codes.InvalidArgument, "SITE_UNKNOWN", "%s: %s", field, help).Field(field, "SITE_UNKNOWN", help)
}
