package cli_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
)

// fakeAuth signs real tokens. Three users have odd sessions:
//
//	stale  gets access tokens that have expired already, until the first refresh
//	short  gets access tokens that say they are about to expire, until the first refresh
//	ended  is stale, and cannot refresh
type fakeAuth struct {
	authv1.UnimplementedAuthServiceServer
	house *house
	key   ed25519.PrivateKey

	mu        sync.Mutex
	passwords map[string]string
	must      map[string]bool
	refresh   map[string]string // the newest refresh token -> user name
	issued    int
}

func newFakeAuth(h *house, key ed25519.PrivateKey) *fakeAuth {
	a := &fakeAuth{house: h, key: key, passwords: map[string]string{}, must: map[string]bool{}, refresh: map[string]string{}}
	for _, name := range []string{"admin", "stale", "short", "ended", "viewer", "fresh"} {
		a.passwords[name] = adminPassword
	}
	a.must["fresh"] = true
	return a
}

func (a *fakeAuth) pair(username string, fresh bool) (*authv1.TokenPair, error) {
	p := authn.Principal{UserID: "00000000-0000-7000-8000-0000000000aa", Username: username, SessionID: "s", Roles: []string{"admin"}, Permissions: []string{"*"},
		MustChangePassword: a.must[username]}
	if username == "viewer" {
		p.Roles, p.Permissions = []string{"viewer"}, []string{"*.read"}
	}
	signedAt, expiresIn := time.Now(), int32(600)
	if !fresh && (username == "stale" || username == "ended") {
		signedAt = signedAt.Add(-time.Hour)
	}
	if !fresh && username == "short" {
		expiresIn = 1
	}
	access, err := authn.Sign(a.key, "test", p, signedAt, 10*time.Minute)
	a.issued++
	refresh := fmt.Sprintf("refresh-%d", a.issued)
	if username != "ended" {
		a.refresh[refresh] = username
	}
	return &authv1.TokenPair{AccessToken: access, RefreshToken: refresh, ExpiresIn: expiresIn, MustChangePassword: p.MustChangePassword}, err
}

func (a *fakeAuth) Login(_ context.Context, r *authv1.LoginRequest) (*authv1.TokenPair, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.passwords[r.Username] != r.Password || r.Password == "" {
		return nil, errs.New(codes.Unauthenticated, "WRONG_CREDENTIALS", "the user name or the password is wrong")
	}
	return a.pair(r.Username, false)
}

func (a *fakeAuth) Refresh(_ context.Context, r *authv1.RefreshRequest) (*authv1.TokenPair, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	username, ok := a.refresh[r.RefreshToken]
	if !ok {
		return nil, errs.New(codes.Unauthenticated, "REFRESH_TOKEN_INVALID", "the session has ended; sign in again")
	}
	delete(a.refresh, r.RefreshToken)
	return a.pair(username, true)
}

func (a *fakeAuth) Logout(context.Context, *authv1.LogoutRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (a *fakeAuth) ChangePassword(ctx context.Context, r *authv1.ChangePasswordRequest) (*authv1.TokenPair, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := authn.FromContext(ctx).Username
	if a.passwords[name] != r.CurrentPassword {
		return nil, errs.New(codes.Unauthenticated, "WRONG_CREDENTIALS", "the present password is wrong")
	}
	if len(r.NewPassword) < 12 {
		return nil, errs.New(codes.InvalidArgument, "PASSWORD_TOO_WEAK", "the password is too short").
			Field("new_password", "TOO_SHORT", "at least 12 characters")
	}
	a.passwords[name], a.must[name] = r.NewPassword, false
	return a.pair(name, true)
}

func (a *fakeAuth) GetMe(ctx context.Context, _ *authv1.GetMeRequest) (*authv1.Me, error) {
	p := authn.FromContext(ctx)
	return &authv1.Me{Id: p.UserID, Username: p.Username, Roles: p.Roles, Permissions: p.Permissions}, nil
}

type fakeUsers struct {
	authv1.UnimplementedUserServiceServer
	*house
}

func (f *fakeUsers) ListUsers(_ context.Context, r *authv1.ListUsersRequest) (*authv1.ListUsersResponse, error) {
	items, next, err := pageOf[*authv1.User](f.users, r.PageSize, r.PageToken, nil)
	return &authv1.ListUsersResponse{Items: items, NextPageToken: next}, err
}

func (f *fakeUsers) CreateUser(_ context.Context, r *authv1.CreateUserRequest) (*authv1.User, error) {
	if len(r.User.Password) < 12 {
		return nil, errs.New(codes.InvalidArgument, "PASSWORD_TOO_WEAK", "the password is too short").Field("password", "TOO_SHORT", "at least 12 characters")
	}
	r.User.Password = ""
	return create(f.users, r.User)
}

func (f *fakeUsers) GetUser(_ context.Context, r *authv1.GetUserRequest) (*authv1.User, error) {
	return get[*authv1.User](f.users, r.Id)
}

func (f *fakeUsers) UpdateUser(_ context.Context, r *authv1.UpdateUserRequest) (*authv1.User, error) {
	return update(f.users, r.User, r.UpdateMask)
}

func (f *fakeUsers) DeleteUser(_ context.Context, r *authv1.DeleteUserRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, remove(f.users, r.Id)
}

func (f *fakeUsers) ListRoles(context.Context, *authv1.ListRolesRequest) (*authv1.ListRolesResponse, error) {
	return &authv1.ListRolesResponse{Items: []*authv1.Role{{Name: "admin", Description: "everything", Permissions: []string{"*"}},
		{Name: "viewer", Description: "reads", Permissions: []string{"*.read"}}}}, nil
}
