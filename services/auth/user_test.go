package auth

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	_ "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	_ "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	_ "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	_ "github.com/netraven/netraven/gen/go/netraven/job/v1"
	optionsv1 "github.com/netraven/netraven/gen/go/netraven/options/v1"
	_ "github.com/netraven/netraven/gen/go/netraven/scheduler/v1"
	_ "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
)

func mask(paths ...string) *fieldmaskpb.FieldMask { return &fieldmaskpb.FieldMask{Paths: paths} }

func TestUsersComeAndGo(t *testing.T) {
	h := withAdmin(t)
	users, ctx := h.users(), t.Context()
	u, err := users.CreateUser(ctx, &authv1.CreateUserRequest{User: &authv1.User{Username: "Ann", Password: "ann's first password", Roles: []string{"viewer", "viewer"}}})
	require.NoError(t, err)
	require.Empty(t, u.GetPassword())
	require.Equal(t, []string{"viewer"}, u.GetRoles())
	require.Nil(t, u.GetLastLoginAt())

	pair := h.login("ann", "ann's first password")
	p := h.principal(pair.GetAccessToken())
	require.True(t, p.Can("inventory.device.read"))
	require.False(t, p.Can("inventory.device.write"))

	u, err = users.UpdateUser(ctx, &authv1.UpdateUserRequest{User: &authv1.User{Id: u.GetId(), Roles: []string{"operator"}}, UpdateMask: mask("roles")})
	require.NoError(t, err)
	require.Equal(t, "Ann", u.GetUsername())
	require.NotNil(t, u.GetLastLoginAt())
	pair, err = h.people().Refresh(ctx, &authv1.RefreshRequest{RefreshToken: pair.GetRefreshToken()})
	require.NoError(t, err)
	require.True(t, h.principal(pair.GetAccessToken()).Can("inventory.device.write"), "roles take effect at the next refresh")

	_, err = users.UpdateUser(ctx, &authv1.UpdateUserRequest{User: &authv1.User{Id: u.GetId(), Password: "ann's next password", MustChangePassword: true}, UpdateMask: mask("password", "must_change_password")})
	require.NoError(t, err)
	_, err = h.people().Refresh(ctx, &authv1.RefreshRequest{RefreshToken: pair.GetRefreshToken()})
	refused(t, err, codes.Unauthenticated, "REFRESH_TOKEN_INVALID")
	require.True(t, h.login("ann", "ann's next password").GetMustChangePassword())

	_, err = users.DeleteUser(ctx, &authv1.DeleteUserRequest{Id: u.GetId()})
	require.NoError(t, err)
	_, err = users.GetUser(ctx, &authv1.GetUserRequest{Id: u.GetId()})
	refused(t, err, codes.NotFound, "USER_NOT_FOUND")
	require.Equal(t, []string{"OK", "OK"}, h.audited("user.update"))
	require.Equal(t, []string{"OK"}, h.audited("user.create"))
	require.Equal(t, []string{"OK"}, h.audited("user.delete"))
}

func TestUserRefusals(t *testing.T) {
	h := withAdmin(t)
	users, ctx := h.users(), t.Context()
	const good = "a good password"
	for _, c := range []struct {
		user   *authv1.User
		code   codes.Code
		reason string
	}{
		{&authv1.User{Username: "ADMIN", Password: good}, codes.AlreadyExists, "USER_EXISTS"},
		{&authv1.User{Username: "", Password: good}, codes.InvalidArgument, "FIELD_INVALID"},
		{&authv1.User{Username: "a b", Password: good}, codes.InvalidArgument, "FIELD_INVALID"},
		{&authv1.User{Username: "a\x00", Password: good}, codes.InvalidArgument, "FIELD_INVALID"},
		{&authv1.User{Username: strings.Repeat("a", 65), Password: good}, codes.InvalidArgument, "FIELD_INVALID"},
		{&authv1.User{Username: "a", Password: "short"}, codes.InvalidArgument, "PASSWORD_TOO_WEAK"},
		{&authv1.User{Username: "long-enough-name", Password: "LONG-enough-name"}, codes.InvalidArgument, "PASSWORD_TOO_WEAK"},
		{&authv1.User{Username: "a", Password: good, Roles: []string{"king"}}, codes.InvalidArgument, "ROLE_UNKNOWN"},
		{nil, codes.InvalidArgument, "FIELD_INVALID"},
	} {
		_, err := users.CreateUser(ctx, &authv1.CreateUserRequest{User: c.user})
		refused(t, err, c.code, c.reason)
	}
	list, err := users.ListUsers(ctx, &authv1.ListUsersRequest{})
	require.NoError(t, err)
	admin := list.GetItems()[0].GetId()
	_, err = users.UpdateUser(ctx, &authv1.UpdateUserRequest{User: &authv1.User{Id: admin, Roles: []string{"viewer"}}, UpdateMask: mask("roles")})
	refused(t, err, codes.FailedPrecondition, "LAST_ADMIN")
	_, err = users.DeleteUser(ctx, &authv1.DeleteUserRequest{Id: admin})
	refused(t, err, codes.FailedPrecondition, "LAST_ADMIN")
	_, err = users.UpdateUser(ctx, &authv1.UpdateUserRequest{User: &authv1.User{Id: admin}, UpdateMask: mask("created_at")})
	refused(t, err, codes.InvalidArgument, "FIELD_INVALID")
	require.Equal(t, "created_at", errs.From(err).Details()[0].Field)
	for _, id := range []string{"", "x", newID().String()} {
		_, err = users.GetUser(ctx, &authv1.GetUserRequest{Id: id})
		refused(t, err, codes.NotFound, "USER_NOT_FOUND")
	}
	viewer := authn.Principal{UserID: newID().String(), Permissions: builtinRoles[2].GetPermissions()}
	require.False(t, viewer.Can("auth.user.read"))
}

func TestUsersArePaged(t *testing.T) {
	h := withAdmin(t)
	for _, name := range []string{"b", "C", "d", "E"} {
		a := insertable(h, name)
		require.NoError(t, h.svc.store.createAccount(t.Context(), a, []string{}, h.svc.line(t.Context(), "test", "", "", "OK")))
	}
	var names []string
	req := &authv1.ListUsersRequest{PageSize: 2}
	for range 10 {
		page, err := h.users().ListUsers(t.Context(), req)
		require.NoError(t, err)
		for _, u := range page.GetItems() {
			names = append(names, u.GetUsername())
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	require.Equal(t, []string{"admin", "b", "C", "d", "E"}, names)
	_, err := h.users().ListUsers(t.Context(), &authv1.ListUsersRequest{PageToken: "%"})
	refused(t, err, codes.InvalidArgument, "PAGE_TOKEN_INVALID")
}

// The built-in roles are lists by hand; this holds them against the permissions that RPCs really ask for.
func TestRolesFitTheRPCs(t *testing.T) {
	role := map[string]authn.Principal{}
	for _, r := range builtinRoles {
		role[r.GetName()] = authn.Principal{Permissions: r.GetPermissions()}
	}
	writes := []string{"inventory.", "job.", "scheduler.", "gitstore.revision."}
	seen := 0
	for _, permission := range permissions() {
		seen++
		own := strings.HasPrefix(permission, "auth.")
		read := strings.HasSuffix(permission, ".read")
		require.True(t, role["admin"].Can(permission), permission)
		require.Equal(t, read && !own, role["viewer"].Can(permission), "viewer %s", permission)
		operator := read && !own
		for _, w := range writes {
			operator = operator || strings.HasPrefix(permission, w)
		}
		operator = operator && permission != "inventory.platform.write" // who writes a page says what is typed on devices
		require.Equal(t, operator, role["operator"].Can(permission), "operator %s", permission)
	}
	require.Greater(t, seen, 15)
	for _, name := range []string{"viewer", "operator"} {
		require.False(t, role[name].Can("config.read_secret"))
		require.False(t, role[name].Can("vault.credential.write"))
	}
}

func permissions() (out []string) {
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			methods := f.Services().Get(i).Methods()
			for j := range methods.Len() {
				p, _ := proto.GetExtension(methods.Get(j).Options(), optionsv1.E_Permission).(string)
				if strings.Contains(p, ".") {
					out = append(out, p)
				}
			}
		}
		return true
	})
	return out
}
