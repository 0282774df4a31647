package app

import (
	"context"
	"io/fs"
	"path/filepath"
	"time"

	"google.golang.org/grpc"

	authdb "github.com/netraven/netraven/db/auth"
	gitstoredb "github.com/netraven/netraven/db/gitstore"
	hubdb "github.com/netraven/netraven/db/hub"
	inventorydb "github.com/netraven/netraven/db/inventory"
	jobdb "github.com/netraven/netraven/db/job"
	schedulerdb "github.com/netraven/netraven/db/scheduler"
	vaultdb "github.com/netraven/netraven/db/vault"
	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/keyfile"
	"github.com/netraven/netraven/internal/pki"
	"github.com/netraven/netraven/jobkind"
	"github.com/netraven/netraven/services/api"
	"github.com/netraven/netraven/services/auth"
	"github.com/netraven/netraven/services/gitstore"
	"github.com/netraven/netraven/services/hub"
	"github.com/netraven/netraven/services/inventory"
	"github.com/netraven/netraven/services/job"
	"github.com/netraven/netraven/services/scheduler"
	"github.com/netraven/netraven/services/vault"
)

// service is what every service is to its process.
type service interface {
	Register(grpc.ServiceRegistrar)
	Run(context.Context) error
}

// room is one service: its name, its tables, the neighbours it calls, and how it is made of them.
type room struct {
	name       string
	migrations fs.FS
	calls      []string
	build      func(*parts) (service, error)
}

// catalog lists the house. The arrows point down only: api -> all, scheduler -> job, hub -> job, vault, gitstore, inventory, job -> vault, inventory,
// vault -> inventory, gitstore -> vault, inventory, everyone -> auth, auth -> nobody.
var catalog = []room{
	{"auth", authdb.Migrations, nil, func(p *parts) (service, error) {
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		return auth.New(auth.Config{AdminPasswordFile: filepath.Join(p.cfg.Data, "admin-password"), AdminPassword: p.cfg.AdminPassword},
			auth.Deps{Pool: p.pool, Log: p.log, Key: key})
	}},
	{"inventory", inventorydb.Migrations, []string{"auth"}, func(p *parts) (service, error) {
		pages, err := customPages(filepath.Join(p.cfg.Data, "platforms"))
		if err != nil {
			return nil, err
		}
		return inventory.New(inventory.Config{Pages: pages}, inventory.Deps{Pool: p.pool, Log: p.log, Metrics: p.metrics,
			Trust: authv1.NewTrustServiceClient(p.to["auth"])})
	}},
	{"vault", vaultdb.Migrations, []string{"auth", "inventory"}, func(p *parts) (service, error) {
		key, err := p.key()
		if err != nil { // without its key vault starts, answers what needs no secret, and says what is missing
			p.log.Error("vault starts without its key: nothing can be opened", "err", err)
		}
		return vault.New(vault.Config{RecoveryKeyFile: filepath.Join(p.cfg.Data, "recovery-key")}, vault.Deps{Pool: p.pool, Log: p.log, Key: key,
			Inventory: inventoryv1.NewTargetServiceClient(p.to["inventory"]), Trust: authv1.NewTrustServiceClient(p.to["auth"]),
			Certificates: authv1.NewCertificateServiceClient(p.to["auth"])})
	}},
	{"job", jobdb.Migrations, []string{"auth", "inventory", "vault"}, func(p *parts) (service, error) {
		signer, err := pki.NewSigner(authv1.NewCertificateServiceClient(p.to["auth"]), authv1.IssueCertificateRequest_SPEC_SIGNER, nil)
		if err != nil {
			return nil, err
		}
		return job.New(job.Config{KeepRuns: time.Duration(p.cfg.KeepRunsDays) * 24 * time.Hour}, job.Deps{Pool: p.pool, Log: p.log, Kinds: kinds(), Signer: signer,
			Inventory: inventoryv1.NewTargetServiceClient(p.to["inventory"]), Vault: vaultv1.NewGrantServiceClient(p.to["vault"]),
			Trust: authv1.NewTrustServiceClient(p.to["auth"])})
	}},
	{"scheduler", schedulerdb.Migrations, []string{"auth", "job"}, func(p *parts) (service, error) {
		return scheduler.New(scheduler.Config{}, scheduler.Deps{Pool: p.pool, Log: p.log, Jobs: jobv1.NewJobServiceClient(p.to["job"])})
	}},
	{"gitstore", gitstoredb.Migrations, []string{"auth", "inventory", "vault"}, func(p *parts) (service, error) {
		var key *keyfile.Key
		if p.cfg.Mirror != "" {
			var err error
			if key, err = p.key(); err != nil {
				return nil, err
			}
		}
		return gitstore.New(gitstore.Config{Dir: filepath.Join(p.cfg.Data, "gitstore"), Mirror: p.cfg.Mirror,
			KeepOriginals: time.Duration(p.cfg.KeepOriginalsDays) * 24 * time.Hour, Plain: p.cfg.HistoryText == plain}, gitstore.Deps{Pool: p.pool, Log: p.log, Key: key, Metrics: p.metrics,
			Grants: vaultv1.NewGrantServiceClient(p.to["vault"]), Secrets: vaultv1.NewSecretServiceClient(p.to["vault"]),
			Targets: inventoryv1.NewTargetServiceClient(p.to["inventory"]), Trust: authv1.NewTrustServiceClient(p.to["auth"])})
	}},
	{"hub", hubdb.Migrations, []string{"auth", "inventory", "vault", "job", "gitstore"}, func(p *parts) (service, error) {
		return hub.New(hub.Config{Address: p.cfg.agentAddress()}, hub.Deps{Pool: p.pool, Log: p.log,
			Certificates: authv1.NewCertificateServiceClient(p.to["auth"]), Dispatch: jobv1.NewDispatchServiceClient(p.to["job"]),
			Grants: vaultv1.NewGrantServiceClient(p.to["vault"]), Store: gitstorev1.NewStoreServiceClient(p.to["gitstore"]),
			Targets: inventoryv1.NewTargetServiceClient(p.to["inventory"])})
	}},
	{"api", nil, []string{"auth", "vault", "inventory", "job", "scheduler", "gitstore", "hub"}, func(p *parts) (service, error) {
		return api.New(api.Deps{Auth: p.to["auth"], Vault: p.to["vault"], Inventory: p.to["inventory"], Job: p.to["job"], Scheduler: p.to["scheduler"],
			Gitstore: p.to["gitstore"], Hub: p.to["hub"], Log: p.log})
	}},
}

// ServiceNames are the names that --services takes.
func ServiceNames() []string {
	names := make([]string, 0, len(catalog))
	for _, r := range catalog {
		names = append(names, r.name)
	}
	return names
}

// kinds are what job may start: everything the agents know.
func kinds() []job.Kind {
	var out []job.Kind
	for _, k := range jobkind.Catalog() {
		out = append(out, job.Kind{Describe: k.Describe(), Validate: k.Validate})
	}
	return out
}
