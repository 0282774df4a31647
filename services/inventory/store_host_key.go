package inventory

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
	"github.com/netraven/netraven/internal/page"
)

func (s *store) acceptHostKey(ctx context.Context, device uuid.UUID, fingerprint, by string) (*inventoryv1.HostKey, error) {
	r, err := s.q.AcceptHostKey(ctx, inventorysql.AcceptHostKeyParams{DeviceID: device, Fingerprint: fingerprint, AcceptedBy: by})
	return hostKeyOf(inventorysql.ListHostKeysRow(r)), typed(err, "host key", fingerprint)
}

func (s *store) forgetHostKey(ctx context.Context, device uuid.UUID, fingerprint string) error {
	n, err := s.q.ForgetHostKey(ctx, inventorysql.ForgetHostKeyParams{DeviceID: device, Fingerprint: fingerprint})
	if err == nil && n == 0 {
		err = pgx.ErrNoRows
	}
	return typed(err, "host key", fingerprint)
}

// setHostKeyWindow opens a window, or with a nil end closes it.
func (s *store) setHostKeyWindow(ctx context.Context, device uuid.UUID, until *time.Time, by string) (*inventoryv1.Device, error) {
	if until == nil {
		by = ""
	}
	n, err := s.q.SetHostKeyWindow(ctx, inventorysql.SetHostKeyWindowParams{ID: device, HostKeyWindow: until, HostKeyWindowBy: by})
	if err == nil && n == 0 {
		err = pgx.ErrNoRows
	}
	if err != nil {
		return nil, typed(err, "device", device.String())
	}
	return s.getDevice(ctx, device)
}

func (s *store) waitingHostKeys(ctx context.Context, p inventorysql.ListWaitingHostKeysParams) ([]*inventoryv1.ListWaitingHostKeysResponse_Item, string, error) {
	rows, err := s.q.ListWaitingHostKeys(ctx, p)
	items := make([]*inventoryv1.ListWaitingHostKeysResponse_Item, 0, len(rows))
	for _, r := range rows {
		items = append(items, &inventoryv1.ListWaitingHostKeysResponse_Item{DeviceName: r.DeviceName, Key: hostKeyOf(inventorysql.ListHostKeysRow{
			DeviceID: r.DeviceID, Fingerprint: r.Fingerprint, Algorithm: r.Algorithm, State: r.State, FirstSeenAt: r.FirstSeenAt, LastSeenAt: r.LastSeenAt,
			AcceptedBy: r.AcceptedBy})})
	}
	next := ""
	if len(items) == int(p.PageSize) {
		last := items[len(items)-1]
		next = page.Token(strings.ToLower(last.GetDeviceName()), last.GetKey().GetDeviceId())
	}
	return items, next, err
}
