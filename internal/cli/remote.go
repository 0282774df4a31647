package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

func (a *app) remoteCommand() *cobra.Command {
	complete := namesOf[gitstorev1.Remote](remoteNoun.path)
	return group("remote", "Remotes: git servers that the masked history is pushed to",
		a.remoteListCommand(), a.remoteAddCommand(), a.remoteSetCommand(complete), a.remotePushCommand(complete),
		a.showCommand(remoteNoun, "Show a remote and how it fares, without its secrets", (*client).remoteID, complete, func() proto.Message { return &gitstorev1.Remote{} }),
		a.deleteCommand(remoteNoun, "REMOTE...", "Remove remotes and their secrets for good; what was pushed stays there", (*client).remoteID, complete))
}

func (a *app) remoteListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List remotes by name, and which are behind",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			all, err := list[gitstorev1.Remote](cmd.Context(), c, remoteNoun.path, nil, 0)
			if err != nil {
				return err
			}
			t := newTable("NAME", "URL", "ENABLED", "PUSHED", "BEHIND SINCE", "PROBLEM")
			for _, r := range all.items {
				t.add(r.Name, r.Url, yesNo(r.GetEnabled()), when(r.State.GetLastPushedAt()), when(r.State.GetBehindSince()), dash(r.State.GetReason()))
			}
			return a.show(cmd, all.raw, t)
		}),
	}
}

// remoteSecrets are asked for in this order.
var remoteSecrets = []secretField{{"password", "password", "Password or token"}, {"passphrase", "passphrase", "Passphrase of the private key"}}

func remoteForm(c *cobra.Command) *form {
	return newForm(c).
		text("url", "url", "https://HOST/PATH, ssh://USER@HOST/PATH or USER@HOST:PATH, without a password").
		text("username", "username", "user name there (default: the url's, or git)").
		file("known-host-file", "known_host", "file with the SSH server's public keys, as ssh-keyscan shows them").
		yes("accept-first-host-key", "accept_first_host_key", "take the key that the SSH server shows first, and refuse any other from then on").
		file("ca-file", "ca", "file with who signed the HTTPS server's certificate, where the system does not know it").
		yes("enabled", "enabled", "whether it is pushed to by itself (--enabled=false: hold it)")
}

func (a *app) remoteAddCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "add NAME", Short: "Add a git server that the history is pushed to from now on",
		Long: "Add a git server that the history is pushed to from now on: the branch main, masked, to the branch main of a repository that must exist there and\n" +
			"be empty. Over HTTPS the password or token is asked for unless it comes from a file; SSH needs a private key and the server's public key.",
		Example: "  netraven remote add gitlab --url https://gitlab.example.net/network/configs.git --username oauth2\n" +
			"  netraven remote add backup --url git@git.example.net:configs.git --private-key-file deploy-key --known-host-file known_hosts",
	}
	f, s := remoteForm(c).text("repository", "repository", "which of our repositories is pushed (default: configs)"), newSecretFlags(c, remoteSecrets)
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		body, err := f.body()
		if err != nil {
			return err
		}
		url, _ := body["url"].(string)
		if err := a.readSecrets(cmd, s, body, strings.HasPrefix(url, "https:")); err != nil {
			return err
		}
		body["name"] = args[0]
		return a.created(cmd, c, remoteNoun, body, &gitstorev1.Remote{})
	})
	return c
}

func (a *app) remoteSetCommand(complete source) *cobra.Command {
	c := &cobra.Command{
		Use: "set REMOTE", Short: "Change a remote; a url at another server needs the secret again", ValidArgsFunction: a.complete(0, complete),
		Example: "  netraven remote set gitlab --ask-password\n  netraven remote set gitlab --enabled=false",
	}
	f, s := remoteForm(c).text("name", "name", "new name"), newSecretFlags(c, remoteSecrets)
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		body, err := f.body()
		if err != nil {
			return err
		}
		if err := a.readSecrets(cmd, s, body, false); err != nil {
			return err
		}
		if len(body) == 0 {
			return usageError(cmd, "nothing to change: give at least one flag")
		}
		return a.updated(cmd, c, remoteNoun, body, args[0], (*client).remoteID, &gitstorev1.Remote{})
	})
	return c
}

func (a *app) remotePushCommand(complete source) *cobra.Command {
	return &cobra.Command{
		Use: "push REMOTE", Short: "Push to a remote now and say how that went", ValidArgsFunction: a.complete(0, complete),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			id, err := c.remoteID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			r := &gitstorev1.Remote{}
			raw, err := c.post(cmd.Context(), remoteNoun.of(id, ":push"), nil, r)
			if err != nil {
				return err
			}
			switch state := r.State; {
			case state.GetPushing():
				say(cmd, "The push to %s is still under way; netraven remote show %s says how it goes on.", safe(r.Name), safe(r.Name))
			case state.GetReason() != "":
				if err := a.show(cmd, raw, fields(state)); err != nil {
					return err
				}
				return fmt.Errorf("%s\n%s", safe(state.Error), safe(state.Reason))
			case state.GetLastPushedCommit() == "":
				say(cmd, "%s can be pushed to; there is no history yet.", safe(r.Name))
			default:
				say(cmd, "%s has the history up to %s.", safe(r.Name), safe(state.LastPushedCommit))
			}
			return a.show(cmd, raw, fields(r.State))
		}),
	}
}
