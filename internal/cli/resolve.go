package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/google/uuid"
	"google.golang.org/protobuf/proto"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	schedulerv1 "github.com/netraven/netraven/gen/go/netraven/scheduler/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

// noun is a kind of thing that people call by name and the API by id.
type noun struct {
	name, path string
	// command lists what there is.
	command string
}

var (
	deviceNoun     = noun{"device", "/api/v1/devices", "device"}
	siteNoun       = noun{"site", "/api/v1/sites", "site"}
	gatewayNoun    = noun{"gateway", "/api/v1/gateways", "gateway"}
	platformNoun   = noun{"platform", "/api/v1/platforms", "platform"}
	credentialNoun = noun{"credential", "/api/v1/credentials", "credential"}
	jobNoun        = noun{"job", "/api/v1/jobs", "job"}
	scheduleNoun   = noun{"schedule", "/api/v1/schedules", "schedule"}
	userNoun       = noun{"user", "/api/v1/users", "user"}
	remoteNoun     = noun{"remote", "/api/v1/remotes", "remote"}
)

// of is the path of one thing, below the noun's.
func (n noun) of(id string, more ...string) string {
	return n.path + "/" + url.PathEscape(id) + strings.Join(more, "")
}

// named is a message with an id and a name.
type named[T any] interface {
	message[T]
	GetId() string
}

// nameOf is what people call a thing.
func nameOf(m proto.Message) string {
	if user, ok := m.(*authv1.User); ok {
		return user.Username
	}
	if m, ok := m.(interface{ GetName() string }); ok {
		return m.GetName()
	}
	return ""
}

// isID tells an id from a name.
func isID(s string) bool { return len(s) == 36 && uuid.Validate(s) == nil }

// idOf answers the id of what arg names, ignoring case, or arg itself if it is an id already. No match and several matches are errors that say
// what to do.
func idOf[T any, M named[T]](ctx context.Context, c *client, n noun, arg string) (string, error) {
	if isID(arg) {
		return arg, nil
	}
	query := url.Values{}
	if n == deviceNoun {
		query.Set("name", arg) // a substring: narrows what is read
	}
	all, err := list[T, M](ctx, c, n.path, query, 0)
	if err != nil {
		return "", err
	}
	var found []M
	for _, m := range all.items {
		if strings.EqualFold(nameOf(m), arg) {
			found = append(found, m)
		}
	}
	switch len(found) {
	case 1:
		return found[0].GetId(), nil
	case 0:
		return "", fmt.Errorf("there is no %s %q; netraven %s list shows what there is", n.name, safe(arg), n.command)
	}
	return "", ambiguous[T](ctx, c, n, arg, found)
}

func ambiguous[T any, M named[T]](ctx context.Context, c *client, n noun, arg string, found []M) error {
	var b strings.Builder
	site := names[inventoryv1.Site](ctx, c, siteNoun)
	fmt.Fprintf(&b, "%d %ss are called %q; give the id instead:", len(found), n.name, safe(arg))
	for _, m := range found {
		fmt.Fprintf(&b, "\n  %s  %s", m.GetId(), safe(nameOf(m)))
		if d, ok := any(m).(*inventoryv1.Device); ok {
			fmt.Fprintf(&b, "  at %s, site %s", safe(d.Address), safe(site(d.SiteId)))
		}
	}
	return fmt.Errorf("%s", b.String())
}

func (c *client) deviceID(ctx context.Context, arg string) (string, error) {
	id, err := idOf[inventoryv1.Device](ctx, c, deviceNoun, arg)
	if err == nil {
		return id, nil
	}
	// A name that several sites use may be given as SITE/NAME.
	site, name, ok := strings.Cut(arg, "/")
	if !ok {
		return "", err
	}
	siteID, siteErr := c.siteID(ctx, site)
	if siteErr != nil {
		return "", err
	}
	all, siteErr := list[inventoryv1.Device](ctx, c, deviceNoun.path, url.Values{"name": {name}, "site_id": {siteID}}, 0)
	if siteErr != nil {
		return "", siteErr
	}
	for _, d := range all.items {
		if strings.EqualFold(d.Name, name) {
			return d.Id, nil
		}
	}
	return "", err
}

func (c *client) siteID(ctx context.Context, arg string) (string, error) {
	return idOf[inventoryv1.Site](ctx, c, siteNoun, arg)
}

func (c *client) gatewayID(ctx context.Context, arg string) (string, error) {
	return idOf[inventoryv1.Gateway](ctx, c, gatewayNoun, arg)
}

func (c *client) credentialID(ctx context.Context, arg string) (string, error) {
	return idOf[vaultv1.Credential](ctx, c, credentialNoun, arg)
}

func (c *client) jobID(ctx context.Context, arg string) (string, error) {
	return idOf[jobv1.Job](ctx, c, jobNoun, arg)
}

func (c *client) scheduleID(ctx context.Context, arg string) (string, error) {
	return idOf[schedulerv1.Schedule](ctx, c, scheduleNoun, arg)
}

func (c *client) userID(ctx context.Context, arg string) (string, error) {
	return idOf[authv1.User](ctx, c, userNoun, arg)
}

func (c *client) remoteID(ctx context.Context, arg string) (string, error) {
	return idOf[gitstorev1.Remote](ctx, c, remoteNoun, arg)
}

func (c *client) agentID(ctx context.Context, arg string) (string, error) {
	return idOf[hubv1.Agent](ctx, c, noun{"agent", "/api/v1/agents", "gateway agents"}, arg)
}

// each resolves several names in their order.
func each(ctx context.Context, args []string, resolve func(context.Context, string) (string, error)) ([]string, error) {
	ids := []string{}
	for _, arg := range args {
		id, err := resolve(ctx, arg)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// names answers id -> name of all of a noun, to show in tables. Who may not list them sees ids.
func names[T any, M named[T]](ctx context.Context, c *client, n noun) func(id string) string {
	byID := map[string]string{}
	if all, err := list[T, M](ctx, c, n.path, nil, 0); err == nil {
		for _, m := range all.items {
			byID[m.GetId()] = nameOf(m)
		}
	}
	return func(id string) string {
		if name, ok := byID[id]; ok {
			return name
		}
		return id
	}
}
