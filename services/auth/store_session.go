package auth

import (
	"context"
	"time"

	"github.com/google/uuid"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	authsql "github.com/netraven/netraven/gen/sqlc/auth"
)

// takeLoginToken takes one attempt from a bucket, and answers false if it is empty.
func (s *store) takeLoginToken(ctx context.Context, key []byte, l limit, now time.Time) (bool, error) {
	_, err := s.q.TakeLoginToken(ctx, authsql.TakeLoginTokenParams{Key: key, Burst: l.burst, PerSecond: l.perSecond, Now: now})
	return found(err)
}

// returnLoginTokens gives attempts back.
func (s *store) returnLoginTokens(ctx context.Context, keys [][]byte) error {
	return s.q.ReturnLoginTokens(ctx, keys)
}

func (s *store) openSession(ctx context.Context, n newSession, line *authv1.AuditLine) error {
	return s.tx(ctx, func(q *authsql.Queries) error { return openSession(ctx, q, n, line) })
}

func openSession(ctx context.Context, q *authsql.Queries, n newSession, line *authv1.AuditLine) error {
	if err := q.InsertSession(ctx, authsql.InsertSessionParams{ID: n.id, AccountID: n.account, Now: n.now, ExpiresAt: n.expires}); err != nil {
		return err
	}
	if err := q.InsertRefreshToken(ctx, authsql.InsertRefreshTokenParams{Hash: n.hash, SessionID: n.id, Generation: 1}); err != nil {
		return err
	}
	if err := q.TouchLogin(ctx, authsql.TouchLoginParams{ID: n.account, LastLoginAt: &n.now}); err != nil {
		return err
	}
	return appendAudit(ctx, q, []*authv1.AuditLine{line}, n.now)
}

// changePassword sets a password over the hash that was verified, ends all sessions and opens a new one.
func (s *store) changePassword(ctx context.Context, n newSession, hash, verified string, line *authv1.AuditLine) error {
	return s.tx(ctx, func(q *authsql.Queries) error {
		rows, err := q.SetPassword(ctx, authsql.SetPasswordParams{ID: n.account, PasswordHash: hash, VerifiedHash: verified})
		if err != nil {
			return err
		}
		if rows == 0 { // it was changed meanwhile: what was verified is the old password
			return wrongCredentials()
		}
		if err := q.EndSessionsOf(ctx, authsql.EndSessionsOfParams{AccountID: n.account, Now: n.now}); err != nil {
			return err
		}
		return openSession(ctx, q, n, line)
	})
}

func (s *store) endSession(ctx context.Context, id uuid.UUID, now time.Time) error {
	return s.q.EndSession(ctx, authsql.EndSessionParams{ID: id, Now: now})
}

// refresh is one use of a refresh token.
type refresh struct {
	old, next []byte
	now       time.Time
	idle      time.Duration
	// reused is the audit line for the reuse of an old token.
	reused *authv1.AuditLine
}

// refresh exchanges a token hash for the next one, and answers the session. A token older than the predecessor, or the predecessor after
// its minute, ends the session. Errors: UNAUTHENTICATED/REFRESH_TOKEN_INVALID.
func (s *store) refresh(ctx context.Context, r refresh) (session authsql.FindSessionByTokenRow, err error) {
	good := false
	err = s.tx(ctx, func(q *authsql.Queries) error {
		session, err = q.FindSessionByToken(ctx, r.old)
		if ok, err := found(err); !ok {
			return err
		}
		if session.EndedAt != nil || session.ExpiresAt.Before(r.now) {
			return nil
		}
		switch {
		case session.TokenGeneration == session.Generation:
			good = true
			return rotate(ctx, q, session, r)
		case session.TokenGeneration == session.Generation-1 && r.now.Sub(session.RotatedAt) <= refreshGrace:
			good = true
			return q.InsertRefreshToken(ctx, authsql.InsertRefreshTokenParams{Hash: r.next, SessionID: session.ID, Generation: session.Generation})
		default: // committed, although the call is refused
			line := by(r.reused, session.AccountID.String(), "")
			line.ObjectId = session.ID.String()
			if err := q.EndSession(ctx, authsql.EndSessionParams{ID: session.ID, Now: r.now}); err != nil {
				return err
			}
			return appendAudit(ctx, q, []*authv1.AuditLine{line}, r.now)
		}
	})
	if err == nil && !good {
		err = refreshInvalid()
	}
	return session, err
}

func rotate(ctx context.Context, q *authsql.Queries, session authsql.FindSessionByTokenRow, r refresh) error {
	expires := r.now.Add(r.idle)
	if last := session.CreatedAt.Add(maxSession); expires.After(last) {
		expires = last
	}
	if err := q.RotateSession(ctx, authsql.RotateSessionParams{ID: session.ID, Now: r.now, ExpiresAt: expires}); err != nil {
		return err
	}
	next := session.Generation + 1
	if err := q.InsertRefreshToken(ctx, authsql.InsertRefreshTokenParams{Hash: r.next, SessionID: session.ID, Generation: next}); err != nil {
		return err
	}
	return q.ForgetOldRefreshTokens(ctx, authsql.ForgetOldRefreshTokensParams{SessionID: session.ID, Generation: next - rememberTokens})
}
