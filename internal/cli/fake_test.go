package cli_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"net/http/httptest"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	schedulerv1 "github.com/netraven/netraven/gen/go/netraven/scheduler/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/grpcx"
	"github.com/netraven/netraven/services/api"
)

const adminPassword = "correct horse battery"

// house is small fakes of the services. In front of them are the real interceptors, the real tokens and the real REST front.
type house struct {
	users, devices, sites, gateways, credentials, jobs, schedules *shelf
	remotes                                                       *shelf
	agents                                                        *shelf

	auth *fakeAuth
	runs *fakeRuns
}

// serveFakes serves a house of its own to one script and answers its address.
func serveFakes(env *testscript.Env) string {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	set := &authv1.Jwks{Keys: []*authv1.Jwks_Key{{Kty: "OKP", Crv: "Ed25519", Kid: "test", X: base64.RawURLEncoding.EncodeToString(public)}}}
	h := newHouse(private)
	mem := grpcx.NewMem()
	server := grpcx.NewServer(grpcx.Options{Creds: mem.Creds(), Verifier: authn.NewVerifier(func(context.Context) (*authv1.Jwks, error) { return set, nil })})
	h.register(server)
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(mem) }()
	conn, err := mem.Dial("api")
	must(err)
	front, err := api.New(api.Deps{Auth: conn, Vault: conn, Inventory: conn, Job: conn, Scheduler: conn, Gitstore: conn, Hub: conn})
	must(err)
	web := httptest.NewServer(front.Handler())
	env.Defer(func() {
		server.Stop() // ends streams, which the web server waits for
		web.Close()
		_ = conn.Close()
		<-served
	})
	return web.URL
}

func newHouse(key ed25519.PrivateKey) *house {
	h := &house{
		users: newShelf("user", "username"), devices: newShelf("device", "name"), sites: newShelf("site", "name"),
		gateways: newShelf("gateway", "name"), credentials: newShelf("credential", "name"), jobs: newShelf("job", "name"),
		schedules: newShelf("schedule", "name"), agents: newShelf("agent", "name"), remotes: newShelf("remote", "name"),
	}
	h.auth = newFakeAuth(h, key)
	h.runs = newFakeRuns(h)
	h.furnish()
	return h
}

func (h *house) register(r grpc.ServiceRegistrar) {
	authv1.RegisterAuthServiceServer(r, h.auth)
	authv1.RegisterUserServiceServer(r, &fakeUsers{house: h})
	inventoryv1.RegisterDeviceServiceServer(r, &fakeDevices{house: h})
	inventoryv1.RegisterSiteServiceServer(r, &fakeSites{house: h})
	inventoryv1.RegisterGatewayServiceServer(r, &fakeGateways{house: h})
	inventoryv1.RegisterTagServiceServer(r, &fakeTags{})
	inventoryv1.RegisterPlatformServiceServer(r, &fakePlatforms{})
	vaultv1.RegisterCredentialServiceServer(r, &fakeCredentials{house: h})
	jobv1.RegisterRunServiceServer(r, h.runs)
	jobv1.RegisterJobServiceServer(r, &fakeJobs{house: h})
	schedulerv1.RegisterScheduleServiceServer(r, &fakeSchedules{house: h})
	gitstorev1.RegisterRevisionServiceServer(r, &fakeRevisions{house: h})
	gitstorev1.RegisterSearchServiceServer(r, &fakeSearch{house: h})
	gitstorev1.RegisterRemoteServiceServer(r, &fakeRemotes{house: h})
	hubv1.RegisterAgentServiceServer(r, &fakeAgents{house: h})
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
