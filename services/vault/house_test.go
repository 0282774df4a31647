package vault

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	vaultdb "github.com/netraven/netraven/db/vault"
	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/internal/keyfile"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/internal/pki"
	"github.com/netraven/netraven/internal/seal"
	"github.com/netraven/netraven/internal/wellknown"
)

// house is vault with a clock, a log and neighbours of its own.
type house struct {
	t         testing.TB
	pool      *pgxpool.Pool
	key       *keyfile.Key
	recovery  string
	log       *lockedBuffer
	authority *fakeAuthority
	inventory *fakeInventory
	trail     *fakeTrail
	svc       *Service

	mu    sync.Mutex
	clock time.Time
}

func newHouse(t testing.TB) *house {
	t.Helper()
	key, err := keyfile.New(bytes.Repeat([]byte{7}, 32))
	require.NoError(t, err)
	h := &house{t: t, pool: pgtest.New(t, "vault", vaultdb.Migrations), key: key, recovery: filepath.Join(t.TempDir(), "recovery-key"), log: &lockedBuffer{},
		inventory: &fakeInventory{}, trail: &fakeTrail{}, clock: time.Now()}
	h.authority = newFakeAuthority(t, h.now)
	h.svc = h.start(key)
	return h
}

func (h *house) start(key *keyfile.Key) *Service {
	h.t.Helper()
	log := slog.New(slog.NewJSONHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	svc, err := New(Config{RecoveryKeyFile: h.recovery}, Deps{Pool: h.pool, Log: log, Now: h.now, Key: key, Inventory: h.inventory, Certificates: h.authority, Trust: h.trail})
	require.NoError(h.t, err)
	return svc
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.clock
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.clock = h.clock.Add(d)
}

func (h *house) credentials() vaultv1.CredentialServiceClient {
	return vaultv1.NewCredentialServiceClient(grpctest.Serve(h.t, "api", &authn.Principal{UserID: newID().String(), Username: "ann", Permissions: []string{"*"}}, h.svc))
}

func (h *house) grants(caller string) vaultv1.GrantServiceClient {
	return vaultv1.NewGrantServiceClient(grpctest.Serve(h.t, caller, nil, h.svc))
}

func (h *house) create(c *vaultv1.Credential) *vaultv1.Credential {
	h.t.Helper()
	out, err := h.svc.CreateCredential(h.t.Context(), &vaultv1.CreateCredentialRequest{Credential: c})
	require.NoError(h.t, err)
	return out
}

func (h *house) get(id string) *vaultv1.Credential {
	h.t.Helper()
	out, err := h.svc.GetCredential(h.t.Context(), &vaultv1.GetCredentialRequest{Id: id})
	require.NoError(h.t, err)
	return out
}

// audited answers the actions and outcomes that reached auth.
func (h *house) audited() (out []string) {
	h.t.Helper()
	require.NoError(h.t, h.svc.audit.flush(h.t.Context()))
	h.trail.mu.Lock()
	defer h.trail.mu.Unlock()
	for _, l := range h.trail.lines {
		out = append(out, l.GetAction()+" "+l.GetOutcome())
	}
	return out
}

// dump is all rows of all tables as text, as a thief of the database sees them.
func (h *house) dump() string {
	h.t.Helper()
	var out strings.Builder
	for _, table := range []string{"installation", "credential", "credential_secret", "credential_use", "last_good", "reservation", "device_key", "secret"} {
		var text *string
		require.NoError(h.t, h.pool.QueryRow(h.t.Context(), "SELECT string_agg(r::text, E'\\n') FROM "+table+" r").Scan(&text))
		if text != nil {
			out.WriteString(*text)
		}
	}
	return out.String()
}

func refused(t *testing.T, err error, code codes.Code, reason string) {
	t.Helper()
	require.Error(t, err)
	require.Equal(t, reason, errs.Reason(err), "%v", err)
	require.Equal(t, code, errs.Code(err))
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// fakeInventory has devices with tags.
type fakeInventory struct {
	inventoryv1.TargetServiceClient
	devices []*inventoryv1.Target
}

func (f *fakeInventory) GetTargets(_ context.Context, req *inventoryv1.GetTargetsRequest, _ ...grpc.CallOption) (*inventoryv1.GetTargetsResponse, error) {
	resp := &inventoryv1.GetTargetsResponse{}
	for _, d := range f.devices {
		if slices.Contains(req.GetDeviceIds(), d.GetDeviceId()) {
			resp.Items = append(resp.Items, d)
		}
	}
	return resp, nil
}

func (f *fakeInventory) ResolveSelection(_ context.Context, req *inventoryv1.ResolveSelectionRequest, _ ...grpc.CallOption) (grpc.ServerStreamingClient[inventoryv1.ResolveSelectionResponse], error) {
	out := &selectionStream{}
	for _, d := range f.devices {
		s := req.GetSelection()
		byTag := slices.ContainsFunc(d.GetTags(), func(t string) bool {
			return slices.ContainsFunc(s.GetTags(), func(u string) bool { return strings.EqualFold(t, u) })
		})
		if byTag || slices.Contains(s.GetDeviceIds(), d.GetDeviceId()) {
			out.pages = append(out.pages, &inventoryv1.ResolveSelectionResponse{Items: []*inventoryv1.ResolveSelectionResponse_Item{{DeviceId: d.GetDeviceId(), DeviceName: d.GetDeviceName()}}})
		}
	}
	return out, nil
}

type selectionStream struct {
	grpc.ServerStreamingClient[inventoryv1.ResolveSelectionResponse]
	pages []*inventoryv1.ResolveSelectionResponse
}

func (s *selectionStream) Recv() (*inventoryv1.ResolveSelectionResponse, error) {
	if len(s.pages) == 0 {
		return nil, io.EOF
	}
	page := s.pages[0]
	s.pages = s.pages[1:]
	return page, nil
}

// fakeTrail keeps audit lines, each id once, or is away.
type fakeTrail struct {
	authv1.TrustServiceClient
	mu    sync.Mutex
	away  bool
	lines []*authv1.AuditLine
}

func (f *fakeTrail) AppendAudit(_ context.Context, req *authv1.AppendAuditRequest, _ ...grpc.CallOption) (*authv1.AppendAuditResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return nil, errors.New("auth is away")
	}
	f.lines = append(f.lines, req.GetLines()...)
	return &authv1.AppendAuditResponse{}, nil
}

// fakeAuthority is a root that certifies whatever is asked.
type fakeAuthority struct {
	authv1.CertificateServiceClient
	t    testing.TB
	now  func() time.Time
	root *x509.Certificate
	key  ed25519.PrivateKey

	mu      sync.Mutex
	away    bool
	revoked []string
}

func newFakeAuthority(t testing.TB, now func() time.Time) *fakeAuthority {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: now().Add(-time.Hour), NotAfter: now().Add(1e6 * time.Hour), IsCA: true,
		KeyUsage: x509.KeyUsageCertSign, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, key)
	require.NoError(t, err)
	root, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &fakeAuthority{t: t, now: now, root: root, key: key}
}

func (f *fakeAuthority) issue(uri *url.URL, public any) []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(2), NotBefore: f.now().Add(-time.Hour), NotAfter: f.now().Add(24 * time.Hour), URIs: []*url.URL{uri},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, f.root, public, f.key)
	require.NoError(f.t, err)
	return der
}

func (f *fakeAuthority) isAway() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return errs.New(codes.Unavailable, "SERVICE_UNAVAILABLE", "away")
	}
	return nil
}

func (f *fakeAuthority) IssueCertificate(_ context.Context, req *authv1.IssueCertificateRequest, _ ...grpc.CallOption) (*authv1.Certificate, error) {
	public, err := x509.ParsePKIXPublicKey(req.GetPublicKey())
	if err := errors.Join(err, f.isAway()); err != nil {
		return nil, err
	}
	return &authv1.Certificate{Der: f.issue(pki.SignerURI(req.GetPurpose()), public), NotAfter: timestamppb.New(f.now().Add(24 * time.Hour))}, nil
}

func (f *fakeAuthority) GetAuthority(context.Context, *authv1.GetAuthorityRequest, ...grpc.CallOption) (*authv1.Authority, error) {
	return &authv1.Authority{Der: f.root.Raw}, f.isAway()
}

func (f *fakeAuthority) ListRevokedAgents(context.Context, *authv1.ListRevokedAgentsRequest, ...grpc.CallOption) (*authv1.ListRevokedAgentsResponse, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.away {
		return nil, errs.New(codes.Unavailable, "SERVICE_UNAVAILABLE", "away")
	}
	return &authv1.ListRevokedAgentsResponse{AgentIds: f.revoked}, nil
}

// fakeAgent is an agent with keys and a certificate.
type fakeAgent struct {
	pki.Agent
	private, certificate []byte
}

func (f *fakeAuthority) agent() fakeAgent {
	private, public, err := seal.NewAgentKey()
	require.NoError(f.t, err)
	tls, _, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(f.t, err)
	a := pki.Agent{AgentID: newID().String(), GatewayID: wellknown.LocalGatewayID, SealKey: public}
	return fakeAgent{Agent: a, private: private, certificate: f.issue(pki.AgentURI(a), tls)}
}
