package corpus

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/netraven/netraven/device"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/jobkind"
	"github.com/netraven/netraven/lab"
	"github.com/netraven/netraven/platforms"
)

func spec(page *platforms.Page, port int) *jobv1.TaskSpec {
	return &jobv1.TaskSpec{
		Kind: "backup", DeviceName: page.Name, Address: "127.0.0.1", Port: int32(port), TrustFirstKey: true,
		CredentialIds: []string{"c"}, Params: []byte(`{"transcript": true}`), Deadline: timestamppb.New(time.Now().Add(2 * time.Minute)),
	}
}

func credentials(context.Context) (*vaultv1.Grant, error) {
	return &vaultv1.Grant{DigestKey: make([]byte, 32), SealKey: make([]byte, 32), Credentials: []*vaultv1.GrantedCredential{{
		Id: "c", Name: "replay", Username: "netraven", Password: "netraven", Enable: vaultv1.GrantedCredential_LOGIN_PASSWORD,
	}}}, nil
}

// backup runs the backup kind against a port of this machine; known is what an earlier backup brought.
func backup(t *testing.T, page *platforms.Page, port int, limits device.Limits, known []jobkind.Artifact) jobkind.Outcome {
	t.Helper()
	kind, ok := jobkind.Lookup("backup")
	require.True(t, ok)
	env := jobkind.Env{Spec: spec(page, port), Page: page, Credentials: credentials, Limits: limits}
	for _, a := range known {
		env.Known = append(env.Known, &gitstorev1.KnownDigest{Artifact: a.Name, Label: a.Label, Digest: a.Digest})
	}
	return jobkind.Run(context.Background(), kind, env)
}

// open logs in, as a backup does.
func open(t *testing.T, page *platforms.Page, port int, limits device.Limits) (*device.Session, *device.Report, *jobv1.Failure) {
	t.Helper()
	return device.Open(context.Background(), device.Config{Spec: spec(page, port), Page: page, Credentials: credentials, Limits: limits})
}

// The platforms that the lab simulates.
var simulated = []string{"arista_eos", "cisco_ios", "juniper_junos", "mikrotik_routeros"}

// Our own stand-ins run always, so that the suite means something without the corpus.
func TestSimulatedDevicesAreBackedUp(t *testing.T) {
	var specs []lab.DeviceSpec
	for _, p := range simulated {
		specs = append(specs, lab.DeviceSpec{Name: p, Platform: p}, lab.DeviceSpec{Name: p + "-in-pieces", Platform: p, Fault: lab.Fault{Chunk: 7}},
			lab.DeviceSpec{Name: p + "-cut", Platform: p, Fault: lab.Fault{DropAfter: 2500}})
	}
	l, err := lab.New(lab.Config{Devices: specs})
	require.NoError(t, err)
	require.NoError(t, l.Start(context.Background()))
	defer func() { require.NoError(t, l.Close()) }()
	for _, d := range l.Devices() {
		info := d.Info()
		page, _ := platforms.Builtin().Lookup(info.Platform)
		out := backup(t, page, info.Port, patient, nil)
		if d.Fault().DropAfter > 0 {
			require.NotNil(t, out.Failure, info.Name)
			require.Empty(t, out.Artifacts, info.Name)
			continue
		}
		require.Nil(t, out.Failure, "%s: %v", info.Name, out.Failure)
		requireHolds(t, page.Main(), out.Artifacts[0].Original, lines(string(page.Main().Clean([]byte(d.Config())))))
	}
}
