package cli

import (
	"context"
	"net"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"
)

// action is the body of a command that talks to the server.
type action func(cmd *cobra.Command, c *client, args []string) error

// with makes the client before an action.
func (a *app) with(do action) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		c, err := a.client()
		if err != nil {
			return err
		}
		return do(cmd, c, args)
	}
}

// resolver answers the id of something that was named.
type resolver func(c *client, ctx context.Context, arg string) (string, error)

// resolve is a resolver for a flag, whose client is made only if the flag is given.
func (a *app) resolve(cmd *cobra.Command, by resolver) func(string) (string, error) {
	return func(arg string) (string, error) {
		c, err := a.client()
		if err != nil {
			return "", err
		}
		return by(c, cmd.Context(), arg)
	}
}

// create posts a form as a new thing of that name and shows the answer.
func (a *app) create(cmd *cobra.Command, c *client, n noun, f *form, name string, m proto.Message) error {
	body, err := f.body()
	if err != nil {
		return err
	}
	body["name"] = name
	return a.created(cmd, c, n, body, m)
}

func (a *app) created(cmd *cobra.Command, c *client, n noun, body fieldMap, m proto.Message) error {
	raw, err := c.post(cmd.Context(), n.path, body, m)
	if err != nil {
		return err
	}
	say(cmd, "Added %s %s.", n.name, safe(nameOf(m)))
	return a.show(cmd, raw, fields(m))
}

// update patches what arg names with the flags that were given and shows the answer.
func (a *app) update(cmd *cobra.Command, c *client, n noun, f *form, arg string, by resolver, m proto.Message) error {
	body, err := f.changes()
	if err != nil {
		return err
	}
	return a.updated(cmd, c, n, body, arg, by, m)
}

func (a *app) updated(cmd *cobra.Command, c *client, n noun, body fieldMap, arg string, by resolver, m proto.Message) error {
	id, err := by(c, cmd.Context(), arg)
	if err != nil {
		return err
	}
	raw, err := c.patch(cmd.Context(), n.of(id), body, m)
	if err != nil {
		return err
	}
	say(cmd, "Changed %s %s.", n.name, safe(nameOf(m)))
	return a.show(cmd, raw, fields(m))
}

// showCommand shows one thing by name or id.
func (a *app) showCommand(n noun, short string, by resolver, complete source, m func() proto.Message) *cobra.Command {
	return &cobra.Command{
		Use: "show " + strings.ToUpper(n.name), Short: short, ValidArgsFunction: a.complete(0, complete),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			id, err := by(c, cmd.Context(), args[0])
			if err != nil {
				return err
			}
			answer := m()
			raw, err := c.get(cmd.Context(), n.of(id), nil, answer)
			if err != nil {
				return err
			}
			return a.show(cmd, raw, fields(answer))
		}),
	}
}

// deleteCommand removes things by name or id. All names are looked up before the first is removed, so that a typing error removes nothing.
func (a *app) deleteCommand(n noun, args, short string, by resolver, complete source) *cobra.Command {
	return &cobra.Command{
		Use: "delete " + args, Short: short, Aliases: []string{"rm"}, ValidArgsFunction: a.complete(-1, complete),
		RunE: a.with(func(cmd *cobra.Command, c *client, args []string) error {
			ids, err := each(cmd.Context(), args, func(ctx context.Context, arg string) (string, error) { return by(c, ctx, arg) })
			if err != nil {
				return err
			}
			for i, id := range ids {
				if err := c.delete(cmd.Context(), n.of(id)); err != nil {
					return err
				}
				say(cmd, "Deleted %s %s.", n.name, safe(args[i]))
			}
			return nil
		}),
	}
}

func hostPort(host string, port int32) string {
	return net.JoinHostPort(host, strconv.Itoa(int(port)))
}
