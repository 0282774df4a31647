package job

import (
	"context"
	"crypto/ed25519"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"math/big"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	jobdb "github.com/netraven/netraven/db/job"
	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/internal/pki"
	"github.com/netraven/netraven/internal/wellknown"
)

// clock is the house's time; it stands still until a test moves it.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// inventory is a hand fake: devices in order, each at a gateway.
type inventory struct {
	inventoryv1.TargetServiceClient
	mu       sync.Mutex
	devices  []string
	gateway  map[string]string
	sessions int32
	logins   int32
	away     error
	pageSize int
	// jump is the jump host of every device; one without an id is gone.
	jump *inventoryv1.Target
	// breakAfter ends the selection's stream with an error after so many pages; 0: never.
	breakAfter int
}

func (f *inventory) add(n int, gateway string) []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []string
	for range n {
		id := uuid.NewString()
		ids = append(ids, id)
		f.gateway[id] = gateway
	}
	f.devices = append(f.devices, ids...)
	return ids
}

func (f *inventory) ListGatewayCaps(context.Context, *inventoryv1.ListGatewayCapsRequest, ...grpc.CallOption) (*inventoryv1.ListGatewayCapsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	resp := &inventoryv1.ListGatewayCapsResponse{}
	for _, id := range []string{wellknown.LocalGatewayID, otherGateway} {
		resp.Items = append(resp.Items, &inventoryv1.ListGatewayCapsResponse_Item{GatewayId: id, Name: "gw", MaxSessions: f.sessions, LoginsPerSecond: f.logins})
	}
	return resp, nil
}

func (f *inventory) GetTargets(_ context.Context, req *inventoryv1.GetTargetsRequest, _ ...grpc.CallOption) (*inventoryv1.GetTargetsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	resp := &inventoryv1.GetTargetsResponse{}
	for _, id := range req.GetDeviceIds() {
		if gw, ok := f.gateway[id]; ok {
			resp.Items = append(resp.Items, &inventoryv1.Target{DeviceId: id, DeviceName: "dev-" + id, SiteName: "default", GatewayId: gw, Address: "127.0.0.1", Port: 22, Platform: "cisco_ios", PageDigest: "d"})
			if f.jump != nil {
				resp.Items[len(resp.Items)-1].JumpHostId, resp.Items[len(resp.Items)-1].JumpHost = "j", f.jump
				if f.jump.GetDeviceId() == "" {
					resp.Items[len(resp.Items)-1].JumpHost = nil
				}
			}
		}
	}
	return resp, f.away
}

type selectionStream struct {
	grpc.ServerStreamingClient[inventoryv1.ResolveSelectionResponse]
	next func() (*inventoryv1.ResolveSelectionResponse, error)
}

func (s selectionStream) Recv() (*inventoryv1.ResolveSelectionResponse, error) { return s.next() }

func (f *inventory) ResolveSelection(_ context.Context, req *inventoryv1.ResolveSelectionRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[inventoryv1.ResolveSelectionResponse], error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away != nil {
		return nil, f.away
	}
	var items []*inventoryv1.ResolveSelectionResponse_Item
	wanted := map[string]bool{}
	for _, id := range req.GetSelection().GetDeviceIds() {
		wanted[id] = true
	}
	for i, id := range f.devices {
		if gw, ok := f.gateway[id]; ok && (len(wanted) == 0 || wanted[id]) {
			items = append(items, &inventoryv1.ResolveSelectionResponse_Item{DeviceId: id, DeviceName: fmt.Sprintf("device-%06d", i), GatewayId: gw})
		}
	}
	return f.pages(items), nil
}

func (f *inventory) pages(items []*inventoryv1.ResolveSelectionResponse_Item) selectionStream {
	pages, sent := slices.Collect(slices.Chunk(items, f.pageSize)), 0
	return selectionStream{next: func() (*inventoryv1.ResolveSelectionResponse, error) {
		if f.breakAfter > 0 && sent == f.breakAfter {
			return nil, errs.New(14, "SERVICE_UNAVAILABLE", "gone")
		}
		if sent == len(pages) {
			return nil, io.EOF
		}
		sent++
		return &inventoryv1.ResolveSelectionResponse{Items: pages[sent-1]}, nil
	}}
}

// vault is a hand fake that admits everything unless told otherwise.
type vault struct {
	vaultv1.GrantServiceClient
	mu     sync.Mutex
	answer func(*vaultv1.ReserveCredentialsRequest_Item) *vaultv1.ReserveCredentialsResponse_Item
	freed  []int64
	asked  []*vaultv1.ReserveCredentialsRequest_Item
	held   map[string]bool // what is reserved, by task
	away   error
}

func (f *vault) ReserveCredentials(_ context.Context, req *vaultv1.ReserveCredentialsRequest, _ ...grpc.CallOption) (*vaultv1.ReserveCredentialsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	resp := &vaultv1.ReserveCredentialsResponse{}
	for _, item := range req.GetItems() {
		out := &vaultv1.ReserveCredentialsResponse_Item{TaskId: item.GetTaskId(), CredentialIds: []string{"c"}}
		if f.answer != nil {
			out = f.answer(item)
		}
		if f.asked = append(f.asked, item); len(out.GetCredentialIds()) > 0 {
			if f.held == nil {
				f.held = map[string]bool{}
			}
			f.held[item.GetTaskId()] = true
		}
		resp.Items = append(resp.Items, out)
	}
	return resp, f.away
}

func (f *vault) ReportUse(_ context.Context, req *vaultv1.ReportUseRequest, _ ...grpc.CallOption) (*vaultv1.ReportUseResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, item := range req.GetItems() {
		if f.held[item.GetTaskId()] { // once
			delete(f.held, item.GetTaskId())
			f.freed = append(f.freed, item.GetFence())
		}
	}
	return &vaultv1.ReportUseResponse{}, f.away
}

// authority is auth, as far as certificates go.
type authority struct {
	authv1.CertificateServiceClient
	key  ed25519.PrivateKey
	root *x509.Certificate
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(1e4 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(nil, tpl, tpl, pub, key)
	require.NoError(t, err)
	root, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{key: key, root: root}
}

func (a *authority) IssueCertificate(_ context.Context, in *authv1.IssueCertificateRequest, _ ...grpc.CallOption) (*authv1.Certificate, error) {
	pub, err := x509.ParsePKIXPublicKey(in.GetPublicKey())
	if err != nil {
		return nil, err
	}
	uri := pki.SignerURI(in.GetPurpose())
	tpl := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(24 * time.Hour)}
	tpl.URIs = append(tpl.URIs, uri)
	tpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny}
	der, err := x509.CreateCertificate(nil, tpl, a.root, pub, a.key)
	return &authv1.Certificate{Der: der, NotAfter: timestamppb.New(tpl.NotAfter)}, err
}

const otherGateway = "00000000-0000-7000-8000-0000000000aa"

// house is service job with its neighbours.
type house struct {
	t         testing.TB
	ctx       context.Context
	s         *Service
	pool      *pgxpool.Pool
	clock     *clock
	inventory *inventory
	vault     *vault
	trust     *trust
	authority *authority
	hub       jobv1.DispatchServiceClient
	runs      jobv1.RunServiceClient
	jobs      jobv1.JobServiceClient
}

func newHouse(t testing.TB) *house {
	t.Helper()
	h := &house{
		t: t, ctx: t.Context(), pool: pgtest.New(t, "job", jobdb.Migrations), clock: &clock{at: time.Now().UTC()}, authority: newAuthority(t),
		inventory: &inventory{gateway: map[string]string{}, sessions: 1000, logins: 1000, pageSize: 1000}, vault: &vault{}, trust: &trust{},
	}
	h.s = h.service()
	require.NoError(t, h.s.store.ensureSystemJobs(h.ctx, h.clock.Now()))
	h.hub = jobv1.NewDispatchServiceClient(grpctest.Serve(t, "hub", nil, h.s))
	user := &authn.Principal{UserID: uuid.NewString(), Username: "ada", Permissions: []string{"*"}}
	conn := grpctest.Serve(t, "api", user, h.s)
	h.runs, h.jobs = jobv1.NewRunServiceClient(conn), jobv1.NewJobServiceClient(conn)
	return h
}

// service makes one more replica on the same database.
func (h *house) service() *Service {
	signer, err := pki.NewSigner(h.authority, authv1.IssueCertificateRequest_SPEC_SIGNER, nil)
	require.NoError(h.t, err)
	anything := func(*structpb.Struct) error { return nil }
	s, err := New(Config{}, Deps{
		Pool: h.pool, Now: h.clock.Now, Inventory: h.inventory, Vault: h.vault, Trust: h.trust, Signer: signer,
		Kinds: []Kind{
			{Describe: &jobv1.JobKind{Name: "backup", LogsIn: true}, Validate: anything},
			{Describe: &jobv1.JobKind{Name: "login", LogsIn: true, Once: true}, Validate: anything},
			{Describe: &jobv1.JobKind{Name: "push", LogsIn: true, Mutating: true}, Validate: anything},
			{Describe: &jobv1.JobKind{Name: "reachability", Once: true}, Validate: anything},
		},
	})
	require.NoError(h.t, err)
	return s
}

// run creates a run over devices and expands it.
func (h *house) run(kind string, devices ...string) *jobv1.Run {
	h.t.Helper()
	run, err := h.runs.CreateRun(h.ctx, &jobv1.CreateRunRequest{Kind: kind, DeviceIds: devices, All: len(devices) == 0})
	require.NoError(h.t, err)
	require.Equal(h.t, jobv1.Run_PENDING, run.GetState())
	require.NoError(h.t, h.s.expandAll(h.ctx))
	return h.get(run.GetId())
}

func (h *house) get(id string) *jobv1.Run {
	h.t.Helper()
	require.NoError(h.t, h.s.foldOnce(h.ctx))
	run, err := h.runs.GetRun(h.ctx, &jobv1.GetRunRequest{Id: id})
	require.NoError(h.t, err)
	return run
}

func (h *house) tasks(run string) []*jobv1.Task {
	h.t.Helper()
	resp, err := h.runs.ListTasks(h.ctx, &jobv1.ListTasksRequest{RunId: run, PageSize: 1000})
	require.NoError(h.t, err)
	return resp.GetItems()
}

// states are the run's tasks by name.
func (h *house) states(run string) []string {
	var out []string
	for _, task := range h.tasks(run) {
		out = append(out, task.GetState().String())
	}
	return out
}

func (h *house) reap() {
	h.t.Helper()
	require.NoError(h.t, h.s.reapOnce(h.ctx))
}
