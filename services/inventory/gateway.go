package inventory

import (
	"context"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
	"github.com/netraven/netraven/internal/wellknown"
)

const (
	defaultMaxSessions     = 50
	defaultLoginsPerSecond = 20
)

// ListGateways pages through the gateways by name.
func (s *Service) ListGateways(ctx context.Context, in *inventoryv1.ListGatewaysRequest) (*inventoryv1.ListGatewaysResponse, error) {
	after, err := afterName(in.GetPageToken())
	if err != nil {
		return nil, err
	}
	items, next, err := s.store.listGateways(ctx, after, page.Size(in.GetPageSize()))
	return &inventoryv1.ListGatewaysResponse{Items: items, NextPageToken: next}, err
}

// CreateGateway adds a gateway.
func (s *Service) CreateGateway(ctx context.Context, in *inventoryv1.CreateGatewayRequest) (*inventoryv1.Gateway, error) {
	g := in.GetGateway()
	name, err := checkName("name", g.GetName())
	if err != nil {
		return nil, err
	}
	sessions, err := checkLimit("max_sessions", g.GetMaxSessions(), defaultMaxSessions)
	if err != nil {
		return nil, err
	}
	logins, err := checkLimit("logins_per_second", g.GetLoginsPerSecond(), defaultLoginsPerSecond)
	if err != nil {
		return nil, err
	}
	return s.store.createGateway(ctx, inventorysql.CreateGatewayParams{ID: newID(), Name: name, MaxSessions: sessions, LoginsPerSecond: logins, CreatedAt: s.now()})
}

// GetGateway answers one gateway.
func (s *Service) GetGateway(ctx context.Context, in *inventoryv1.GetGatewayRequest) (*inventoryv1.Gateway, error) {
	id, err := parseID("gateway", in.GetId())
	if err != nil {
		return nil, err
	}
	return s.store.getGateway(ctx, id)
}

// UpdateGateway changes the fields of the mask.
func (s *Service) UpdateGateway(ctx context.Context, in *inventoryv1.UpdateGatewayRequest) (*inventoryv1.Gateway, error) {
	id, err := parseID("gateway", in.GetGateway().GetId())
	if err != nil {
		return nil, err
	}
	p := inventorysql.UpdateGatewayParams{ID: id, UpdatedAt: s.now()}
	for _, path := range in.GetUpdateMask().GetPaths() {
		switch path {
		case "id":
		case "name":
			name, err := checkName("name", in.GetGateway().GetName())
			if err != nil {
				return nil, err
			}
			p.Name = &name
		case "max_sessions":
			n, err := checkLimit("max_sessions", in.GetGateway().GetMaxSessions(), defaultMaxSessions)
			if err != nil {
				return nil, err
			}
			p.MaxSessions = &n
		case "logins_per_second":
			n, err := checkLimit("logins_per_second", in.GetGateway().GetLoginsPerSecond(), defaultLoginsPerSecond)
			if err != nil {
				return nil, err
			}
			p.LoginsPerSecond = &n
		default:
			return nil, unknownField(path)
		}
	}
	return s.store.updateGateway(ctx, p)
}

// DeleteGateway removes an unused gateway.
func (s *Service) DeleteGateway(ctx context.Context, in *inventoryv1.DeleteGatewayRequest) (*emptypb.Empty, error) {
	id, err := parseID("gateway", in.GetId())
	if err != nil {
		return nil, err
	}
	if id.String() == wellknown.LocalGatewayID {
		return nil, errs.New(codes.FailedPrecondition, "GATEWAY_IS_LOCAL", "the gateway local is the server itself and always exists")
	}
	return &emptypb.Empty{}, s.store.deleteGateway(ctx, id)
}
