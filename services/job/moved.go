package job

import (
	"context"

	"github.com/google/uuid"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
)

const (
	movedEvery = 10 // ticks of the reaper
	movedBatch = 1000
)

// reapMoved looks at tasks that wait where no agent asks, one batch in ten ticks, and moves those whose device another gateway reaches by now.
// Where agents do ask, the claim finds that out.
func (s *Service) reapMoved(ctx context.Context) error {
	if s.ticks++; s.ticks%movedEvery != 0 {
		return nil
	}
	rows, err := s.store.waitingInVain(ctx, s.movedAfter, s.now(), movedBatch)
	if err != nil {
		return err
	}
	s.movedAfter = uuid.Nil
	if len(rows) == movedBatch {
		s.movedAfter = rows[len(rows)-1].TaskID
	}
	if len(rows) == 0 {
		return nil
	}
	req := &inventoryv1.GetTargetsRequest{}
	for _, row := range rows {
		req.DeviceIds = append(req.DeviceIds, row.DeviceID.String())
	}
	resp, err := s.inventory.GetTargets(ctx, req)
	if err != nil {
		return err
	}
	now := map[string]string{}
	for _, t := range resp.GetItems() {
		now[t.GetDeviceId()] = t.GetGatewayId()
	}
	to := map[uuid.UUID]uuid.UUID{}
	var ids []uuid.UUID
	for _, row := range rows {
		if gateway, err := uuid.Parse(now[row.DeviceID.String()]); err == nil && gateway != row.GatewayID {
			to[row.TaskID] = gateway
			ids = append(ids, row.TaskID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return s.each(ctx, ids, func(c *change) { c.rebind(to[c.now.ID]) })
}
