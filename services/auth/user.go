package auth

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"google.golang.org/protobuf/types/known/emptypb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	authsql "github.com/netraven/netraven/gen/sqlc/auth"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/page"
	"github.com/netraven/netraven/internal/secret"
)

const maxUsername = 64

// ListUsers pages through the users by name.
func (s *Service) ListUsers(ctx context.Context, req *authv1.ListUsersRequest) (*authv1.ListUsersResponse, error) {
	at, err := page.Parse(req.GetPageToken(), 1)
	if err != nil {
		return nil, err
	}
	after := ""
	if at != nil {
		after = at[0]
	}
	size := page.Size(req.GetPageSize())
	rows, err := s.store.listAccounts(ctx, storable(after), size+1)
	if err != nil {
		return nil, err
	}
	resp := &authv1.ListUsersResponse{}
	if len(rows) > int(size) {
		rows = rows[:size]
		resp.NextPageToken = page.Token(rows[size-1].Username)
	}
	for _, r := range rows {
		resp.Items = append(resp.Items, userOf(r))
	}
	return resp, nil
}

// CreateUser adds a user.
func (s *Service) CreateUser(ctx context.Context, req *authv1.CreateUserRequest) (*authv1.User, error) {
	u := req.GetUser()
	if err := checkUsername(u.GetUsername()); err != nil {
		return nil, err
	}
	password := secret.NewString(u.GetPassword())
	if err := checkPassword("password", u.GetUsername(), password); err != nil {
		return nil, err
	}
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return nil, err
	}
	a := authsql.InsertAccountParams{
		ID: newID(), Username: u.GetUsername(), PasswordHash: hash, MustChangePassword: u.GetMustChangePassword(), CreatedAt: s.now(),
	}
	line := with(s.line(ctx, "user.create", "user", a.ID.String(), outcomeOK), map[string]string{
		"username": a.Username, "roles": strings.Join(u.GetRoles(), " "),
	})
	if err := s.store.createAccount(ctx, a, distinct(u.GetRoles()), line); err != nil {
		return nil, err
	}
	return s.user(ctx, a.ID)
}

// GetUser answers one user.
func (s *Service) GetUser(ctx context.Context, req *authv1.GetUserRequest) (*authv1.User, error) {
	id, err := userID(req.GetId())
	if err != nil {
		return nil, err
	}
	return s.user(ctx, id)
}

func (s *Service) user(ctx context.Context, id uuid.UUID) (*authv1.User, error) {
	a, err := s.store.getAccount(ctx, id)
	if err != nil {
		return nil, err
	}
	return userOf(a), nil
}

// UpdateUser changes exactly the fields of the mask. A new password ends the user's sessions.
func (s *Service) UpdateUser(ctx context.Context, req *authv1.UpdateUserRequest) (*authv1.User, error) {
	id, err := userID(req.GetUser().GetId())
	if err != nil {
		return nil, err
	}
	change, err := s.changeOf(ctx, id, req)
	if err != nil {
		return nil, err
	}
	before, after, err := s.store.updateAccount(ctx, id, change)
	if err != nil {
		return nil, err
	}
	if change.passwordHash != nil && before.FromFirstStart {
		s.removePasswordFile()
	}
	return userOf(after), nil
}

func (s *Service) changeOf(ctx context.Context, id uuid.UUID, req *authv1.UpdateUserRequest) (accountChange, error) {
	u := req.GetUser()
	c := accountChange{line: with(s.line(ctx, "user.update", "user", id.String(), outcomeOK), map[string]string{
		"fields": strings.Join(req.GetUpdateMask().GetPaths(), " "),
	})}
	for _, path := range req.GetUpdateMask().GetPaths() {
		switch path {
		case "id": // names the user; it does not change
		case "username":
			if err := checkUsername(u.GetUsername()); err != nil {
				return c, err
			}
			c.username = &u.Username
		case "password":
			hash, err := s.newPassword(ctx, id, req)
			if err != nil {
				return c, err
			}
			c.passwordHash = &hash
		case "roles":
			c.roles, c.setRoles = distinct(u.GetRoles()), true
			c.line = with(c.line, map[string]string{"roles": strings.Join(c.roles, " ")})
		case "must_change_password":
			c.mustChange = &u.MustChangePassword
		default:
			return c, errs.Invalid(storable(path), "FIELD_READ_ONLY", "cannot be changed")
		}
	}
	return c, nil
}

// newPassword checks and hashes the password of an update, against the name that the user will have.
func (s *Service) newPassword(ctx context.Context, id uuid.UUID, req *authv1.UpdateUserRequest) (string, error) {
	name := req.GetUser().GetUsername()
	if !slices.Contains(req.GetUpdateMask().GetPaths(), "username") {
		a, err := s.store.getAccount(ctx, id)
		if err != nil {
			return "", err
		}
		name = a.Username
	}
	password := secret.NewString(req.GetUser().GetPassword())
	if err := checkPassword("password", name, password); err != nil {
		return "", err
	}
	return s.passwords.hash(ctx, password)
}

// DeleteUser removes a user and ends the sessions.
func (s *Service) DeleteUser(ctx context.Context, req *authv1.DeleteUserRequest) (*emptypb.Empty, error) {
	id, err := userID(req.GetId())
	if err != nil {
		return nil, err
	}
	before, err := s.store.deleteAccount(ctx, id, s.line(ctx, "user.delete", "user", id.String(), outcomeOK))
	if err != nil {
		return nil, err
	}
	if before.FromFirstStart {
		s.removePasswordFile()
	}
	return &emptypb.Empty{}, nil
}

func userID(text string) (uuid.UUID, error) {
	id, err := uuid.Parse(text)
	if err != nil { // no user has such an id, whatever its form
		return id, errs.NotFound("user", text)
	}
	return id, nil
}

func checkUsername(name string) error {
	bad := func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) || r == utf8.RuneError }
	if name == "" || utf8.RuneCountInString(name) > maxUsername || strings.ContainsFunc(name, bad) {
		return errs.Invalid("username", "INVALID", "a user name has 1 to 64 characters without spaces")
	}
	return nil
}

func distinct(names []string) []string {
	out := slices.Clone(names)
	slices.Sort(out)
	out = slices.Compact(out)
	if out == nil {
		out = []string{}
	}
	return out
}
