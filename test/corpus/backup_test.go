package corpus

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/netraven/netraven/device"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/jobkind"
	"github.com/netraven/netraven/lab"
	"github.com/netraven/netraven/platforms"
)

// backup runs the backup kind against a port of this machine.
func backup(t *testing.T, platform string, port int, limits device.Limits) jobkind.Outcome {
	t.Helper()
	page, ok := platforms.Builtin().Lookup(platform)
	require.True(t, ok)
	kind, ok := jobkind.Lookup("backup")
	require.True(t, ok)
	return kind.Run(context.Background(), jobkind.Env{
		Spec: &jobv1.TaskSpec{
			Kind: "backup", DeviceName: platform, Address: "127.0.0.1", Port: int32(port), TrustFirstKey: true,
			CredentialIds: []string{"c"}, Deadline: timestamppb.New(time.Now().Add(2 * time.Minute)),
		},
		Page: page,
		Credentials: func(context.Context) (*vaultv1.Grant, error) {
			return &vaultv1.Grant{DigestKey: make([]byte, 32), SealKey: make([]byte, 32), Credentials: []*vaultv1.GrantedCredential{{
				Id: "c", Name: "replay", Username: "netraven", Password: "netraven", Enable: vaultv1.GrantedCredential_LOGIN_PASSWORD,
			}}}, nil
		},
		Limits: limits,
	})
}

// slowly is the mode in which each piece arrives alone.
const slowly = "in pieces, slowly"

var patient = device.Limits{Silence: 5 * time.Second, Nudge: 300 * time.Millisecond}

func here(t *testing.T) string {
	t.Helper()
	dir := folder()
	if dir == "" {
		t.Skip("the corpus of recorded sessions is not here; simulated devices of our own stand in")
	}
	return dir
}

func TestRecordedSessionsAreBackedUp(t *testing.T) {
	dir := here(t)
	modes := map[string][]string{
		"plain": nil, "in pieces": {"-chunk", "7", "-chunk-delay", "0"}, "crlf": {"-crlf"},
		"in pieces, crlf": {"-crlf", "-chunk", "3", "-chunk-delay", "0", "-seed", "9"},
		slowly:            {"-chunk", "7", "-chunk-delay", "100us"},
	}
	sessions := recordings(t, dir)
	require.NotEmpty(t, sessions)
	for mode, flags := range modes {
		t.Run(mode, func(t *testing.T) {
			ports := replay(t, dir, flags...)
			for _, r := range sessions {
				page, _ := platforms.Builtin().Lookup(r.Platform)
				if mode == slowly && r.answered(r.command(page)) > 3000 {
					continue // it would take minutes; the other modes have it
				}
				t.Run(r.Name, func(t *testing.T) {
					t.Parallel()
					want := r.want(r.command(page))
					require.NotEmpty(t, want)
					out := backup(t, r.Platform, ports[r.Name], patient)
					require.Nil(t, out.Failure, "%v", out.Failure)
					requireHolds(t, page.Main(), out.Artifacts[0].Original, want)
					require.NotContains(t, string(out.Artifacts[0].Original), "\r")
				})
			}
		})
	}
}

// A session that breaks or falls silent in the middle of the configuration yields nothing.
func TestBrokenSessionsYieldNothing(t *testing.T) {
	dir := here(t)
	for _, flag := range []string{"-drop-after", "-stall-after"} {
		for _, r := range recordings(t, dir) {
			page, _ := platforms.Builtin().Lookup(r.Platform)
			if flag == "-stall-after" && onlyStatus(page) {
				continue // the tool ends such a channel with status 0, which is no stall
			}
			size := r.answered(r.command(page))
			for _, share := range []int{10, 50, 90} {
				t.Run(flag+"/"+r.Name+"/"+strconv.Itoa(share), func(t *testing.T) {
					t.Parallel()
					ports := replay(t, dir, flag, strconv.Itoa(size*share/100), "-session", r.Name)
					out := backup(t, r.Platform, ports[r.Name], device.Limits{Silence: 400 * time.Millisecond, Nudge: 100 * time.Millisecond})
					require.NotNil(t, out.Failure)
					require.Empty(t, out.Artifacts)
					t.Log(out.Failure)
				})
			}
		}
	}
}

// onlyStatus reports that nothing but the exit status tells the end of the page's configuration.
func onlyStatus(p *platforms.Page) bool {
	c := p.Main().Complete
	return p.Transport == platforms.Exec && c.LastLine == nil && c.Balanced == "" && c.Closes == ""
}

// Our own stand-ins run always, so that the suite means something without the corpus.
func TestSimulatedDevicesAreBackedUp(t *testing.T) {
	var specs []lab.DeviceSpec
	for _, p := range covered {
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
		out := backup(t, info.Platform, info.Port, patient)
		if d.Fault().DropAfter > 0 {
			require.NotNil(t, out.Failure, info.Name)
			require.Empty(t, out.Artifacts, info.Name)
			continue
		}
		require.Nil(t, out.Failure, "%s: %v", info.Name, out.Failure)
		requireHolds(t, page.Main(), out.Artifacts[0].Original, lines(string(page.Main().Clean([]byte(d.Config())))))
	}
}
