package hub_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/timestamppb"

	hubdb "github.com/netraven/netraven/db/hub"
	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/grpcx"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/internal/jointoken"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/internal/pki"
	"github.com/netraven/netraven/internal/pki/pkitest"
	"github.com/netraven/netraven/internal/wellknown"
	"github.com/netraven/netraven/services/hub"
)

const patience = 20 * time.Second

func TestMain(m *testing.M) {
	code := m.Run()
	// The private PostgreSQL of pgtest lives as long as the process.
	if err := goleak.Find(goleak.IgnoreAnyFunction("os/exec.(*Cmd).Start.func2"),
		goleak.IgnoreAnyFunction("github.com/netraven/netraven/internal/pgembed.spawn.func1")); err != nil && code == 0 {
		println(err.Error())
		code = 1
	}
	os.Exit(code)
}

// house is a hub with fake neighbours, a real database and a real agents' port in memory.
type house struct {
	t        *testing.T
	ca       *pkitest.Authority
	hub      *hub.Service
	people   hubv1.AgentServiceClient
	listener *bufconn.Listener
	job      *fakeJob
	store    *fakeStore
	vault    *fakeVault
	targets  *fakeTargets
	specs    *pki.Signer
	stop     func()
}

func newHouse(t *testing.T, change ...func(*hub.Config)) *house {
	t.Helper()
	ca := pkitest.New(t)
	h := &house{
		t: t, ca: ca, listener: bufconn.Listen(1 << 20), job: &fakeJob{ready: make(chan *jobv1.ClaimTasksResponse, 100)}, store: &fakeStore{},
		vault: &fakeVault{}, targets: &fakeTargets{}, specs: ca.Signer(authv1.IssueCertificateRequest_SPEC_SIGNER),
	}
	cfg := hub.Config{Heartbeat: time.Second, Address: "hub.example:9443"}
	for _, c := range change {
		c(&cfg)
	}
	s, err := hub.New(cfg, hub.Deps{
		Pool: pgtest.New(t, "hub", hubdb.Migrations), Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Certificates: ca,
		Dispatch: h.job, Grants: h.vault, Store: h.store, Targets: h.targets,
	})
	require.NoError(t, err)
	h.hub = s
	user := &authn.Principal{UserID: uuid.NewString(), Username: "u", Permissions: []string{"*"}}
	h.people = hubv1.NewAgentServiceClient(grpctest.Serve(t, "api", user, s))
	server := grpcx.NewServer(grpcx.Options{
		Creds: credentials.NewTLS(s.TLSConfig()), MaxStreams: hub.MaxStreams, MaxRecv: hub.MaxRecv, Log: slog.New(slog.DiscardHandler),
	})
	s.RegisterLink(server)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(h.listener) })
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-ended)
		server.GracefulStop() // returns: no stream is left open
		running.Wait()
	})
	t.Cleanup(h.stop)
	return h
}

// peer is an agent by hand.
type peer struct {
	h      *house
	name   pki.Agent
	conn   *grpc.ClientConn
	client hubv1.LinkServiceClient
	stream hubv1.LinkService_ConnectClient
	cancel context.CancelFunc
}

// join enrols an agent and connects, without a stream.
func (h *house) join() *peer {
	h.t.Helper()
	tok, err := h.people.CreateJoinToken(context.Background(), &hubv1.CreateJoinTokenRequest{GatewayId: wellknown.LocalGatewayID})
	require.NoError(h.t, err)
	token, err := jointoken.Parse(tok.GetToken())
	require.NoError(h.t, err)
	require.Equal(h.t, pki.Pin(h.ca.Root), token.Pin)
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(h.t, err)
	der, err := x509.MarshalPKIXPublicKey(public)
	require.NoError(h.t, err)
	sealKey := make([]byte, 32)
	_, _ = rand.Read(sealKey)
	anonymous := h.dial(nil)
	resp, err := hubv1.NewLinkServiceClient(anonymous).Enroll(context.Background(), &hubv1.EnrollRequest{
		Token: token.Secret.Reveal(), PublicKey: der, SealKey: sealKey, Name: "edge-1", Clock: timestamppb.Now(),
		Proof: ed25519.Sign(private, append([]byte("netraven enroll v1"+token.Secret.Reveal()), sealKey...)),
	})
	require.NoError(h.t, err)
	conn := h.dial(&tls.Certificate{Certificate: [][]byte{resp.GetCertificate()}, PrivateKey: private})
	return &peer{
		h: h, name: pki.Agent{AgentID: resp.GetAgentId(), GatewayID: resp.GetGatewayId(), SealKey: sealKey}, conn: conn,
		client: hubv1.NewLinkServiceClient(conn),
	}
}

func (h *house) dial(cert *tls.Certificate) *grpc.ClientConn {
	pool := x509.NewCertPool()
	pool.AddCert(h.ca.Root)
	cfg := &tls.Config{MinVersion: tls.VersionTLS13, ServerName: pki.HubName, RootCAs: pool}
	if cert != nil {
		cfg.Certificates = []tls.Certificate{*cert}
	}
	conn, err := grpc.NewClient("passthrough:///hub", grpc.WithTransportCredentials(credentials.NewTLS(cfg)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return h.listener.DialContext(ctx) }))
	require.NoError(h.t, err)
	h.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// connect opens the stream with a Hello of so many free sessions and reads the Welcome.
func (p *peer) connect(hello *hubv1.Hello) *hubv1.Welcome {
	p.h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	p.h.t.Cleanup(cancel)
	stream, err := p.client.Connect(ctx)
	require.NoError(p.h.t, err)
	p.stream = stream
	p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Hello{Hello: hello}})
	return next(p, (*hubv1.HubMessage).GetWelcome)
}

func hello(free int32) *hubv1.Hello {
	return &hubv1.Hello{Version: "t", ProtocolMin: 1, ProtocolMax: 1, Capacity: &hubv1.Capacity{MaxSessions: free}}
}

func (p *peer) say(m *hubv1.AgentMessage) {
	p.h.t.Helper()
	require.NoError(p.h.t, p.stream.Send(m))
}

// next reads until a message that pick accepts.
func next[T any](p *peer, pick func(*hubv1.HubMessage) T) T {
	p.h.t.Helper()
	timeout := time.AfterFunc(patience, p.cancel)
	defer timeout.Stop()
	for {
		m, err := p.stream.Recv()
		require.NoError(p.h.t, err, "the hub does not say what is expected")
		if v := pick(m); any(v) != any(*new(T)) {
			return v
		}
	}
}

// end reads until the stream ends and answers why.
func (p *peer) end() error {
	timeout := time.AfterFunc(patience, p.cancel)
	defer timeout.Stop()
	for {
		if _, err := p.stream.Recv(); err != nil {
			return err
		}
	}
}

var page = []byte("a platform page")

func pageDigest() string {
	sum := sha256.Sum256(page)
	return hex.EncodeToString(sum[:])
}

// task is a claim for the agent.
func (p *peer) task(fence int64) *jobv1.ClaimTasksResponse_Claim {
	spec := &jobv1.TaskSpec{
		AgentId: p.name.AgentID, GatewayId: p.name.GatewayID, RunId: uuid.NewString(), TaskId: uuid.NewString(), Fence: fence, Kind: "backup",
		DeviceId: uuid.NewString(), DeviceName: "r1", SiteName: "default", PageDigest: pageDigest(), CredentialIds: []string{"c"},
		TrustFirstKey: true, Deadline: timestamppb.New(time.Now().Add(time.Hour)), Trigger: "schedule", Repository: "elsewhere",
	}
	signed, err := p.h.specs.SignSpec(context.Background(), spec)
	require.NoError(p.h.t, err)
	return &jobv1.ClaimTasksResponse_Claim{Spec: signed, View: spec}
}

func (p *peer) give(claims ...*jobv1.ClaimTasksResponse_Claim) {
	p.h.job.ready <- &jobv1.ClaimTasksResponse{Claims: claims}
}

func refOf(c *jobv1.ClaimTasksResponse_Claim) *jobv1.AttemptRef {
	return &jobv1.AttemptRef{TaskId: c.GetView().GetTaskId(), Fence: c.GetView().GetFence()}
}

func (p *peer) accept(c *jobv1.ClaimTasksResponse_Claim) {
	p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_OfferReply{OfferReply: &hubv1.OfferReply{Attempt: refOf(c), Accepted: true}}})
	p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Started{Started: &hubv1.Started{Attempt: refOf(c)}}})
}

func backup(c *jobv1.ClaimTasksResponse_Claim) *hubv1.Result {
	return &hubv1.Result{
		Attempt: refOf(c), Spec: c.GetSpec(), Succeeded: true, FinishedAt: timestamppb.Now(), HostKey: []byte("k"), HostKeyPinned: true,
		Facts:     map[string]string{"version": "1"},
		Outcomes:  []*jobv1.CredentialOutcome{{CredentialId: "c", Result: jobv1.CredentialOutcome_WORKED}},
		Artifacts: []*gitstorev1.StoredArtifact{{Name: "running.cfg", Sealed: []byte("sealed"), Main: true}},
	}
}

func (p *peer) send(r *hubv1.Result) *hubv1.ResultAck {
	p.h.t.Helper()
	p.say(&hubv1.AgentMessage{Message: &hubv1.AgentMessage_Result{Result: r}})
	return next(p, (*hubv1.HubMessage).GetResultAck)
}

// fakeJob hands out what tests put into ready, and notes what it hears.
type fakeJob struct {
	jobv1.DispatchServiceClient
	ready chan *jobv1.ClaimTasksResponse

	mu       sync.Mutex
	claims   []*jobv1.ClaimTasksRequest
	events   []*jobv1.ReportAttemptsRequest_Event
	finished []*jobv1.FinishAttemptsRequest_Item
	resumed  []*jobv1.ResumeAgentRequest
	lines    []*jobv1.AppendTaskLogRequest_Item
	stale    bool
	away     error
}

func (f *fakeJob) ClaimTasks(ctx context.Context, req *jobv1.ClaimTasksRequest, _ ...grpc.CallOption) (*jobv1.ClaimTasksResponse, error) {
	f.mu.Lock()
	f.claims = append(f.claims, req)
	f.mu.Unlock()
	ready := f.ready
	if req.GetMax() == 0 {
		ready = nil
	}
	select {
	case resp := <-ready:
		return resp, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(time.Duration(req.GetWaitMs()) * time.Millisecond):
		return &jobv1.ClaimTasksResponse{}, nil
	}
}

func (f *fakeJob) ReportAttempts(_ context.Context, req *jobv1.ReportAttemptsRequest, _ ...grpc.CallOption) (*jobv1.ReportAttemptsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events = append(f.events, req.GetEvents()...)
	resp := &jobv1.ReportAttemptsResponse{}
	for range req.GetEvents() {
		resp.Applied = append(resp.Applied, !f.stale)
	}
	return resp, nil
}

func (f *fakeJob) FinishAttempts(_ context.Context, req *jobv1.FinishAttemptsRequest, _ ...grpc.CallOption) (*jobv1.FinishAttemptsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away != nil {
		return nil, f.away
	}
	f.finished = append(f.finished, req.GetItems()...)
	resp := &jobv1.FinishAttemptsResponse{}
	for range req.GetItems() {
		resp.Items = append(resp.Items, &jobv1.FinishAttemptsResponse_Item{Applied: !f.stale, State: jobv1.Task_SUCCEEDED})
	}
	return resp, nil
}

func (f *fakeJob) ResumeAgent(_ context.Context, req *jobv1.ResumeAgentRequest, _ ...grpc.CallOption) (*jobv1.ResumeAgentResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.resumed = append(f.resumed, req)
	resp := &jobv1.ResumeAgentResponse{}
	for _, ref := range req.GetRunning() {
		resp.Items = append(resp.Items, &jobv1.ResumeAgentResponse_Item{Attempt: ref, Verdict: jobv1.ResumeAgentResponse_CONTINUE})
	}
	for _, ref := range req.GetSpooled() {
		resp.Items = append(resp.Items, &jobv1.ResumeAgentResponse_Item{Attempt: ref, Verdict: jobv1.ResumeAgentResponse_SEND_RESULT})
	}
	return resp, nil
}

func (f *fakeJob) AppendTaskLog(_ context.Context, req *jobv1.AppendTaskLogRequest, _ ...grpc.CallOption) (*jobv1.AppendTaskLogResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lines = append(f.lines, req.GetItems()...)
	return &jobv1.AppendTaskLogResponse{}, nil
}

// fakeStore answers every item with the same outcome.
type fakeStore struct {
	gitstorev1.StoreServiceClient
	mu      sync.Mutex
	items   []*gitstorev1.StoreResultsRequest_Item
	outcome gitstorev1.StoreResultsResponse_Item_Outcome
	suspect *gitstorev1.Suspect
	poison  string // a device that makes the call fail
}

func (f *fakeStore) StoreResults(_ context.Context, req *gitstorev1.StoreResultsRequest, _ ...grpc.CallOption) (*gitstorev1.StoreResultsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	resp := &gitstorev1.StoreResultsResponse{}
	for _, i := range req.GetItems() {
		if i.GetDeviceId() == f.poison {
			return nil, errPoison
		}
		f.items = append(f.items, i)
		outcome := f.outcome
		if outcome == 0 {
			outcome = gitstorev1.StoreResultsResponse_Item_DURABLE
		}
		resp.Items = append(resp.Items, &gitstorev1.StoreResultsResponse_Item{
			Outcome: outcome, Changed: f.suspect == nil, Reason: "TEST", Artifacts: []string{"running.cfg"}, Suspect: f.suspect,
		})
	}
	return resp, nil
}

func (f *fakeStore) GetKnownDigests(_ context.Context, req *gitstorev1.GetKnownDigestsRequest, _ ...grpc.CallOption) (*gitstorev1.GetKnownDigestsResponse, error) {
	resp := &gitstorev1.GetKnownDigestsResponse{}
	for _, id := range req.GetDeviceIds() {
		resp.Items = append(resp.Items, &gitstorev1.GetKnownDigestsResponse_Item{
			DeviceId: id, Digests: []*gitstorev1.KnownDigest{{Artifact: "running.cfg", Label: "l", Digest: "d"}},
		})
	}
	return resp, nil
}

type fakeVault struct {
	vaultv1.GrantServiceClient
	mu   sync.Mutex
	used []*vaultv1.ReportUseRequest_Item
}

func (f *fakeVault) SealGrant(_ context.Context, req *vaultv1.SealGrantRequest, _ ...grpc.CallOption) (*vaultv1.SealedGrant, error) {
	return &vaultv1.SealedGrant{Ciphertext: []byte("sealed"), Certificate: req.GetAgentCertificate()}, nil
}

func (f *fakeVault) ReportUse(_ context.Context, req *vaultv1.ReportUseRequest, _ ...grpc.CallOption) (*vaultv1.ReportUseResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.used = append(f.used, req.GetItems()...)
	return &vaultv1.ReportUseResponse{}, nil
}

type fakeTargets struct {
	inventoryv1.TargetServiceClient
	mu   sync.Mutex
	seen []*inventoryv1.ReportObservationsRequest_Item
}

func (f *fakeTargets) GetPages(context.Context, *inventoryv1.GetPagesRequest, ...grpc.CallOption) (*inventoryv1.GetPagesResponse, error) {
	return &inventoryv1.GetPagesResponse{Items: []*inventoryv1.GetPagesResponse_Item{{Digest: pageDigest(), Page: page}}}, nil
}

func (f *fakeTargets) ListGatewayCaps(context.Context, *inventoryv1.ListGatewayCapsRequest, ...grpc.CallOption) (*inventoryv1.ListGatewayCapsResponse, error) {
	return &inventoryv1.ListGatewayCapsResponse{Items: []*inventoryv1.ListGatewayCapsResponse_Item{{GatewayId: wellknown.LocalGatewayID, Name: "local"}}}, nil
}

func (f *fakeTargets) ReportObservations(_ context.Context, req *inventoryv1.ReportObservationsRequest, _ ...grpc.CallOption) (*inventoryv1.ReportObservationsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seen = append(f.seen, req.GetItems()...)
	return &inventoryv1.ReportObservationsResponse{}, nil
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, patience, 5*time.Millisecond, what)
}
