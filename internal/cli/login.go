package cli

import (
	"errors"
	"net"
	"strings"

	"github.com/spf13/cobra"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
)

func (a *app) loginCommand() *cobra.Command {
	var username string
	var fromStdin bool
	c := &cobra.Command{
		Use: "login", Short: "Sign in to a server and keep the tokens",
		Long: "Sign in. The password is typed without being shown; where standard input is no terminal, or with --password-stdin, it is the first\n" +
			"line of standard input. The tokens are kept in a file that only you can read, one for each server, and are refreshed when they expire.",
		Example: "  netraven login\n  netraven login --username ada --server https://netraven.example.net:8080 --password-stdin < password-file",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			if c.session.given != "" {
				return errors.New("a token is given already (--token or NETRAVEN_TOKEN), so there is nothing to sign in for; unset it first")
			}
			warnPlain(cmd, c)
			if username == "" && !fromStdin {
				if username, err = a.ask(cmd, "User name"); err != nil {
					return err
				}
			}
			if username == "" {
				return usageError(cmd, "who is signing in? Give --username")
			}
			password, err := a.askSecret(cmd, "Password")
			if err != nil {
				return err
			}
			return c.session.login(cmd, username, password.Reveal())
		},
	}
	c.Flags().StringVarP(&username, "username", "u", "", "user name (asked for if missing)")
	c.Flags().BoolVar(&fromStdin, "password-stdin", false, "standard input is the password and nothing else")
	return c
}

func (s *session) login(cmd *cobra.Command, username, password string) error {
	pair := &authv1.TokenPair{}
	if err := s.exchange(cmd.Context(), "/api/v1/auth/login", &authv1.LoginRequest{Username: username, Password: password}, pair); err != nil {
		return err
	}
	unlock, err := s.file.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.store(username, pair); err != nil {
		return err
	}
	say(cmd, "Signed in to %s as %s.", s.client.base, safe(username))
	if pair.MustChangePassword {
		say(cmd, "The password must be changed before anything else works: netraven password")
	}
	return nil
}

// warnPlain says when a password is about to cross a network unprotected.
func warnPlain(cmd *cobra.Command, c *client) {
	host := c.base.Hostname()
	if ip := net.ParseIP(host); c.base.Scheme == "https" || strings.EqualFold(host, "localhost") || (ip != nil && ip.IsLoopback()) {
		return
	}
	say(cmd, "warning: %s is plain HTTP, so the password can be read on the way", c.base)
}

func (a *app) logoutCommand() *cobra.Command {
	return &cobra.Command{
		Use: "logout", Short: "End the session and forget the tokens",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			if c.session.given != "" {
				return errors.New("--token or NETRAVEN_TOKEN is in use; there are no stored tokens to forget for it")
			}
			t, err := c.session.file.load()
			if err != nil || t.AccessToken == "" {
				if err == nil {
					say(cmd, "Nobody was signed in to %s.", c.base)
				}
				return errors.Join(err, c.session.file.remove())
			}
			_, ended := c.post(cmd.Context(), "/api/v1/auth/logout", nil, nil)
			if err := c.session.file.remove(); err != nil {
				return err
			}
			if ended != nil && !hasStatus(ended, 401) {
				say(cmd, "warning: the tokens are forgotten here, but the server still knows the session: %s", safe(ended.Error()))
				return nil
			}
			say(cmd, "Signed out of %s.", c.base)
			return nil
		},
	}
}

func (a *app) whoamiCommand() *cobra.Command {
	return &cobra.Command{
		Use: "whoami", Short: "Say who is signed in, and what they may do",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			me := &authv1.Me{}
			raw, err := c.get(cmd.Context(), "/api/v1/auth/me", nil, me)
			if err != nil {
				return err
			}
			return a.show(cmd, raw, fields(me).with("server", c.base.String()))
		},
	}
}

func (a *app) passwordCommand() *cobra.Command {
	return &cobra.Command{
		Use: "password", Short: "Change your own password",
		Long: "Change your own password, and end all your other sessions. Where standard input is no terminal its first line is the present password\n" +
			"and its second line the new one.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.client()
			if err != nil {
				return err
			}
			warnPlain(cmd, c)
			current, err := a.askSecret(cmd, "Present password")
			if err != nil {
				return err
			}
			chosen, err := a.askNewSecret(cmd, "New password")
			if err != nil {
				return err
			}
			pair := &authv1.TokenPair{}
			body := fieldMap{"current_password": current.Reveal(), "new_password": chosen.Reveal()}
			if _, err := c.post(cmd.Context(), "/api/v1/auth/password", body, pair); err != nil {
				return err
			}
			return a.keepNewTokens(cmd, c, pair)
		},
	}
}

// keepNewTokens stores what a password change answered; with a given token there is no file to keep.
func (a *app) keepNewTokens(cmd *cobra.Command, c *client, pair *authv1.TokenPair) error {
	say(cmd, "The password is changed; your other sessions have ended.")
	if c.session.given != "" {
		return nil
	}
	unlock, err := c.session.file.lock()
	if err != nil {
		return err
	}
	defer unlock()
	t, err := c.session.file.load()
	if err != nil {
		return err
	}
	return c.session.store(t.Username, pair)
}
