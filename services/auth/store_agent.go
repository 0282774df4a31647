package auth

import (
	"bytes"
	"context"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	authsql "github.com/netraven/netraven/gen/sqlc/auth"
	"github.com/netraven/netraven/internal/errs"
)

func (s *store) createJoinToken(ctx context.Context, t authsql.InsertJoinTokenParams, line *authv1.AuditLine) error {
	return s.tx(ctx, func(q *authsql.Queries) error {
		if err := q.InsertJoinToken(ctx, t); err != nil {
			return err
		}
		return appendAudit(ctx, q, []*authv1.AuditLine{line}, t.CreatedAt)
	})
}

// enrolment is one use of a join token.
type enrolment struct {
	token, publicKey, sealKey []byte
	now                       time.Time
	// create makes the agent of a good token.
	create func(gateway uuid.UUID) (authsql.InsertAgentParams, error)
	// line makes the audit line of an outcome.
	line func(outcome string) *authv1.AuditLine
}

// enroll answers the agent of a token: the one that create makes, or the one that the same keys made before. A refusal is audited in the same
// transaction. Errors: PERMISSION_DENIED/JOIN_TOKEN_INVALID, /JOIN_TOKEN_USED, /JOIN_TOKEN_EXPIRED, /AGENT_REVOKED, those of create.
func (s *store) enroll(ctx context.Context, e enrolment) (agent authsql.Agent, err error) {
	var refusal *errs.Error
	err = s.tx(ctx, func(q *authsql.Queries) error {
		token, err := q.FindJoinToken(ctx, e.token)
		known, err := found(err)
		if err != nil {
			return err
		}
		line := func(outcome string) *authv1.AuditLine {
			l := e.line(outcome)
			if known {
				l.ObjectId = token.ID.String()
				with(l, map[string]string{"created_by": token.CreatedBy, "gateway": token.GatewayID.String()})
			}
			return l
		}
		agent, refusal, err = e.spend(ctx, q, token, known)
		if err != nil {
			return err
		}
		if refusal != nil {
			return appendAudit(ctx, q, []*authv1.AuditLine{line(errs.Reason(refusal))}, e.now)
		}
		if token.AgentID != nil {
			return nil // a repeat: said once already
		}
		ok := with(line(outcomeOK), map[string]string{"agent": agent.ID.String(), "name": agent.Name})
		return appendAudit(ctx, q, []*authv1.AuditLine{ok}, e.now)
	})
	if err == nil && refusal != nil {
		err = refusal
	}
	return agent, err
}

func (e enrolment) spend(ctx context.Context, q *authsql.Queries, token authsql.FindJoinTokenRow, known bool) (authsql.Agent, *errs.Error, error) {
	var agent authsql.Agent
	if !known {
		return agent, errs.New(codes.PermissionDenied, "JOIN_TOKEN_INVALID", "this is not a join token of this server"), nil
	}
	if token.AgentID != nil {
		agent, err := q.GetAgent(ctx, *token.AgentID)
		switch {
		case err != nil:
			return agent, nil, err
		case !bytes.Equal(agent.PublicKey, e.publicKey) || !bytes.Equal(agent.SealKey, e.sealKey):
			return agent, errs.New(codes.PermissionDenied, "JOIN_TOKEN_USED", "this join token was already used by another agent; make a new one"), nil
		case agent.RevokedAt != nil:
			return agent, revoked(agent.ID), nil
		case agent.NotAfter.Before(e.now):
			return agent, errs.New(codes.PermissionDenied, "JOIN_TOKEN_EXPIRED", "the certificate of this join token has expired; make a new token"), nil
		}
		return agent, nil, nil
	}
	if token.ExpiresAt.Before(e.now) {
		return agent, errs.New(codes.PermissionDenied, "JOIN_TOKEN_EXPIRED", "this join token has expired; make a new one"), nil
	}
	params, err := e.create(token.GatewayID)
	if err != nil {
		return agent, nil, err
	}
	if err := q.InsertAgent(ctx, params); err != nil {
		return agent, nil, err
	}
	if err := q.BindJoinToken(ctx, authsql.BindJoinTokenParams{ID: token.ID, AgentID: params.ID}); err != nil {
		return agent, nil, err
	}
	agent, err = q.GetAgent(ctx, params.ID)
	return agent, nil, err
}

func (s *store) getAgent(ctx context.Context, id uuid.UUID) (authsql.Agent, error) {
	a, err := s.q.GetAgent(ctx, id)
	if ok, err := found(err); !ok && err == nil {
		return a, errs.NotFound("agent", id.String())
	}
	return a, err
}

func (s *store) renewAgent(ctx context.Context, a authsql.Agent) error {
	n, err := s.q.RenewAgent(ctx, authsql.RenewAgentParams{ID: a.ID, Certificate: a.Certificate, NotAfter: a.NotAfter})
	if err == nil && n == 0 { // revoked since it was read
		return revoked(a.ID)
	}
	return err
}

// revokeAgent revokes once; a repeat changes and audits nothing.
func (s *store) revokeAgent(ctx context.Context, id uuid.UUID, by string, line *authv1.AuditLine) error {
	now := line.GetAt().AsTime()
	return s.tx(ctx, func(q *authsql.Queries) error {
		n, err := q.RevokeAgent(ctx, authsql.RevokeAgentParams{ID: id, Now: now, RevokedBy: by})
		if err != nil {
			return err
		}
		if n > 0 {
			return appendAudit(ctx, q, []*authv1.AuditLine{line}, now)
		}
		_, err = q.GetAgent(ctx, id)
		if ok, err := found(err); !ok && err == nil {
			return errs.NotFound("agent", id.String())
		}
		return err
	})
}

func (s *store) listRevokedAgents(ctx context.Context, now time.Time) ([]string, error) {
	ids, err := s.q.ListRevokedAgents(ctx, now)
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, id.String())
	}
	return out, err
}
