package grpcx_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
)

// rooms is a service with one RPC of each kind of permission; it answers who was let in.
type rooms struct {
	authv1.UnimplementedAuthServiceServer
	authv1.UnimplementedUserServiceServer
	authv1.UnimplementedTrustServiceServer
	seen authn.Principal
	fail error
}

func (r *rooms) Register(s grpc.ServiceRegistrar) {
	authv1.RegisterAuthServiceServer(s, r)
	authv1.RegisterUserServiceServer(s, r)
	authv1.RegisterTrustServiceServer(s, r)
}

func (r *rooms) Login(ctx context.Context, _ *authv1.LoginRequest) (*authv1.TokenPair, error) {
	r.seen = authn.FromContext(ctx)
	return &authv1.TokenPair{}, r.fail
}

func (r *rooms) GetMe(ctx context.Context, _ *authv1.GetMeRequest) (*authv1.Me, error) {
	r.seen = authn.FromContext(ctx)
	return &authv1.Me{}, nil
}

func (r *rooms) ChangePassword(context.Context, *authv1.ChangePasswordRequest) (*authv1.TokenPair, error) {
	return &authv1.TokenPair{}, nil
}

func (r *rooms) DeleteUser(context.Context, *authv1.DeleteUserRequest) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

func (r *rooms) AppendAudit(ctx context.Context, _ *authv1.AppendAuditRequest) (*authv1.AppendAuditResponse, error) {
	r.seen = authn.FromContext(ctx)
	return &authv1.AppendAuditResponse{}, nil
}

func (r *rooms) GetUser(context.Context, *authv1.GetUserRequest) (*authv1.User, error) {
	panic("device text: hunter2")
}

func TestAccessFollowsTheProtoOptions(t *testing.T) {
	ctx := context.Background()
	admin := &authn.Principal{UserID: "1", Username: "ann", Permissions: []string{"*"}}
	viewer := &authn.Principal{UserID: "2", Username: "bob", Permissions: []string{"*.read"}}
	fresh := &authn.Principal{UserID: "3", Permissions: []string{"*"}, MustChangePassword: true}
	call := func(caller string, p *authn.Principal, do func(grpc.ClientConnInterface) error) string {
		return errs.Reason(do(grpctest.Serve(t, caller, p, &rooms{})))
	}
	login := func(c grpc.ClientConnInterface) error {
		_, err := authv1.NewAuthServiceClient(c).Login(ctx, &authv1.LoginRequest{})
		return err
	}
	me := func(c grpc.ClientConnInterface) error {
		_, err := authv1.NewAuthServiceClient(c).GetMe(ctx, &authv1.GetMeRequest{})
		return err
	}
	change := func(c grpc.ClientConnInterface) error {
		_, err := authv1.NewAuthServiceClient(c).ChangePassword(ctx, &authv1.ChangePasswordRequest{})
		return err
	}
	remove := func(c grpc.ClientConnInterface) error {
		_, err := authv1.NewUserServiceClient(c).DeleteUser(ctx, &authv1.DeleteUserRequest{})
		return err
	}
	audit := func(c grpc.ClientConnInterface) error {
		_, err := authv1.NewTrustServiceClient(c).AppendAudit(ctx, &authv1.AppendAuditRequest{})
		return err
	}
	require.Empty(t, call("api", nil, login), "public")
	require.Equal(t, "TOKEN_MISSING", call("api", nil, me))
	require.Empty(t, call("api", viewer, me), "authenticated")
	require.Empty(t, call("api", admin, remove))
	require.Equal(t, "PERMISSION_DENIED", call("api", viewer, remove))
	require.Equal(t, "PASSWORD_CHANGE_REQUIRED", call("api", fresh, me))
	require.Empty(t, call("api", fresh, change))
	require.Empty(t, call("vault", nil, audit))
	require.Equal(t, "INTERNAL_ONLY", call("stranger", admin, audit), "no user's right opens an internal RPC")
}

func TestOnlyTypedErrorsLeave(t *testing.T) {
	ctx := context.Background()
	r := &rooms{fail: errors.New(`ERROR: relation "users" does not exist`)}
	_, err := authv1.NewAuthServiceClient(grpctest.Serve(t, "api", nil, r)).Login(ctx, &authv1.LoginRequest{})
	require.Equal(t, codes.Internal, errs.Code(err))
	require.NotContains(t, err.Error(), "relation")
	require.Contains(t, err.Error(), "trace id")

	r.fail = errs.NotFound("user", "x").Wrap(errors.New("no rows"))
	_, err = authv1.NewAuthServiceClient(grpctest.Serve(t, "api", nil, r)).Login(ctx, &authv1.LoginRequest{})
	require.Equal(t, "USER_NOT_FOUND", errs.Reason(err))
	require.NotContains(t, err.Error(), "no rows")
}

func TestNULNeverReachesAService(t *testing.T) {
	conn := grpctest.Serve(t, "api", &authn.Principal{UserID: "1", Permissions: []string{"*"}}, &rooms{})
	for field, call := range map[string]func() error{
		"id": func() error {
			_, err := authv1.NewUserServiceClient(conn).DeleteUser(t.Context(), &authv1.DeleteUserRequest{Id: "a\x00"})
			return err
		},
		"roles[1]": func() error {
			user := &authv1.User{Username: "bob", Roles: []string{"viewer", "\x00"}}
			_, err := authv1.NewUserServiceClient(conn).CreateUser(t.Context(), &authv1.CreateUserRequest{User: user})
			return err
		},
		"new_password": func() error {
			_, err := authv1.NewAuthServiceClient(conn).ChangePassword(t.Context(), &authv1.ChangePasswordRequest{CurrentPassword: "a", NewPassword: "b\x00"})
			return err
		},
	} {
		err := call()
		require.Equal(t, codes.InvalidArgument, errs.Code(err), field)
		require.Equal(t, field, errs.From(err).Details()[0].Field)
	}
	_, err := authv1.NewUserServiceClient(conn).DeleteUser(t.Context(), &authv1.DeleteUserRequest{Id: "é☃\t"})
	require.NoError(t, err)
}

func TestAPanicEndsOneCallOnly(t *testing.T) {
	admin := &authn.Principal{UserID: "1", Permissions: []string{"*"}}
	c := authv1.NewUserServiceClient(grpctest.Serve(t, "api", admin, &rooms{}))
	for range 2 {
		_, err := c.GetUser(context.Background(), &authv1.GetUserRequest{})
		require.Equal(t, codes.Internal, errs.Code(err))
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestTheTraceIDGoesAlong(t *testing.T) {
	ctx := grpcx.NewTrace(context.Background())
	r := &rooms{fail: errors.New("x")}
	_, err := authv1.NewAuthServiceClient(grpctest.Serve(t, "api", nil, r)).Login(ctx, &authv1.LoginRequest{})
	require.Contains(t, err.Error(), grpcx.TraceID(ctx))
}
