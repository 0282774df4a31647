package agent

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/grpcx"
	"github.com/netraven/netraven/internal/jointoken"
	"github.com/netraven/netraven/internal/pki"
	"github.com/netraven/netraven/internal/pki/pkitest"
	"github.com/netraven/netraven/internal/seal"
	"github.com/netraven/netraven/internal/secret"
	"github.com/netraven/netraven/internal/wellknown"
)

const patience = 20 * time.Second

// fakeHub is a hub by hand: real gRPC, real TLS, in memory. Tests speak through the stream that connected last.
type fakeHub struct {
	hubv1.UnimplementedLinkServiceServer
	t        *testing.T
	ca       *pkitest.Authority
	listener *bufconn.Listener
	specs    *pki.Signer
	grants   *pki.Signer
	sealKey  []byte

	streams chan *fakeStream
	uploads chan *hubv1.Result
	onUp    func(*hubv1.Result) (*hubv1.ResultAck, error)
	welcome *hubv1.Welcome
	silent  bool // acknowledges no heartbeat

}

type fakeStream struct {
	hubv1.LinkService_ConnectServer
	hub   *fakeHub
	agent pki.Agent
	hello *hubv1.Hello
	in    chan *hubv1.AgentMessage
	cut   chan struct{}
	once  sync.Once
	mu    sync.Mutex
}

func newFakeHub(t *testing.T) *fakeHub {
	t.Helper()
	ca := pkitest.New(t)
	h := &fakeHub{
		t: t, ca: ca, listener: bufconn.Listen(1 << 20), specs: ca.Signer(authv1.IssueCertificateRequest_SPEC_SIGNER),
		grants: ca.Signer(authv1.IssueCertificateRequest_GRANT_SIGNER), sealKey: make([]byte, 32),
		streams: make(chan *fakeStream, 16), uploads: make(chan *hubv1.Result, 16),
		welcome: &hubv1.Welcome{SessionId: "s", Epoch: 1, Protocol: 1, HeartbeatSeconds: 1, InlineLimit: 32 << 10, ResultLimit: 64 << 20},
	}
	_, _ = rand.Read(h.sealKey)
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	der, _, err := ca.Sign(public, pki.SignerURI(authv1.IssueCertificateRequest_HUB_SERVER), x509.ExtKeyUsageServerAuth, pki.HubName)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(ca.Root)
	server := grpcx.NewServer(grpcx.Options{MaxStreams: 16, Log: slog.New(slog.DiscardHandler), Creds: credentials.NewTLS(&tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: tls.VerifyClientCertIfGiven, ClientCAs: pool,
		Certificates: []tls.Certificate{{Certificate: [][]byte{der, ca.Root.Raw}, PrivateKey: private}},
	})})
	hubv1.RegisterLinkServiceServer(server, h)
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(h.listener) }()
	t.Cleanup(func() { server.Stop(); <-served })
	return h
}

func (h *fakeHub) Enroll(ctx context.Context, req *hubv1.EnrollRequest) (*hubv1.EnrollResponse, error) {
	cert, err := h.ca.EnrollAgent(ctx, &authv1.EnrollAgentRequest{
		Token: req.GetToken(), PublicKey: req.GetPublicKey(), SealKey: req.GetSealKey(), Proof: req.GetProof(), Name: req.GetName(),
	})
	return &hubv1.EnrollResponse{AgentId: cert.GetAgentId(), GatewayId: cert.GetGatewayId(), Certificate: cert.GetDer(), Authority: cert.GetAuthorityDer()}, err
}

func (h *fakeHub) Renew(ctx context.Context, _ *hubv1.RenewRequest) (*hubv1.EnrollResponse, error) {
	peer := grpcx.PeerCertificate(ctx)
	name, err := pki.ParseAgent(peer)
	if err != nil {
		return nil, err
	}
	cert, err := h.ca.RenewAgent(ctx, &authv1.RenewAgentRequest{AgentId: name.AgentID, Der: peer.Raw})
	return &hubv1.EnrollResponse{AgentId: cert.GetAgentId(), Certificate: cert.GetDer(), Authority: cert.GetAuthorityDer()}, err
}

func (h *fakeHub) Connect(stream grpc.BidiStreamingServer[hubv1.AgentMessage, hubv1.HubMessage]) error {
	agent, err := pki.ParseAgent(grpcx.PeerCertificate(stream.Context()))
	if err != nil {
		return err
	}
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	s := &fakeStream{
		LinkService_ConnectServer: stream, hub: h, agent: agent, hello: first.GetHello(), in: make(chan *hubv1.AgentMessage, 1000), cut: make(chan struct{}),
	}
	if err := stream.Send(&hubv1.HubMessage{Message: &hubv1.HubMessage_Welcome{Welcome: h.welcome}}); err != nil {
		return err
	}
	h.streams <- s
	go func() {
		defer s.close()
		for {
			m, err := stream.Recv()
			if err != nil {
				return
			}
			if b := m.GetHeartbeat(); b != nil && !h.silent {
				s.say(&hubv1.HubMessage{Message: &hubv1.HubMessage_HeartbeatAck{HeartbeatAck: &hubv1.HeartbeatAck{Sequence: b.GetSequence()}}})
			}
			s.in <- m
		}
	}()
	<-s.cut
	return nil
}

func (h *fakeHub) Upload(stream grpc.ClientStreamingServer[hubv1.UploadChunk, hubv1.ResultAck]) error {
	var data []byte
	for {
		c, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		data = append(data, c.GetData()...)
	}
	r := &hubv1.Result{}
	if err := proto.Unmarshal(data, r); err != nil {
		return err
	}
	h.uploads <- r
	ack, err := h.onUp(r)
	if err != nil {
		return err
	}
	return stream.SendAndClose(ack)
}

func (s *fakeStream) close() { s.once.Do(func() { close(s.cut) }) }

func (s *fakeStream) say(m *hubv1.HubMessage) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.Send(m) // a stream that was cut says nothing
}

// next waits for a message that pick accepts; others are passed over.
func next[T any](s *fakeStream, pick func(*hubv1.AgentMessage) T) T {
	s.hub.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case m := <-s.in:
			if v := pick(m); any(v) != any(*new(T)) {
				return v
			}
		case <-timeout:
			require.FailNow(s.hub.t, "the agent did not say what was expected")
		}
	}
}

func (h *fakeHub) stream() *fakeStream {
	h.t.Helper()
	select {
	case s := <-h.streams:
		return s
	case <-time.After(patience):
		require.FailNow(h.t, "the agent does not connect")
		return nil
	}
}

// started is an agent that runs.
type started struct {
	*Agent
	dir  string
	stop func()
	log  *safeBuffer
}

func (h *fakeHub) config(dir string) Config {
	return Config{
		DataDir: dir, Name: "test", Version: "t", Policy: Unrestricted(),
		Dial: func(ctx context.Context) (net.Conn, error) { return h.listener.DialContext(ctx) },
		Join: func(ctx context.Context) (string, error) {
			tok, err := h.ca.CreateJoinToken(ctx, &authv1.CreateJoinTokenRequest{GatewayId: wellknown.LocalGatewayID})
			if err != nil {
				return "", err
			}
			return jointoken.Token{Secret: secret.NewString(tok.GetToken()), Pin: tok.GetAuthorityPin(), GatewayID: tok.GetGatewayId()}.Encode(), nil
		},
	}
}

// start runs an agent with one kind, "fake".
func (h *fakeHub) start(dir string, kind *fakeKind, change ...func(*Config)) *started {
	h.t.Helper()
	cfg := h.config(dir)
	for _, c := range change {
		c(&cfg)
	}
	log := &safeBuffer{}
	a, err := New(cfg, Deps{Log: slog.New(slog.NewTextHandler(io.MultiWriter(log, h.t.Output()), nil)), Kinds: kind.lookup})
	require.NoError(h.t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	var once sync.Once
	s := &started{Agent: a, dir: dir, log: log}
	s.stop = func() { once.Do(func() { cancel(); require.NoError(h.t, <-done) }) }
	h.t.Cleanup(s.stop)
	return s
}

// testPage is the smallest page.
var testPage = []byte("name: fake\nlabel: Fake\nlogin:\n  prompt: '^x>$'\nbackup:\n  - artifact: running.cfg\n    send: [show]\n    complete: {last_line: '^end$'}\n")

func pageDigest() string {
	sum := sha256.Sum256(testPage)
	return hex.EncodeToString(sum[:])
}

func (s *fakeStream) spec(change ...func(*jobv1.TaskSpec)) *jobv1.TaskSpec {
	spec := &jobv1.TaskSpec{
		AgentId: s.agent.AgentID, GatewayId: s.agent.GatewayID, RunId: uuid.NewString(), TaskId: uuid.NewString(), Fence: 7, Attempt: 1, Kind: "fake",
		DeviceId: uuid.NewString(), DeviceName: "r1", SiteName: "default", Address: "192.0.2.1", Port: 22, PageDigest: pageDigest(),
		TrustFirstKey: true, CredentialIds: []string{uuid.NewString()}, Deadline: timestamppb.New(time.Now().Add(time.Hour)),
	}
	for _, c := range change {
		c(spec)
	}
	return spec
}

// offer signs and sends a spec with its page.
func (s *fakeStream) offer(spec *jobv1.TaskSpec) *hubv1.Offer {
	signed, err := s.hub.specs.SignSpec(context.Background(), spec)
	require.NoError(s.hub.t, err)
	o := &hubv1.Offer{Spec: signed, Page: testPage}
	s.say(&hubv1.HubMessage{Message: &hubv1.HubMessage_Offer{Offer: o}})
	return o
}

// grant answers a credential request as vault would.
func (s *fakeStream) grant(req *hubv1.CredentialRequest) {
	hash := sha256.Sum256(req.GetSpec().GetSpec())
	enc, sealed, err := seal.SealGrant(s.agent.SealKey, hash, &vaultv1.Grant{
		Credentials: []*vaultv1.GrantedCredential{{Id: "c", Name: "c", Username: "u", Password: "hunter2"}}, SealKey: s.hub.sealKey, DigestKey: s.hub.sealKey,
	})
	require.NoError(s.hub.t, err)
	sig, cert, err := s.hub.grants.SignGrant(context.Background(), hash, enc, sealed)
	require.NoError(s.hub.t, err)
	s.say(&hubv1.HubMessage{Message: &hubv1.HubMessage_CredentialGrant{CredentialGrant: &hubv1.CredentialGrant{
		Attempt: req.GetAttempt(), Grant: &vaultv1.SealedGrant{EncapsulatedKey: enc, Ciphertext: sealed, Signature: sig, Certificate: cert},
	}}})
}

func (s *fakeStream) ack(ref *jobv1.AttemptRef, outcome hubv1.ResultAck_Outcome, artifacts ...string) {
	s.say(&hubv1.HubMessage{Message: &hubv1.HubMessage_ResultAck{ResultAck: &hubv1.ResultAck{
		Attempt: ref, Outcome: outcome, Reason: "TEST", Artifacts: artifacts, RetryAfterMs: 1,
	}}})
}

func reply(m *hubv1.AgentMessage) *hubv1.OfferReply          { return m.GetOfferReply() }
func result(m *hubv1.AgentMessage) *hubv1.Result             { return m.GetResult() }
func request(m *hubv1.AgentMessage) *hubv1.CredentialRequest { return m.GetCredentialRequest() }

// safeBuffer is what an agent logs.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, patience, 5*time.Millisecond, what)
}

func TestMain(m *testing.M) { os.Exit(checkLeaks(m)) }
