package inventory

import (
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	inventorysql "github.com/netraven/netraven/gen/sqlc/inventory"
)

// lockJumpHosts is called before a row with a jump host is written, and refuses one that is not there.
func lockJumpHosts(ctx context.Context, q *inventorysql.Queries, host *uuid.UUID) error {
	if host == nil {
		return nil
	}
	if err := q.LockJumpHosts(ctx); err != nil {
		return err
	}
	if there, err := q.JumpHostExists(ctx, *host); err != nil || there {
		return err
	}
	return jumpHostUnknown()
}

// oneJumpHost is called after a row was written: no jump host may have one itself.
func oneJumpHost(ctx context.Context, q *inventorysql.Queries) error {
	chain, err := q.ChainedJumpHost(ctx)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil
	case err != nil:
		return err
	case chain.Loops:
		return jumpHostLoop(quote(chain.JumpHost) + " and " + quote(chain.Next) + " would be reached through each other")
	}
	return jumpHostChained(chain.JumpHost, chain.Next)
}

// addJumpHosts completes the targets that are reached through another device. One that is gone or disabled leaves its id behind.
func (s *store) addJumpHosts(ctx context.Context, items []*inventoryv1.Target) error {
	var ids []uuid.UUID
	seen := map[string]bool{}
	for _, t := range items {
		if id := t.GetJumpHostId(); id != "" && !seen[id] {
			seen[id] = true
			ids = append(ids, uuid.MustParse(id))
		}
	}
	if len(ids) == 0 {
		return nil
	}
	rows, err := s.q.GetTargets(ctx, ids)
	hosts := make(map[string]*inventoryv1.Target, len(rows))
	for _, r := range rows {
		hosts[r.ID.String()] = targetOf(r)
		hosts[r.ID.String()].JumpHostId = "" // there is one jump host at most
	}
	for _, t := range items {
		t.JumpHost = hosts[t.GetJumpHostId()]
	}
	return err
}
