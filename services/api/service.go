package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	schedulerv1 "github.com/netraven/netraven/gen/go/netraven/scheduler/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
)

// Deps are the connections to the services, all required but Log.
type Deps struct {
	Auth, Vault, Inventory, Job, Scheduler, Gitstore, Hub *grpc.ClientConn
	Log                                                   *slog.Logger
}

// Service is the REST front.
type Service struct{ handler http.Handler }

type registerFunc func(context.Context, *runtime.ServeMux, *grpc.ClientConn) error

// New wires the routes of every service. It dials nobody: connections are made with the first request.
func New(d Deps) (*Service, error) {
	if d.Log == nil {
		d.Log = slog.Default()
	}
	mux := newMux(d.Log)
	for _, r := range []struct {
		name     string
		conn     *grpc.ClientConn
		register []registerFunc
	}{
		{"auth", d.Auth, []registerFunc{authv1.RegisterAuthServiceHandler, authv1.RegisterUserServiceHandler}},
		{"vault", d.Vault, []registerFunc{vaultv1.RegisterCredentialServiceHandler}},
		{"inventory", d.Inventory, []registerFunc{inventoryv1.RegisterDeviceServiceHandler, inventoryv1.RegisterSiteServiceHandler,
			inventoryv1.RegisterGatewayServiceHandler, inventoryv1.RegisterTagServiceHandler, inventoryv1.RegisterPlatformServiceHandler}},
		{"job", d.Job, []registerFunc{jobv1.RegisterRunServiceHandler, jobv1.RegisterJobServiceHandler}},
		{"scheduler", d.Scheduler, []registerFunc{schedulerv1.RegisterScheduleServiceHandler}},
		{"gitstore", d.Gitstore, []registerFunc{gitstorev1.RegisterRevisionServiceHandler, gitstorev1.RegisterSearchServiceHandler, gitstorev1.RegisterRemoteServiceHandler}},
		{"hub", d.Hub, []registerFunc{hubv1.RegisterAgentServiceHandler}},
	} {
		if r.conn == nil {
			return nil, errors.New("api: no connection to " + r.name)
		}
		for _, register := range r.register {
			if err := register(context.Background(), mux, r.conn); err != nil {
				return nil, fmt.Errorf("api: routes of %s: %w", r.name, err)
			}
		}
	}
	if err := handleImport(mux, inventoryv1.NewDeviceServiceClient(d.Inventory)); err != nil {
		return nil, err
	}
	root := http.NewServeMux()
	root.Handle("/api/v1/", readable(noChange(negotiate(streamErrors(mux)))))
	root.HandleFunc("GET /api/openapi.json", serveOpenAPI)
	root.Handle("GET /.well-known/jwks.json", jwksHandler(authv1.NewTrustServiceClient(d.Auth), d.Log))
	root.Handle(gitPath, &gitFront{clone: gitstorev1.NewCloneServiceClient(d.Gitstore), auth: authv1.NewAuthServiceClient(d.Auth), mux: mux, log: d.Log})
	root.HandleFunc("/", notFound)
	return &Service{handler: traced(limited(root))}, nil
}

// Handler serves REST, OpenAPI and the public keys.
func (s *Service) Handler() http.Handler { return s.handler }

// Register does nothing: api is called by HTTP only.
func (s *Service) Register(grpc.ServiceRegistrar) {}

// Run blocks until ctx ends; api has no loops.
func (s *Service) Run(ctx context.Context) error {
	<-ctx.Done()
	return nil
}
