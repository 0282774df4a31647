package auth

import (
	"context"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
)

const adminRole = "admin"

// builtinRoles are what every installation has; each start writes them, so that a release can extend them. The lists are explicit:
// "*.read" would give away auth's own rooms with all the others. A test checks them against every RPC there is.
var builtinRoles = []*authv1.Role{
	{Name: adminRole, Description: "May do everything.", Permissions: []string{"*"}},
	{
		Name:        "operator",
		Description: "Runs the inventory, jobs and schedules; sees no secret and changes no user, credential, platform page or agent.",
		// A platform's page says what is typed on its devices and which of its lines are secret: whoever writes one can do anything.
		Permissions: []string{
			"inventory.device.read", "inventory.device.write", "inventory.site.read", "inventory.site.write", "inventory.gateway.read", "inventory.gateway.write",
			"inventory.tag.read", "inventory.platform.read",
			"job.job.read", "job.job.write", "job.run.read", "job.run.create", "job.run.cancel", "job.transcript.read",
			"scheduler.schedule.read", "scheduler.schedule.write",
			"gitstore.revision.read", "gitstore.revision.accept", "gitstore.remote.read", "hub.agent.read", "vault.credential.read",
		},
	},
	{
		Name:        "viewer",
		Description: "Reads everything but users and secrets; changes nothing.",
		Permissions: []string{
			"inventory.device.read", "inventory.site.read", "inventory.tag.read", "inventory.gateway.read", "inventory.platform.read",
			"job.job.read", "job.run.read", "job.transcript.read", "scheduler.schedule.read",
			"gitstore.revision.read", "gitstore.remote.read", "hub.agent.read", "vault.credential.read",
		},
	},
}

// ListRoles answers the roles and what each permits.
func (s *Service) ListRoles(ctx context.Context, _ *authv1.ListRolesRequest) (*authv1.ListRolesResponse, error) {
	roles, err := s.store.listRoles(ctx)
	return &authv1.ListRolesResponse{Items: roles}, err
}
