package gitstore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/ssh"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	vaultv1 "github.com/netraven/netraven/gen/go/netraven/vault/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/services/gitstore"
	"github.com/netraven/netraven/services/gitstore/remote"
	"github.com/netraven/netraven/services/gitstore/remote/remotetest"
)

// secrets is what vault keeps for gitstore.
type secrets struct {
	vaultv1.SecretServiceClient
	mu   sync.Mutex
	kept map[string][]byte
	away error
}

func (s *secrets) PutSecret(_ context.Context, in *vaultv1.PutSecretRequest, _ ...grpc.CallOption) (*vaultv1.PutSecretResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept[in.GetKind()+in.GetId()] = in.GetSecret()
	return &vaultv1.PutSecretResponse{}, s.away
}

func (s *secrets) OpenSecret(_ context.Context, in *vaultv1.OpenSecretRequest, _ ...grpc.CallOption) (*vaultv1.OpenSecretResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, ok := s.kept[in.GetKind()+in.GetId()]
	if !ok {
		return nil, errs.NotFound("secret", in.GetId())
	}
	return &vaultv1.OpenSecretResponse{Secret: b}, s.away
}

func (s *secrets) DeleteSecret(_ context.Context, in *vaultv1.DeleteSecretRequest, _ ...grpc.CallOption) (*vaultv1.DeleteSecretResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.kept, in.GetKind()+in.GetId())
	return &vaultv1.DeleteSecretResponse{}, s.away
}

// lockedLog is a log that several goroutines write.
type lockedLog struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.String()
}

// remotes is a house with a log and a clock of its own, and the admin's client.
type remotes struct {
	*house
	gitstorev1.RemoteServiceClient
	log *lockedLog
	at  time.Time
}

func openRemotes(t *testing.T) *remotes {
	t.Helper()
	r := &remotes{house: open(t), log: &lockedLog{}, at: time.Now()}
	r.house.log = slog.New(slog.NewJSONHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	r.now = func() time.Time { return r.at }
	r.metrics = prometheus.NewRegistry()
	r.push = remote.Limits{Connect: 2 * time.Second, Idle: 300 * time.Millisecond, Whole: 20 * time.Second}
	r.start()
	r.RemoteServiceClient = r.admin()
	return r
}

// admin is a client of the service as it is now.
func (r *remotes) admin() gitstorev1.RemoteServiceClient {
	return gitstorev1.NewRemoteServiceClient(grpctest.Serve(r.t, "api", &authn.Principal{UserID: "1", Username: "ann", Permissions: []string{"*"}}, r.service))
}

// https is a remote as people give it.
func https(target remote.Target) *gitstorev1.Remote {
	return &gitstorev1.Remote{Name: "Central", Url: "https://" + target.Address.Host + target.Address.Path, Username: target.Username, Password: remotetest.Token, Ca: target.CA}
}

func overSSH(target remote.Target, server *remotetest.SSHServer) *gitstorev1.Remote {
	return &gitstorev1.Remote{Name: "Central", Url: "ssh://git@" + target.Address.Host + target.Address.Path, PrivateKey: target.PrivateKey.Reveal(),
		KnownHost: string(ssh.MarshalAuthorizedKey(server.Key))}
}

func (r *remotes) add(in *gitstorev1.Remote) *gitstorev1.Remote {
	r.t.Helper()
	out, err := r.CreateRemote(context.Background(), &gitstorev1.CreateRemoteRequest{Remote: in})
	require.NoError(r.t, err)
	return out
}

func (r *remotes) pushNow(id string) *gitstorev1.Remote {
	r.t.Helper()
	out, err := r.PushRemote(context.Background(), &gitstorev1.PushRemoteRequest{Id: id})
	require.NoError(r.t, err)
	require.False(r.t, out.GetState().GetPushing())
	return out
}

// tick is a look at what is due, and the pushes that come of it.
func (r *remotes) tick(id string) *gitstorev1.Remote {
	r.t.Helper()
	require.NoError(r.t, gitstore.PushDue(context.Background(), r.service))
	out, err := r.GetRemote(context.Background(), &gitstorev1.GetRemoteRequest{Id: id})
	require.NoError(r.t, err)
	return out
}

func (r *remotes) change(in *gitstorev1.Remote, paths ...string) (*gitstorev1.Remote, error) {
	return r.UpdateRemote(context.Background(), &gitstorev1.UpdateRemoteRequest{Remote: in, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
}

func (r *remotes) head() string { return strings.TrimSpace(r.git("rev-parse", "main")) }

func TestRemoteFollowsTheHistory(t *testing.T) {
	r, dir := openRemotes(t), remotetest.Bare(t)
	device := newID()
	made := r.add(https(remotetest.ServeHTTPS(t, dir)))
	require.Equal(t, []string{"password"}, made.GetSecretsSet())
	require.Empty(t, made.GetPassword())
	require.Equal(t, "configs", made.GetRepository())
	require.Nil(t, r.tick(made.GetId()).GetState().GetBehindSince(), "there is no history yet")
	tried := r.pushNow(made.GetId()).GetState()
	require.Empty(t, tried.GetError()+tried.GetLastPushedCommit())
	require.Nil(t, tried.GetLastPushedAt())
	for password, why := range map[string]string{"wrong": remote.Auth, remotetest.Token: ""} { // a remote can be tried before there is anything to push
		_, err := r.change(&gitstorev1.Remote{Id: made.GetId(), Password: password}, "password")
		require.NoError(t, err)
		require.Equal(t, why, r.pushNow(made.GetId()).GetState().GetReason())
	}
	_, err := r.change(&gitstorev1.Remote{Id: made.GetId(), Password: remotetest.Token}, "password")
	require.NoError(t, err)

	r.put(r.result(device, "r1", config1))
	got := r.tick(made.GetId()).GetState()
	require.Equal(t, r.head(), got.GetLastPushedCommit())
	require.Equal(t, r.head(), strings.TrimSpace(remotetest.Git(t, dir, "rev-parse", "main")))
	require.Empty(t, got.GetReason())
	require.Nil(t, got.GetBehindSince())
	require.NotContains(t, remotetest.Git(t, dir, "log", "-p", "main"), "hunter", "what is pushed is masked")

	// One that is held is only pushed to by hand.
	_, err = r.change(&gitstorev1.Remote{Id: made.GetId(), Enabled: proto.Bool(false)}, "enabled")
	require.NoError(t, err)
	r.put(r.result(device, "r1", config1+"ntp server 192.0.2.9\n"))
	require.NotEqual(t, r.head(), r.tick(made.GetId()).GetState().GetLastPushedCommit())
	require.Equal(t, r.head(), r.pushNow(made.GetId()).GetState().GetLastPushedCommit())
}

// A site's own repository goes to a server of its own.
func TestRemoteOfOneRepositoryGetsNoOther(t *testing.T) {
	r, dir := openRemotes(t), remotetest.Bare(t)
	theirs := https(remotetest.ServeHTTPS(t, dir))
	theirs.Repository = "bank"
	_, err := r.CreateRemote(context.Background(), &gitstorev1.CreateRemoteRequest{Remote: theirs})
	require.ErrorContains(t, err, "made by its first backup")
	r.put(r.result(newID(), "r1", config1), at(r.result(newID(), "r2", config1), "zurich", "bank"))
	made := r.add(theirs)
	got := r.tick(made.GetId()).GetState()
	require.Equal(t, strings.TrimSpace(r.gitIn("bank", "rev-parse", "main")), got.GetLastPushedCommit())
	require.Equal(t, "zurich/r2/running.cfg", strings.TrimSpace(remotetest.Git(t, dir, "ls-tree", "-r", "--name-only", "main")))
	require.Nil(t, got.GetBehindSince())
	r.put(r.result(newID(), "r3", config1))
	require.Nil(t, r.tick(made.GetId()).GetState().GetBehindSince(), "what goes elsewhere does not concern it")
}

func TestRemoteOverSSHPinsWhatItSeesFirst(t *testing.T) {
	r, dir := openRemotes(t), remotetest.Bare(t)
	r.put(r.result(newID(), "r1", config1))
	target, server := remotetest.ServeSSH(t, dir)
	in := overSSH(target, server)
	in.KnownHost, in.AcceptFirstHostKey = "", true
	made := r.add(in)
	got := r.pushNow(made.GetId())
	require.Empty(t, got.GetState().GetError())
	require.Equal(t, strings.TrimSpace(string(ssh.MarshalAuthorizedKey(server.Key))), got.GetKnownHost())
	require.Equal(t, r.head(), got.GetState().GetLastPushedCommit())

	// Another server at its place is refused from then on, and sees no signature of the key.
	_, other := remotetest.NewKey(t)
	_, err := r.change(&gitstorev1.Remote{Id: made.GetId(), KnownHost: string(ssh.MarshalAuthorizedKey(other.PublicKey()))}, "known_host")
	require.NoError(t, err)
	r.put(r.result(newID(), "r2", config1))
	require.Equal(t, remote.HostKey, r.pushNow(made.GetId()).GetState().GetReason())
}

func TestRemoteThatDivergedIsReportedAndLeft(t *testing.T) {
	r, other, dir := openRemotes(t), openRemotes(t), remotetest.Bare(t)
	r.put(r.result(newID(), "r1", config1))
	other.put(other.result(newID(), "r9", config1))
	target := remotetest.ServeHTTPS(t, dir)
	require.Empty(t, other.pushNow(other.add(https(target)).GetId()).GetState().GetError())

	made := r.add(https(target))
	began := r.at
	got := r.tick(made.GetId()).GetState()
	require.Equal(t, remote.Diverged, got.GetReason())
	require.Contains(t, got.GetError(), "left as it is")
	require.WithinDuration(t, began, got.GetBehindSince().AsTime(), time.Second)
	require.Equal(t, other.head(), strings.TrimSpace(remotetest.Git(t, dir, "rev-parse", "main")))
	require.Equal(t, map[string]any{"count": 1, "failing": 1, "behind_seconds": int64(0)}, r.service.Health()["remotes"])

	// It is left alone for long, and looked at when a person says so.
	r.at = r.at.Add(30 * time.Minute)
	require.EqualValues(t, 1, r.tick(made.GetId()).GetState().GetFailures())
	metrics, err := r.metrics.(*prometheus.Registry).Gather()
	require.NoError(t, err)
	for len(metrics) > 0 && metrics[0].GetName() != "netraven_gitstore_remote_behind_seconds" {
		metrics = metrics[1:]
	}
	require.NotEmpty(t, metrics)
	require.Equal(t, "Central", metrics[0].GetMetric()[0].GetLabel()[0].GetValue())
	require.InDelta(t, 1800, metrics[0].GetMetric()[0].GetGauge().GetValue(), 1)
	require.EqualValues(t, 2, r.pushNow(made.GetId()).GetState().GetFailures())
	r.at = r.at.Add(2 * time.Hour)
	require.EqualValues(t, 3, r.tick(made.GetId()).GetState().GetFailures())

	remotetest.Git(t, dir, "update-ref", "-d", "refs/heads/main")
	got = r.pushNow(made.GetId()).GetState()
	require.Empty(t, got.GetError())
	require.Zero(t, got.GetFailures())
	require.Nil(t, got.GetBehindSince())
	require.Equal(t, r.head(), got.GetLastPushedCommit())
}

// Backups never wait for a remote, and a remote that hangs is let go.
func TestRemoteThatHangsHoldsNothingUp(t *testing.T) {
	r := openRemotes(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	connected, hang := make(chan struct{}, 16), make(chan struct{})
	t.Cleanup(func() { close(hang); _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { connected <- struct{}{}; <-hang; _ = c.Close() }()
		}
	}()
	target, server := remotetest.ServeSSH(t, remotetest.Bare(t))
	in := overSSH(target, server)
	in.Url = "ssh://git@" + l.Addr().String() + "/x.git"
	r.put(r.result(newID(), "r1", config1))
	made := r.add(in)
	pushed := make(chan error, 1)
	var got *gitstorev1.Remote
	go func() {
		var err error
		got, err = r.PushRemote(context.Background(), &gitstorev1.PushRemoteRequest{Id: made.GetId()})
		pushed <- err
	}()
	<-connected
	r.put(r.result(newID(), "r2", config1)) // while the push hangs
	require.NoError(t, <-pushed)
	require.Equal(t, remote.Timeout, got.GetState().GetReason())
	first := got.GetState().GetNextTryAt().AsTime()
	require.WithinDuration(t, r.at.Add(10*time.Second), first, 3*time.Second)
	for range 9 {
		got = r.pushNow(made.GetId())
	}
	require.WithinDuration(t, r.at.Add(time.Hour), got.GetState().GetNextTryAt().AsTime(), 15*time.Minute, "ever later, up to an hour")
}

func TestRemoteSecretsAreNowhereToBeSeen(t *testing.T) {
	r, dir := openRemotes(t), remotetest.Bare(t)
	r.put(r.result(newID(), "r1", config1))
	target := remotetest.ServeHTTPS(t, dir)
	made := r.add(https(target))
	r.pushNow(made.GetId())
	const wrong = "wrong-Token-77"
	_, err := r.change(&gitstorev1.Remote{Id: made.GetId(), Password: wrong}, "password")
	require.NoError(t, err)
	r.put(r.result(newID(), "r2", config1))
	got := r.pushNow(made.GetId())
	require.Equal(t, remote.Auth, got.GetState().GetReason())
	require.WithinDuration(t, r.at.Add(time.Hour), got.GetState().GetNextTryAt().AsTime(), 15*time.Minute, "a wrong token is not tried again and again")
	require.Len(t, r.secrets.kept, 1, "the secret before is gone")

	r.secrets.away = errs.New(codes.Unavailable, "KEY_UNAVAILABLE", "no key")
	require.Equal(t, "KEY_UNAVAILABLE", r.pushNow(made.GetId()).GetState().GetReason())
	r.secrets.away = nil

	var rows string
	require.NoError(t, r.pool.QueryRow(t.Context(), "SELECT string_agg(r::text, E'\\n') FROM remote r").Scan(&rows))
	seen := rows + r.log.String() + got.String()
	for _, line := range r.trust.lines {
		seen += line.String()
	}
	require.Contains(t, seen, "REMOTE_AUTH")
	require.NotContains(t, seen, wrong)
	require.NotContains(t, seen, remotetest.Token)

	_, err = r.DeleteRemote(t.Context(), &gitstorev1.DeleteRemoteRequest{Id: made.GetId()})
	require.NoError(t, err)
	require.Empty(t, r.secrets.kept)
	_, err = r.GetRemote(t.Context(), &gitstorev1.GetRemoteRequest{Id: made.GetId()})
	require.Equal(t, "REMOTE_NOT_FOUND", reason(err))
	var actions []string
	for _, line := range r.trust.lines {
		actions = append(actions, line.GetAction())
	}
	require.Equal(t, []string{"remote.create", "remote.update", "remote.delete"}, actions)
}

func TestRemoteRefusesWhatCannotWork(t *testing.T) {
	r := openRemotes(t)
	target, server := remotetest.ServeSSH(t, remotetest.Bare(t))
	web := https(remotetest.ServeHTTPS(t, remotetest.Bare(t)))
	for name, bad := range map[string]func(*gitstorev1.Remote, *gitstorev1.Remote) *gitstorev1.Remote{
		"folder": func(w, _ *gitstorev1.Remote) *gitstorev1.Remote { w.Url = "file:///srv/x.git"; return w },
		"plain":  func(w, _ *gitstorev1.Remote) *gitstorev1.Remote { w.Url = "http://git.example.net/x"; return w },
		"in url": func(w, _ *gitstorev1.Remote) *gitstorev1.Remote {
			w.Url = "https://a:" + remotetest.Token + "@git.example.net/x"
			return w
		},
		"no name":       func(w, _ *gitstorev1.Remote) *gitstorev1.Remote { w.Name = " \n"; return w },
		"no token":      func(w, _ *gitstorev1.Remote) *gitstorev1.Remote { w.Password = ""; return w },
		"token's lines": func(w, _ *gitstorev1.Remote) *gitstorev1.Remote { w.Password = "a\nb"; return w },
		"ca":            func(w, _ *gitstorev1.Remote) *gitstorev1.Remote { w.Ca = "x"; return w },
		"repository":    func(w, _ *gitstorev1.Remote) *gitstorev1.Remote { w.Repository = "other"; return w },
		"key for https": func(w, s *gitstorev1.Remote) *gitstorev1.Remote { w.PrivateKey = s.PrivateKey; return w },
		"token for ssh": func(_, s *gitstorev1.Remote) *gitstorev1.Remote { s.Password = "x"; return s },
		"no host key":   func(_, s *gitstorev1.Remote) *gitstorev1.Remote { s.KnownHost = ""; return s },
		"host key":      func(_, s *gitstorev1.Remote) *gitstorev1.Remote { s.KnownHost = "SHA256:x"; return s },
		"no key":        func(_, s *gitstorev1.Remote) *gitstorev1.Remote { s.PrivateKey = "x"; return s },
	} {
		_, err := r.CreateRemote(t.Context(), &gitstorev1.CreateRemoteRequest{Remote: bad(proto.Clone(web).(*gitstorev1.Remote), overSSH(target, server))})
		require.Equal(t, "FIELD_INVALID", reason(err), "%s: %v", name, err)
		require.NotContains(t, err.Error(), remotetest.Token)
	}
	require.Empty(t, r.secrets.kept)
	require.Empty(t, r.trust.lines)

	made := r.add(web)
	again := proto.Clone(web).(*gitstorev1.Remote)
	again.Name = "CENTRAL"
	_, err := r.CreateRemote(t.Context(), &gitstorev1.CreateRemoteRequest{Remote: again})
	require.Equal(t, "REMOTE_EXISTS", reason(err))
	require.Len(t, r.secrets.kept, 1)

	// A token goes to no server that it was not given for.
	_, err = r.change(&gitstorev1.Remote{Id: made.GetId(), Url: "https://elsewhere.example.net/x.git"}, "url")
	require.ErrorContains(t, err, "another server")
	_, err = r.change(&gitstorev1.Remote{Id: made.GetId(), Repository: "x"}, "repository")
	require.Equal(t, "FIELD_INVALID", reason(err))

	viewer := gitstorev1.NewRemoteServiceClient(grpctest.Serve(t, "api", &authn.Principal{UserID: "2", Username: "bob", Permissions: []string{"gitstore.revision.read"}}, r.service))
	_, err = viewer.ListRemotes(t.Context(), &gitstorev1.ListRemotesRequest{})
	require.Equal(t, "PERMISSION_DENIED", reason(err))
	_, err = viewer.PushRemote(t.Context(), &gitstorev1.PushRemoteRequest{Id: made.GetId()})
	require.Equal(t, "PERMISSION_DENIED", reason(err))
}

// Run pushes by itself after a commit, and ends with its pushes.
func TestRemotesArePushedToByRun(t *testing.T) {
	r, dir := openRemotes(t), remotetest.Bare(t)
	target, server := remotetest.ServeSSH(t, dir)
	arrived := make(chan struct{}, 16)
	run := server.Run
	server.Run = func(command string, ch ssh.Channel) uint32 {
		status := run(command, ch)
		arrived <- struct{}{}
		return status
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.service.Run(ctx) }()
	r.add(overSSH(target, server))
	r.put(r.result(newID(), "r1", config1))
	<-arrived
	require.Equal(t, r.head(), strings.TrimSpace(remotetest.Git(t, dir, "rev-parse", "main")))

	server.Run = func(_ string, ch ssh.Channel) uint32 { arrived <- struct{}{}; _, _ = io.Copy(io.Discard, ch); return 1 }
	r.put(r.result(newID(), "r2", config1))
	<-arrived
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		require.NoError(t, err)
	}
	require.NotContains(t, r.log.String(), "REMOTE_", "a push that ends because the server stops is no failure")
}
