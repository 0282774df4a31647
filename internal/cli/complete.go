package cli

import (
	"context"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

const (
	// completionTime bounds how long a shell waits for names; no names are better than a hanging prompt.
	completionTime = 3 * time.Second
	completionRows = 200
)

type completion func(cmd *cobra.Command, args []string, toComplete string) ([]string, cobra.ShellCompDirective)

// source answers names to complete with; a text after a tab says more about one.
type source func(ctx context.Context, c *client, prefix string) []string

// complete makes a completion from a source of names. The n-th argument only, or every one if n is below zero.
func (a *app) complete(n int, from source) completion {
	return func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
		if n >= 0 && len(args) != n {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		c, err := a.client()
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTime)
		defer cancel()
		var fit []string
		for _, name := range from(ctx, c, prefix) {
			if word, _, _ := strings.Cut(name, "\t"); len(word) >= len(prefix) && strings.EqualFold(word[:len(prefix)], prefix) {
				fit = append(fit, name)
			}
		}
		return fit, cobra.ShellCompDirectiveNoFileComp
	}
}

// completeFlag gives a flag the names of a source.
func (a *app) completeFlag(cmd *cobra.Command, flag string, from source) {
	_ = cmd.RegisterFlagCompletionFunc(flag, a.complete(-1, from))
}

// deviceNames are devices that match what is typed, with address and platform beside.
func deviceNames(ctx context.Context, c *client, prefix string) []string {
	query := url.Values{}
	if prefix != "" {
		query.Set("name", prefix)
	}
	all, err := list[inventoryv1.Device](ctx, c, deviceNoun.path, query, completionRows)
	if err != nil {
		return nil
	}
	var out []string
	for _, d := range all.items {
		out = append(out, safe(d.Name)+"\t"+safe(d.Address)+" "+safe(d.Platform))
	}
	return out
}

// namesOf are all names of a noun.
func namesOf[T any, M message[T]](path string) source {
	return func(ctx context.Context, c *client, _ string) []string {
		all, err := list[T, M](ctx, c, path, nil, completionRows)
		if err != nil {
			return nil
		}
		var out []string
		for _, m := range all.items {
			out = append(out, safe(nameOf(m)))
		}
		return out
	}
}

// runIDs are the newest runs, with what they are beside.
func runIDs(ctx context.Context, c *client, _ string) []string {
	all, err := list[jobv1.Run](ctx, c, "/api/v1/runs", nil, 20)
	if err != nil {
		return nil
	}
	var out []string
	for _, r := range all.items {
		out = append(out, r.Id+"\t"+safe(r.Kind)+" "+r.State.String()+" "+when(r.CreatedAt))
	}
	return out
}
