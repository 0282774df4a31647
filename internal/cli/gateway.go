package cli

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
)

func (a *app) gatewayCommand() *cobra.Command {
	complete := namesOf[inventoryv1.Gateway](gatewayNoun.path)
	return group("gateway", "Gateways: remote locations where agents run",
		a.gatewayListCommand(), a.gatewayAddCommand(), a.gatewaySetCommand(complete), a.joinTokenCommand(complete),
		a.agentsCommand(), a.revokeCommand(),
		a.showCommand(gatewayNoun, "Show a gateway", (*client).gatewayID, complete, func() proto.Message { return &inventoryv1.Gateway{} }),
		a.deleteCommand(gatewayNoun, "GATEWAY...", "Remove gateways that nothing uses", (*client).gatewayID, complete))
}

func (a *app) gatewayListCommand() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List gateways by name",
		RunE: a.with(func(cmd *cobra.Command, c *client, _ []string) error {
			all, err := list[inventoryv1.Gateway](cmd.Context(), c, gatewayNoun.path, nil, 0)
			if err != nil {
				return err
			}
			t := newTable("NAME", "MAX SESSIONS", "LOGINS/S", "ID")
			for _, g := range all.items {
				t.add(g.Name, number(g.MaxSessions), number(g.LoginsPerSecond), g.Id)
			}
			return a.show(cmd, all.raw, t)
		}),
	}
}

func gatewayForm(c *cobra.Command) *form {
	return newForm(c).
		number("max-sessions", "max_sessions", "sessions at once for each agent (default 50)").
		number("logins-per-second", "logins_per_second", "logins a second over all its agents (default 20)")
}

func (a *app) gatewayAddCommand() *cobra.Command {
	var ttl int32
	c := &cobra.Command{
		Use: "add NAME", Short: "Add a gateway and print the one command that starts an agent there",
		Long: "Add a gateway and make a token that lets one agent in, once. Standard output is the command to paste on the machine that will be the\n" +
			"agent; the token is in it and is not shown again.",
	}
	f := gatewayForm(c)
	c.Flags().Int32Var(&ttl, "ttl", 0, "seconds that the join token lives (default 3600)")
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		body, err := f.body()
		if err != nil {
			return err
		}
		body["name"] = args[0]
		g := &inventoryv1.Gateway{}
		if _, err := c.post(cmd.Context(), gatewayNoun.path, body, g); err != nil {
			if hasReason(err, "GATEWAY_EXISTS") {
				say(cmd, "For another agent there: netraven gateway join-token %s", safe(args[0]))
			}
			return err
		}
		say(cmd, "Added gateway %s.", safe(g.Name))
		return a.joinToken(cmd, c, g.Id, ttl)
	})
	return c
}

func (a *app) joinTokenCommand(complete source) *cobra.Command {
	var ttl int32
	c := &cobra.Command{
		Use: "join-token GATEWAY", Short: "Make a token for one more agent and print the command", ValidArgsFunction: a.complete(0, complete),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			id, err := c.gatewayID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			return a.joinToken(cmd, c, id, ttl)
		}),
	}
	c.Flags().Int32Var(&ttl, "ttl", 0, "seconds that the join token lives (default 3600)")
	return c
}

func (a *app) joinToken(cmd *cobra.Command, c *client, gatewayID string, ttl int32) error {
	body := fieldMap{}
	if ttl != 0 {
		body["ttl_seconds"] = ttl
	}
	token := &hubv1.JoinToken{}
	var raw json.RawMessage
	raw, err := c.post(cmd.Context(), gatewayNoun.of(gatewayID, "/join_tokens"), body, token)
	if err != nil {
		return err
	}
	if a.json() {
		return writeJSON(cmd.OutOrStdout(), raw)
	}
	say(cmd, "Paste this where the agent shall run. It works once, until %s.\n", when(token.ExpiresAt))
	_, err = fmt.Fprintln(cmd.OutOrStdout(), strings.TrimRight(safeLines(token.Command), "\n"))
	return err
}

func (a *app) gatewaySetCommand(complete source) *cobra.Command {
	c := &cobra.Command{Use: "set GATEWAY", Short: "Change a gateway; limits take effect at once", ValidArgsFunction: a.complete(0, complete)}
	f := gatewayForm(c).text("name", "name", "new name")
	c.RunE = a.with(func(cmd *cobra.Command, c *client, args []string) error {
		return a.update(cmd, c, gatewayNoun, f, args[0], (*client).gatewayID, &inventoryv1.Gateway{})
	})
	return c
}

func (a *app) agentsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "agents [GATEWAY]", Short: "List agents and whether they are there", ValidArgsFunction: a.complete(0, namesOf[inventoryv1.Gateway](gatewayNoun.path)),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			query := url.Values{}
			if len(args) > 0 {
				id, err := c.gatewayID(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				query.Set("gateway_id", id)
			}
			all, err := list[hubv1.Agent](cmd.Context(), c, "/api/v1/agents", query, 0)
			if err != nil {
				return err
			}
			if a.json() {
				return writeJSON(cmd.OutOrStdout(), all.raw)
			}
			gatewayName := names[inventoryv1.Gateway](cmd.Context(), c, gatewayNoun)
			t := newTable("NAME", "GATEWAY", "STATE", "VERSION", "SESSIONS", "LAST SEEN", "ID")
			for _, g := range all.items {
				t.add(g.Name, gatewayName(g.GatewayId), g.State.String(), dash(g.Version), number(g.Sessions), when(g.LastSeenAt), g.Id)
			}
			return t.write(cmd.OutOrStdout())
		}),
	}
}

func (a *app) revokeCommand() *cobra.Command {
	return &cobra.Command{
		Use: "revoke AGENT", Short: "End an agent's right to connect and cut its connection",
		ValidArgsFunction: a.complete(0, namesOf[hubv1.Agent]("/api/v1/agents")),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			id, err := c.agentID(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			agent := &hubv1.Agent{}
			raw, err := c.post(cmd.Context(), "/api/v1/agents/"+url.PathEscape(id)+":revoke", nil, agent)
			if err != nil {
				return err
			}
			say(cmd, "Revoked agent %s.", safe(agent.Name))
			return a.show(cmd, raw, fields(agent))
		}),
	}
}
