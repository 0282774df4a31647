package gitstore_test

import (
	"context"
	"log/slog"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	gitstoredb "github.com/netraven/netraven/db/gitstore"
	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/internal/keyfile"
	"github.com/netraven/netraven/internal/pgtest"
	"github.com/netraven/netraven/internal/seal"
	"github.com/netraven/netraven/platforms"
	"github.com/netraven/netraven/services/gitstore"
	"github.com/netraven/netraven/services/gitstore/remote"
	"github.com/netraven/netraven/services/gitstore/repo"
)

// trust, vault and inventory are the neighbours as far as gitstore calls them.
type trust struct {
	authv1.TrustServiceClient
	lines []*authv1.AuditLine
}

func (t *trust) AppendAudit(_ context.Context, in *authv1.AppendAuditRequest, _ ...grpc.CallOption) (*authv1.AppendAuditResponse, error) {
	t.lines = append(t.lines, in.GetLines()...)
	return &authv1.AppendAuditResponse{}, nil
}

type inventory struct {
	inventoryv1.TargetServiceClient
	pages map[string][]byte
	// names are the devices there are; a name is its device's only tag too. Deleted are those of them that were.
	names, deleted map[string]string
}

func (i *inventory) DescribeDevices(_ context.Context, in *inventoryv1.DescribeDevicesRequest, _ ...grpc.CallOption) (*inventoryv1.DescribeDevicesResponse, error) {
	out := &inventoryv1.DescribeDevicesResponse{}
	for _, id := range in.GetDeviceIds() {
		if name, ok := i.names[id]; ok && (len(in.GetTags()) == 0 || slices.Contains(in.GetTags(), name)) {
			d := &inventoryv1.DescribeDevicesResponse_Item{DeviceId: id, DeviceName: name, SiteName: "default", Platform: "cisco_ios"}
			if gone, ok := i.deleted[id]; ok {
				at, _ := time.Parse(time.RFC3339, gone)
				d.DeletedAt = timestamppb.New(at)
			}
			if d.DeletedAt == nil || in.GetWithDeleted() {
				out.Items = append(out.Items, d)
			}
		}
	}
	return out, nil
}

func (i *inventory) GetPages(_ context.Context, in *inventoryv1.GetPagesRequest, _ ...grpc.CallOption) (*inventoryv1.GetPagesResponse, error) {
	out := &inventoryv1.GetPagesResponse{}
	for _, d := range in.GetDigests() {
		if p, ok := i.pages[d]; ok {
			out.Items = append(out.Items, &inventoryv1.GetPagesResponse_Item{Digest: d, Page: p})
		}
	}
	return out, nil
}

type house struct {
	t    testing.TB
	dir  string
	pool *pgxpool.Pool
	page *platforms.Page
	// pages are those that inventory knows; page is the one that devices are read by.
	pages   map[string][]byte
	trust   *trust
	vault   *vault
	secrets *secrets
	push    remote.Limits
	metrics prometheus.Registerer
	// service is what start made.
	service *gitstore.Service
	store   gitstorev1.StoreServiceClient
	read    gitstorev1.RevisionServiceClient
	// viewer may not read secrets.
	viewer gitstorev1.RevisionServiceClient
	find   gitstorev1.SearchServiceClient
	// names are the devices of the inventory; deleted are those of them that were, and when.
	names, deleted map[string]string
	// mirror is where the history is mirrored to, signed with key; empty: nowhere.
	mirror string
	key    *keyfile.Key
	// keepOriginals is as configured.
	keepOriginals time.Duration
	plain         bool
	fence         int64
	log           *slog.Logger
	now           func() time.Time
	// fs writes the repository. Nil: the operating system.
	fs repo.FS
}

func open(t testing.TB) *house {
	t.Helper()
	return openOn(t, pgtest.New(t, "gitstore", gitstoredb.Migrations))
}

func openOn(t testing.TB, pool *pgxpool.Pool) *house {
	t.Helper()
	page, ok := platforms.Builtin().Lookup("cisco_ios")
	require.True(t, ok)
	h := &house{t: t, dir: t.TempDir(), pool: pool, page: page, pages: map[string][]byte{page.Digest(): page.Source()}, trust: &trust{}, vault: newVault(0), secrets: &secrets{kept: map[string][]byte{}}, names: map[string]string{}, deleted: map[string]string{}}
	h.start()
	return h
}

// start makes the service anew, as a restart does.
func (h *house) start() {
	h.t.Helper()
	s, err := h.make()
	require.NoError(h.t, err)
	h.service = s
	h.store = gitstorev1.NewStoreServiceClient(grpctest.Serve(h.t, "hub", nil, s))
	h.read = gitstorev1.NewRevisionServiceClient(grpctest.Serve(h.t, "api", &authn.Principal{UserID: "1", Username: "ann", Permissions: []string{"*"}}, s))
	viewer := grpctest.Serve(h.t, "api", &authn.Principal{UserID: "2", Username: "bob", Permissions: []string{"*.read"}}, s)
	h.viewer, h.find = gitstorev1.NewRevisionServiceClient(viewer), gitstorev1.NewSearchServiceClient(viewer)
}

func (h *house) make() (*gitstore.Service, error) {
	return gitstore.New(gitstore.Config{Dir: h.dir, Mirror: h.mirror, KeepOriginals: h.keepOriginals, Plain: h.plain, Push: h.push}, gitstore.Deps{Pool: h.pool, Log: h.log, Now: h.now, FS: h.fs, Key: h.key, Grants: h.vault, Secrets: h.secrets, Metrics: h.metrics, Trust: h.trust,
		Targets: &inventory{pages: h.pages, names: h.names, deleted: h.deleted}})
}

func (h *house) repo() string { return filepath.Join(h.dir, "configs.git") }

func (h *house) git(args ...string) string {
	h.t.Helper()
	return h.gitIn("configs", args...)
}

// gitIn runs git in a repository.
func (h *house) gitIn(repository string, args ...string) string {
	h.t.Helper()
	out, err := exec.Command("git", append([]string{"-C", filepath.Join(h.dir, repository+".git"), "-c", "safe.directory=*"}, args...)...).CombinedOutput()
	require.NoError(h.t, err, "git %v: %s", args, out)
	return string(out)
}

// tryGit is git where it may fail.
func (h *house) tryGit(args ...string) error {
	return exec.Command("git", append([]string{"-C", h.repo(), "-c", "safe.directory=*"}, args...)...).Run()
}

// result is an attempt at a device that read a configuration, as an agent seals it.
func (h *house) result(device, name, config string) *gitstorev1.StoreResultsRequest_Item {
	h.t.Helper()
	h.fence++
	in := &gitstorev1.StoreResultsRequest_Item{RunId: newID(), TaskId: newID(), Fence: h.fence, DeviceId: device, DeviceName: name, SiteName: "default",
		PageDigest: h.page.Digest(), CollectedAt: timestamppb.New(time.Now())}
	main := h.page.Main()
	label, digest := platforms.ChangeDigest(h.vault.digestKey(device), h.page, main, main.Clean([]byte(config)))
	in.Artifacts = []*gitstorev1.StoredArtifact{{Name: main.Name, Label: label, Digest: digest, Sealed: h.seal(in, main.Name, config), Size: int32(len(config)), Main: true}}
	return in
}

// seal closes an artifact for its device and attempt.
func (h *house) seal(in *gitstorev1.StoreResultsRequest_Item, artifact, text string) []byte {
	h.t.Helper()
	aad := seal.ArtifactAAD{DeviceID: in.GetDeviceId(), Artifact: artifact, TaskID: in.GetTaskId(), Fence: in.GetFence()}
	sealed, err := seal.SealArtifact(h.vault.sealKey(in.GetDeviceId()), aad, []byte(text))
	require.NoError(h.t, err)
	return sealed
}

// unchanged is the same result as the agent sends it when it knows the digest.
func unchanged(in *gitstorev1.StoreResultsRequest_Item) *gitstorev1.StoreResultsRequest_Item {
	in.Artifacts[0].Sealed, in.Artifacts[0].Unchanged = nil, true
	return in
}

func (h *house) put(items ...*gitstorev1.StoreResultsRequest_Item) []*gitstorev1.StoreResultsResponse_Item {
	h.t.Helper()
	out, err := h.store.StoreResults(context.Background(), &gitstorev1.StoreResultsRequest{Items: items})
	require.NoError(h.t, err)
	require.Len(h.t, out.GetItems(), len(items))
	return out.GetItems()
}

func (h *house) revisions(device string) []*gitstorev1.Revision {
	h.t.Helper()
	out, err := h.read.ListRevisions(context.Background(), &gitstorev1.ListRevisionsRequest{DeviceId: device})
	require.NoError(h.t, err)
	return out.GetItems()
}

func (h *house) content(c gitstorev1.RevisionServiceClient, id, view string) (string, error) {
	out, err := c.GetContent(context.Background(), &gitstorev1.GetContentRequest{Id: id, View: view})
	return string(out.GetData()), err
}

func newID() string { return uuid.Must(uuid.NewV7()).String() }

func reason(err error) string { return errs.Reason(err) }
