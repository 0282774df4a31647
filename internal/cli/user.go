package cli

import (
	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
)

func (a *app) userCommand() *cobra.Command {
	complete := namesOf[authv1.User](userNoun.path)
	return group("user", "Users: people who sign in, and what they may do",
		a.userListCommand(), a.userAddCommand(), a.userSetCommand(complete), a.rolesCommand(),
		a.showCommand(userNoun, "Show a user", (*client).userID, complete, func() proto.Message { return &authv1.User{} }),
		a.deleteCommand(userNoun, "USER...", "Remove users and end their sessions", (*client).userID, complete))
}

func (a *app) userListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List users by name",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			all, err := list[authv1.User](cmd.Context(), c, userNoun.path, nil, 0)
			if err != nil {
				return err
			}
			t := newTable("NAME", "ROLES", "MUST CHANGE PASSWORD", "LAST LOGIN")
			for _, u := range all.items {
				t.add(u.Username, joined(u.Roles), yesNo(u.MustChangePassword), when(u.LastLoginAt))
			}
			return a.show(cmd, all.raw, t)
		}),
	}
}

func (a *app) userForm(c *cobra.Command) *form {
	f := newForm(c).
		list("role", "roles", "roles; netraven user roles shows them").
		yes("must-change-password", "must_change_password", "whether the next sign-in asks for a new password")
	a.completeFlag(c, "role", namesOf[authv1.Role]("/api/v1/roles"))
	return f
}

func (a *app) userAddCommand() *cobra.Command {
	var fromStdin bool
	c := &cobra.Command{
		Use: "add NAME", Short: "Add a user; the password is asked for",
		Example: "  netraven user add ada --role operator --must-change-password",
	}
	f := a.userForm(c)
	c.Flags().BoolVar(&fromStdin, "password-stdin", false, "the password is the first line of standard input (as it is without a terminal)")
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		body, err := f.body()
		if err != nil {
			return err
		}
		password, err := a.askNewSecret(cmd, "Password of "+safe(args[0]))
		if err != nil {
			return err
		}
		body["username"], body["password"] = args[0], password.Reveal()
		return a.created(cmd, c, userNoun, body, &authv1.User{})
	})
	return c
}

func (a *app) userSetCommand(complete source) *cobra.Command {
	var ask bool
	c := &cobra.Command{Use: "set USER", Short: "Change a user", ValidArgsFunction: a.complete(0, complete)}
	f := a.userForm(c).text("username", "username", "new name")
	c.Flags().BoolVar(&ask, "ask-password", false, "ask for a new password; without a terminal it is the first line of standard input")
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		body, err := f.body()
		if err != nil {
			return err
		}
		if ask {
			password, err := a.askNewSecret(cmd, "New password of "+safe(args[0]))
			if err != nil {
				return err
			}
			body["password"] = password.Reveal()
		}
		if len(body) == 0 {
			return usageError(cmd, "nothing to change: give at least one flag")
		}
		return a.updated(cmd, c, userNoun, body, args[0], (*client).userID, &authv1.User{})
	})
	return c
}

func (a *app) rolesCommand() *cobra.Command {
	return &cobra.Command{
		Use: "roles", Short: "List roles and what each permits",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			all, err := list[authv1.Role](cmd.Context(), c, "/api/v1/roles", nil, 0)
			if err != nil {
				return err
			}
			t := newTable("NAME", "DESCRIPTION", "PERMISSIONS")
			for _, r := range all.items {
				t.add(r.Name, dash(r.Description), joined(r.Permissions))
			}
			return a.show(cmd, all.raw, t)
		}),
	}
}
