package hub

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/types/known/timestamppb"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	hubsql "github.com/netraven/netraven/gen/sqlc/hub"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
)

// seenWindow is how fresh last_seen_at must be for an agent to count as online: three writes.
const seenWindow = 3 * seenEvery

type store struct{ q *hubsql.Queries }

func newStore(pool *pgxpool.Pool) *store { return &store{q: hubsql.New(pool)} }

func (s *store) enroll(ctx context.Context, id, gatewayID, name string, now time.Time) error {
	agent, err := uuid.Parse(id)
	if err != nil {
		return errs.Internal(err)
	}
	gateway, err := uuid.Parse(gatewayID)
	if err != nil {
		return errs.Internal(err)
	}
	return s.q.EnrollAgent(ctx, hubsql.EnrollAgentParams{ID: agent, GatewayID: gateway, Name: name, Now: now})
}

// connect takes the agent's row for a session and answers its epoch.
func (s *store) connect(ctx context.Context, c *session, now time.Time) (int64, error) {
	gateway, err := uuid.Parse(c.agent.GatewayID)
	if err != nil {
		return 0, errs.Internal(err)
	}
	return s.q.ConnectAgent(ctx, hubsql.ConnectAgentParams{
		ID: c.agentID, GatewayID: gateway, Name: c.agent.AgentID, Version: c.version, Now: now, SessionID: &c.id, Sessions: c.sessionsNow(),
	})
}

// see writes that the agent is there; false means that another session has taken the row.
func (s *store) see(ctx context.Context, c *session, now time.Time) (bool, error) {
	n, err := s.q.SeeAgent(ctx, hubsql.SeeAgentParams{Now: &now, Sessions: c.sessionsNow(), ID: c.agentID, SessionID: &c.id})
	return n == 1, err
}

func (s *store) disconnect(ctx context.Context, c *session, now time.Time) error {
	return s.q.DisconnectAgent(ctx, hubsql.DisconnectAgentParams{Now: &now, LastSeenAt: &now, ID: c.agentID, SessionID: &c.id})
}

func (s *store) revoke(ctx context.Context, id string, now time.Time) (*hubv1.Agent, error) {
	agent, err := uuid.Parse(id)
	if err != nil {
		return nil, errs.NotFound("agent", id)
	}
	row, err := s.q.RevokeAgent(ctx, hubsql.RevokeAgentParams{Now: &now, ID: agent})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, errs.NotFound("agent", id)
	}
	if err != nil {
		return nil, err
	}
	return agentOf(row, now), nil
}

// list answers a page of agents by name, and the token of the next.
func (s *store) list(ctx context.Context, req *hubv1.ListAgentsRequest, now time.Time) (*hubv1.ListAgentsResponse, error) {
	p := hubsql.ListAgentsParams{MaxRows: page.Size(req.GetPageSize()) + 1}
	after, err := page.Parse(req.GetPageToken(), 2)
	if err != nil {
		return nil, err
	}
	if after != nil {
		if p.AfterID, err = uuid.Parse(after[1]); err != nil {
			return nil, errs.Invalid("page_token", "INVALID", "use next_page_token of the page before")
		}
		p.AfterName = after[0]
	}
	if req.GetGatewayId() != "" {
		gateway, err := uuid.Parse(req.GetGatewayId())
		if err != nil {
			return nil, errs.Invalid("gateway_id", "INVALID", "must be the id of a gateway")
		}
		p.GatewayID = &gateway
	}
	rows, err := s.q.ListAgents(ctx, p)
	if err != nil {
		return nil, err
	}
	return pageOf(rows, int(p.MaxRows)-1, now), nil
}

func pageOf(rows []hubsql.Agent, size int, now time.Time) *hubv1.ListAgentsResponse {
	resp := &hubv1.ListAgentsResponse{}
	for i, row := range rows {
		if i == size {
			last := rows[i-1]
			resp.NextPageToken = page.Token(last.Name, last.ID.String())
			break
		}
		resp.Items = append(resp.Items, agentOf(row, now))
	}
	return resp
}

func agentOf(row hubsql.Agent, now time.Time) *hubv1.Agent {
	return &hubv1.Agent{
		Id: row.ID.String(), Name: row.Name, GatewayId: row.GatewayID.String(), State: stateOf(row, now), Version: row.Version,
		ConnectedAt: timestamp(row.ConnectedAt), LastSeenAt: timestamp(row.LastSeenAt), Sessions: row.Sessions,
		CreatedAt: timestamppb.New(row.CreatedAt),
	}
}

// stateOf computes whether an agent is there. A replica that died leaves its rows connected, so they must also be fresh.
func stateOf(row hubsql.Agent, now time.Time) hubv1.Agent_State {
	switch {
	case row.RevokedAt != nil:
		return hubv1.Agent_REVOKED
	case row.SessionID != nil && row.LastSeenAt != nil && now.Sub(*row.LastSeenAt) < seenWindow:
		return hubv1.Agent_ONLINE
	default:
		return hubv1.Agent_OFFLINE
	}
}

func timestamp(t *time.Time) *timestamppb.Timestamp {
	if t == nil {
		return nil
	}
	return timestamppb.New(*t)
}
