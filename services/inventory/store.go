package inventory

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
)

// store is inventory's schema. Safe for concurrent use.
type store struct {
	pool *pgxpool.Pool
	q    *inventorysql.Queries
}

func newStore(pool *pgxpool.Pool) *store { return &store{pool: pool, q: inventorysql.New(pool)} }

// tx runs fn in one transaction, which commits if fn answers nil.
func (s *store) tx(ctx context.Context, fn func(*inventorysql.Queries) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return fn(s.q.WithTx(tx)) })
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// typed turns the database's refusals into errors that say what to do. noun and id are for rows that are not there.
func typed(err error, noun, id string) error {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		return errs.NotFound(noun, id)
	case !errors.As(err, &pg):
		return err
	}
	switch pg.ConstraintName {
	case "gateway_name_key":
		return errs.New(codes.AlreadyExists, "GATEWAY_EXISTS", "a gateway of that name exists; names ignore case").Wrap(err)
	case "site_name_key":
		return errs.New(codes.AlreadyExists, "SITE_EXISTS", "a site of that name exists; names ignore case").Wrap(err)
	case "device_name_key":
		return errs.New(codes.AlreadyExists, "DEVICE_EXISTS", "a device of that name exists at that site; names ignore case").Wrap(err)
	case "site_gateway_fk", "device_gateway_fk":
		if noun == "gateway" {
			return errs.New(codes.FailedPrecondition, "GATEWAY_IN_USE", "sites or devices still use the gateway; move them first").Wrap(err)
		}
		return gatewayUnknown("gateway_id")
	case "device_site_fk":
		if noun == "site" {
			return errs.New(codes.FailedPrecondition, "SITE_IN_USE", "the site still has devices; move or delete them first").Wrap(err)
		}
		return siteUnknown("site_id")
	}
	return err
}

func (s *store) listGateways(ctx context.Context, after string, size int32) ([]*inventoryv1.Gateway, string, error) {
	rows, err := s.q.ListGateways(ctx, inventorysql.ListGatewaysParams{AfterName: after, PageSize: size})
	items := make([]*inventoryv1.Gateway, 0, len(rows))
	for _, r := range rows {
		items = append(items, gatewayOf(r))
	}
	return items, nextName(items, size), err
}

func gatewayOf(r inventorysql.Gateway) *inventoryv1.Gateway {
	return &inventoryv1.Gateway{Id: r.ID.String(), Name: r.Name, MaxSessions: r.MaxSessions, LoginsPerSecond: r.LoginsPerSecond,
		CreatedAt: timestamppb.New(r.CreatedAt), UpdatedAt: timestamppb.New(r.UpdatedAt)}
}

// nextName is the token after a full page of things sorted by name.
func nextName[T interface{ GetName() string }](items []T, size int32) string {
	if len(items) < int(size) {
		return ""
	}
	return page.Token(strings.ToLower(items[len(items)-1].GetName()))
}

func (s *store) getGateway(ctx context.Context, id uuid.UUID) (*inventoryv1.Gateway, error) {
	r, err := s.q.GetGateway(ctx, id)
	return gatewayOf(r), typed(err, "gateway", id.String())
}

func (s *store) createGateway(ctx context.Context, p inventorysql.CreateGatewayParams) (*inventoryv1.Gateway, error) {
	r, err := s.q.CreateGateway(ctx, p)
	return gatewayOf(r), typed(err, "gateway", p.ID.String())
}

func (s *store) updateGateway(ctx context.Context, p inventorysql.UpdateGatewayParams) (*inventoryv1.Gateway, error) {
	r, err := s.q.UpdateGateway(ctx, p)
	return gatewayOf(r), typed(err, "gateway", p.ID.String())
}

func (s *store) deleteGateway(ctx context.Context, id uuid.UUID) error {
	err := s.tx(ctx, func(q *inventorysql.Queries) error {
		if err := q.ForgetGatewayOfDeleted(ctx, &id); err != nil {
			return err
		}
		n, err := q.DeleteGateway(ctx, id)
		if err == nil && n == 0 {
			return pgx.ErrNoRows
		}
		return err
	})
	return typed(err, "gateway", id.String())
}

func (s *store) listTags(ctx context.Context, after string, size int32) ([]*inventoryv1.Tag, string, error) {
	rows, err := s.q.ListTags(ctx, inventorysql.ListTagsParams{AfterName: after, PageSize: size})
	items := make([]*inventoryv1.Tag, 0, len(rows))
	for _, r := range rows {
		items = append(items, &inventoryv1.Tag{Id: r.ID.String(), Name: r.Name, DeviceCount: r.DeviceCount})
	}
	return items, nextName(items, size), err
}

func timeOf(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}
