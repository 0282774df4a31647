package auth

import (
	"context"
	"crypto/sha256"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	authsql "github.com/netraven/netraven/gen/sqlc/auth"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/secret"
)

const (
	// refreshGrace lets the immediate predecessor of a refresh token in: two tabs refresh at once, or an answer was lost.
	refreshGrace = time.Minute
	// maxSession is how long a session can be refreshed at all.
	maxSession = 90 * 24 * time.Hour
	// rememberTokens is how many generations of a session's refresh tokens are remembered.
	rememberTokens = 1000
)

func wrongCredentials() *errs.Error {
	return errs.New(codes.Unauthenticated, "WRONG_CREDENTIALS", "the user name or the password is wrong")
}

func refreshInvalid() *errs.Error {
	return errs.New(codes.Unauthenticated, "REFRESH_TOKEN_INVALID", "the session has ended; sign in again")
}

// Login exchanges a user name and password for tokens.
func (s *Service) Login(ctx context.Context, req *authv1.LoginRequest) (*authv1.TokenPair, error) {
	attempt, err := s.throttle(ctx, req.GetUsername())
	if err != nil {
		return nil, err
	}
	account, known, err := s.store.findAccount(ctx, storable(req.GetUsername()))
	if err != nil {
		return nil, err
	}
	ok, err := s.passwords.verify(ctx, account.PasswordHash, secret.NewString(req.GetPassword()))
	if err != nil {
		return nil, err
	}
	if !ok {
		s.auditWrongPassword(ctx, "auth.login", account, known)
		return nil, wrongCredentials()
	}
	if err := s.store.returnLoginTokens(ctx, attempt); err != nil {
		return nil, err
	}
	session := s.newSession(account.ID)
	line := by(s.line(ctx, "auth.login", "user", account.ID.String(), outcomeOK), account.ID.String(), account.Username)
	if err := s.store.openSession(ctx, session, line); err != nil {
		return nil, err
	}
	return s.tokens(ctx, account, session.id, session.token)
}

// auditWrongPassword names the user only if there is one: what else was typed may be a password in the wrong field.
func (s *Service) auditWrongPassword(ctx context.Context, action string, account authsql.AccountWithRole, known bool) {
	line := s.line(ctx, action, "user", "", "WRONG_CREDENTIALS")
	if known {
		line.ObjectId = account.ID.String()
		line = with(line, map[string]string{"username": account.Username})
	}
	s.audit(ctx, line)
}

// Refresh rotates a refresh token.
func (s *Service) Refresh(ctx context.Context, req *authv1.RefreshRequest) (*authv1.TokenPair, error) {
	now := s.now()
	next := randomText()
	found, err := s.store.refresh(ctx, refresh{
		old: tokenHash(req.GetRefreshToken()), next: tokenHash(next), now: now, idle: s.cfg.SessionIdle,
		reused: s.line(ctx, "auth.refresh", "session", "", "REFRESH_TOKEN_REUSED"),
	})
	if err != nil {
		return nil, err
	}
	account, err := s.store.getAccount(ctx, found.AccountID)
	if err != nil {
		return nil, err
	}
	return s.tokens(ctx, account, found.ID, next)
}

// Logout ends the caller's session.
func (s *Service) Logout(ctx context.Context, _ *authv1.LogoutRequest) (*emptypb.Empty, error) {
	session := authn.FromContext(ctx).SessionID
	if session == "" { // a caller without a session has none to end
		return &emptypb.Empty{}, nil
	}
	id, err := uuid.Parse(session)
	if err != nil {
		return nil, err
	}
	return &emptypb.Empty{}, s.store.endSession(ctx, id, s.now())
}

// ChangePassword sets the caller's own password, ends all other sessions and answers new tokens.
func (s *Service) ChangePassword(ctx context.Context, req *authv1.ChangePasswordRequest) (*authv1.TokenPair, error) {
	caller := authn.FromContext(ctx)
	id, err := uuid.Parse(caller.UserID)
	if err != nil {
		return nil, errs.New(codes.PermissionDenied, "PERMISSION_DENIED", "only a user has a password")
	}
	attempt, err := s.throttle(ctx, caller.Username)
	if err != nil {
		return nil, err
	}
	account, err := s.store.getAccount(ctx, id)
	if err != nil {
		return nil, err
	}
	ok, err := s.passwords.verify(ctx, account.PasswordHash, secret.NewString(req.GetCurrentPassword()))
	if err != nil {
		return nil, err
	}
	if !ok {
		s.auditWrongPassword(ctx, "auth.change_password", account, true)
		return nil, wrongCredentials()
	}
	if err := s.store.returnLoginTokens(ctx, attempt); err != nil {
		return nil, err
	}
	password := secret.NewString(req.GetNewPassword())
	if err := checkPassword("new_password", account.Username, password); err != nil {
		return nil, err
	}
	if req.GetNewPassword() == req.GetCurrentPassword() {
		const message = "the new password is the old one"
		return nil, errs.New(codes.InvalidArgument, "PASSWORD_TOO_WEAK", message).Field("new_password", "PASSWORD_TOO_WEAK", message)
	}
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return nil, err
	}
	session := s.newSession(id)
	line := s.line(ctx, "auth.change_password", "user", id.String(), outcomeOK)
	if err := s.store.changePassword(ctx, session, hash, account.PasswordHash, line); err != nil {
		return nil, err
	}
	if account.FromFirstStart {
		s.removePasswordFile()
	}
	account.MustChangePassword = false
	return s.tokens(ctx, account, session.id, session.token)
}

// GetMe answers the caller, as the access token says it.
func (s *Service) GetMe(ctx context.Context, _ *authv1.GetMeRequest) (*authv1.Me, error) {
	p := authn.FromContext(ctx)
	return &authv1.Me{Id: p.UserID, Username: p.Username, Roles: p.Roles, Permissions: p.Permissions, MustChangePassword: p.MustChangePassword}, nil
}

// newSession is a session to be opened, with its first refresh token.
type newSession struct {
	id, account  uuid.UUID
	token        string
	hash         []byte
	now, expires time.Time
}

func (s *Service) newSession(account uuid.UUID) newSession {
	token, now := randomText(), s.now()
	return newSession{id: newID(), account: account, token: token, hash: tokenHash(token), now: now, expires: now.Add(s.cfg.SessionIdle)}
}

// tokens answers an access token for the account as it is now, and the refresh token.
func (s *Service) tokens(ctx context.Context, account authsql.AccountWithRole, session uuid.UUID, refreshToken string) (*authv1.TokenPair, error) {
	permissions, err := s.store.listPermissions(ctx, account.ID)
	if err != nil {
		return nil, err
	}
	now := s.now()
	kid, key, err := s.ring.signer(now)
	if err != nil {
		return nil, err
	}
	access, err := authn.Sign(key, kid, authn.Principal{
		UserID: account.ID.String(), Username: account.Username, SessionID: session.String(), Roles: account.Roles,
		Permissions: permissions, MustChangePassword: account.MustChangePassword,
	}, now, s.cfg.AccessTTL)
	if err != nil {
		return nil, err
	}
	return &authv1.TokenPair{
		AccessToken: access, RefreshToken: refreshToken, ExpiresIn: int32(s.cfg.AccessTTL / time.Second),
		MustChangePassword: account.MustChangePassword,
	}, nil
}

// tokenHash is what is kept of a token of 32 random bytes; it needs no salt.
func tokenHash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
