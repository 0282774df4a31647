package auth

import (
	"context"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	authsql "github.com/netraven/netraven/gen/sqlc/auth"
	"github.com/netraven/netraven/internal/errs"
)

func (s *store) putRoles(ctx context.Context, roles []*authv1.Role) error {
	return s.tx(ctx, func(q *authsql.Queries) error {
		if err := q.LockFirstStart(ctx); err != nil { // replicas that start at once would wait for each other's rows crosswise
			return err
		}
		for _, r := range roles {
			if err := q.UpsertRole(ctx, authsql.UpsertRoleParams{Name: r.GetName(), Description: r.GetDescription(), Permissions: r.GetPermissions()}); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *store) listRoles(ctx context.Context) ([]*authv1.Role, error) {
	rows, err := s.q.ListRoles(ctx)
	out := make([]*authv1.Role, 0, len(rows))
	for _, r := range rows {
		out = append(out, &authv1.Role{Name: r.Name, Description: r.Description, Permissions: r.Permissions})
	}
	return out, err
}

func (s *store) countAccounts(ctx context.Context) (int64, error) { return s.q.CountAccounts(ctx) }

// createFirstAccount makes an administrator if there is no account at all, and tells whether it did. before runs first, once; the account
// is not made if it fails.
func (s *store) createFirstAccount(ctx context.Context, a authsql.InsertAccountParams, before func() error) (made bool, err error) {
	err = s.tx(ctx, func(q *authsql.Queries) error {
		if err := q.LockFirstStart(ctx); err != nil {
			return err
		}
		if n, err := q.CountAccounts(ctx); err != nil || n > 0 {
			return err
		}
		if err := before(); err != nil {
			return err
		}
		made = true
		return insertAccount(ctx, q, a, []string{adminRole})
	})
	return made && err == nil, err
}

func (s *store) createAccount(ctx context.Context, a authsql.InsertAccountParams, roles []string, line *authv1.AuditLine) error {
	err := s.tx(ctx, func(q *authsql.Queries) error {
		if err := knownRoles(ctx, q, roles); err != nil {
			return err
		}
		if err := insertAccount(ctx, q, a, roles); err != nil {
			return err
		}
		return appendAudit(ctx, q, []*authv1.AuditLine{line}, a.CreatedAt)
	})
	return accountError(err, a.Username)
}

func insertAccount(ctx context.Context, q *authsql.Queries, a authsql.InsertAccountParams, roles []string) error {
	if err := q.InsertAccount(ctx, a); err != nil {
		return err
	}
	return q.InsertAccountRoles(ctx, authsql.InsertAccountRolesParams{AccountID: a.ID, Roles: roles})
}

func knownRoles(ctx context.Context, q *authsql.Queries, roles []string) error {
	n, err := q.CountKnownRoles(ctx, roles)
	if err == nil && n != int64(len(roles)) {
		message := "there is no such role; GET /api/v1/roles lists them"
		return errs.New(codes.InvalidArgument, "ROLE_UNKNOWN", "roles: %s", message).Field("roles", "ROLE_UNKNOWN", message)
	}
	return err
}

func accountError(err error, username string) error {
	if violates(err, "account_username_key") {
		return errs.New(codes.AlreadyExists, "USER_EXISTS", "there is already a user %q", username).Wrap(err)
	}
	return err
}

func (s *store) getAccount(ctx context.Context, id uuid.UUID) (authsql.AccountWithRole, error) {
	return getAccount(ctx, s.q, id)
}

func getAccount(ctx context.Context, q *authsql.Queries, id uuid.UUID) (authsql.AccountWithRole, error) {
	a, err := q.GetAccount(ctx, id)
	if ok, err := found(err); !ok && err == nil {
		return a, errs.NotFound("user", id.String())
	}
	return a, err
}

// findAccount looks a user up by name ignoring case; known is false, without an error, if there is none.
func (s *store) findAccount(ctx context.Context, username string) (a authsql.AccountWithRole, known bool, err error) {
	a, err = s.q.FindAccount(ctx, username)
	known, err = found(err)
	return a, known, err
}

func (s *store) listAccounts(ctx context.Context, after string, size int32) ([]authsql.AccountWithRole, error) {
	return s.q.ListAccounts(ctx, authsql.ListAccountsParams{After: strings.ToLower(after), PageSize: size})
}

func (s *store) listPermissions(ctx context.Context, account uuid.UUID) ([]string, error) {
	return s.q.ListPermissions(ctx, account)
}

// accountChange is what an update sets; nil leaves a field as it is.
type accountChange struct {
	username     *string
	passwordHash *string
	mustChange   *bool
	roles        []string
	setRoles     bool
	line         *authv1.AuditLine
}

// updateAccount changes an account, and ends its sessions if the password changes. It answers the account before and after.
func (s *store) updateAccount(ctx context.Context, id uuid.UUID, c accountChange) (before, after authsql.AccountWithRole, err error) {
	now := c.line.GetAt().AsTime()
	err = s.tx(ctx, func(q *authsql.Queries) error {
		if err := q.LockRole(ctx, adminRole); err != nil {
			return err
		}
		if before, err = getAccount(ctx, q, id); err != nil {
			return err
		}
		u := authsql.UpdateAccountParams{ID: id, Username: before.Username, PasswordHash: before.PasswordHash, MustChangePassword: before.MustChangePassword}
		set(&u.Username, c.username)
		set(&u.PasswordHash, c.passwordHash)
		set(&u.MustChangePassword, c.mustChange)
		if err := q.UpdateAccount(ctx, u); err != nil {
			return err
		}
		if err := changeRoles(ctx, q, id, c); err != nil {
			return err
		}
		if c.passwordHash != nil {
			if err := q.EndSessionsOf(ctx, authsql.EndSessionsOfParams{AccountID: id, Now: now}); err != nil {
				return err
			}
		}
		if err := appendAudit(ctx, q, []*authv1.AuditLine{c.line}, now); err != nil {
			return err
		}
		after, err = getAccount(ctx, q, id)
		return err
	})
	if c.username != nil {
		err = accountError(err, *c.username)
	}
	return before, after, err
}

func set[T any](field *T, value *T) {
	if value != nil {
		*field = *value
	}
}

func changeRoles(ctx context.Context, q *authsql.Queries, id uuid.UUID, c accountChange) error {
	if !c.setRoles {
		return nil
	}
	if err := knownRoles(ctx, q, c.roles); err != nil {
		return err
	}
	if err := q.DeleteAccountRoles(ctx, id); err != nil {
		return err
	}
	if err := q.InsertAccountRoles(ctx, authsql.InsertAccountRolesParams{AccountID: id, Roles: c.roles}); err != nil {
		return err
	}
	return someAdmin(ctx, q)
}

// someAdmin refuses a change that left nobody who may do everything.
func someAdmin(ctx context.Context, q *authsql.Queries) error {
	n, err := q.CountHolders(ctx, adminRole)
	if err == nil && n == 0 {
		return errs.New(codes.FailedPrecondition, "LAST_ADMIN", "this is the last user with the role admin; give the role to another user first")
	}
	return err
}

func (s *store) deleteAccount(ctx context.Context, id uuid.UUID, line *authv1.AuditLine) (before authsql.AccountWithRole, err error) {
	err = s.tx(ctx, func(q *authsql.Queries) error {
		if err := q.LockRole(ctx, adminRole); err != nil {
			return err
		}
		if before, err = getAccount(ctx, q, id); err != nil {
			return err
		}
		if _, err := q.DeleteAccount(ctx, id); err != nil {
			return err
		}
		if err := someAdmin(ctx, q); err != nil {
			return err
		}
		return appendAudit(ctx, q, []*authv1.AuditLine{with(line, map[string]string{"username": before.Username})}, line.GetAt().AsTime())
	})
	return before, err
}

func userOf(a authsql.AccountWithRole) *authv1.User {
	u := &authv1.User{
		Id: a.ID.String(), Username: a.Username, Roles: a.Roles, MustChangePassword: a.MustChangePassword, CreatedAt: timestamppb.New(a.CreatedAt),
	}
	if a.LastLoginAt != nil {
		u.LastLoginAt = timestamppb.New(*a.LastLoginAt)
	}
	return u
}
