package api_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/services/api"
)

// gitBackend is auth and gitstore as far as clones need them.
type gitBackend struct {
	authv1.UnimplementedAuthServiceServer
	gitstorev1.UnimplementedCloneServiceServer
	seen   []string
	start  *gitstorev1.FetchRequest_Start
	body   strings.Builder
	broken bool
}

func (b *gitBackend) Login(_ context.Context, in *authv1.LoginRequest) (*authv1.TokenPair, error) {
	b.seen = append(b.seen, "login "+in.GetUsername())
	switch in.GetPassword() {
	case "right":
		return &authv1.TokenPair{AccessToken: "the token"}, nil
	case "too often":
		return nil, errs.New(codes.ResourceExhausted, "LOGIN_RATE_LIMITED", "too many failed logins; wait a minute and try again").Status().Err()
	}
	return nil, errs.New(codes.Unauthenticated, "WRONG_CREDENTIALS", "the user name or the password is wrong").Status().Err()
}

func (b *gitBackend) Logout(ctx context.Context, _ *authv1.LogoutRequest) (*emptypb.Empty, error) {
	b.seen = append(b.seen, "logout "+bearer(ctx))
	return &emptypb.Empty{}, nil
}

// bearer is the caller's token.
func bearer(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	return strings.Join(md.Get("authorization"), ",")
}

func (b *gitBackend) Fetch(stream gitstorev1.CloneService_FetchServer) error {
	in, err := stream.Recv()
	if err != nil {
		return err
	}
	b.start = in.GetStart()
	b.seen = append(b.seen, "fetch "+bearer(stream.Context()))
	if b.start.GetRepository() != "configs" {
		return errs.New(codes.NotFound, "REPOSITORY_NOT_FOUND", "there is no such repository").Status().Err()
	}
	for {
		in, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		b.body.Write(in.GetData())
	}
	for _, part := range []string{"one ", "two"} {
		if err := stream.Send(&gitstorev1.FetchResponse{Data: []byte(part)}); err != nil {
			return err
		}
	}
	if b.broken {
		return errors.New("the disk is gone")
	}
	return nil
}

const jwt = "eyJhbGciOiJFZERTQSJ9.e30.c2ln"

// serveGit is the front before a server that checks no tokens: what it is handed is the question.
func serveGit(t *testing.T) (*httptest.Server, *gitBackend) {
	t.Helper()
	b := &gitBackend{}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	server := grpc.NewServer()
	authv1.RegisterAuthServiceServer(server, b)
	gitstorev1.RegisterCloneServiceServer(server, b)
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(l) }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	s, err := api.New(api.Deps{Auth: conn, Vault: conn, Inventory: conn, Job: conn, Scheduler: conn, Gitstore: conn, Hub: conn})
	require.NoError(t, err)
	front := httptest.NewServer(s.Handler())
	t.Cleanup(func() {
		front.Close()
		_ = conn.Close()
		server.Stop()
		<-served
	})
	return front, b
}

func askGit(t *testing.T, s *httptest.Server, method, path, body, user, password string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequest(method, s.URL+path, strings.NewReader(body))
	require.NoError(t, err)
	if user != "" {
		req.SetBasicAuth(user, password)
	}
	req.Header.Set("Git-Protocol", "version=2")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	return resp, string(answer), err
}

const refsPath = "/git/configs.git/info/refs?service=git-upload-pack"

func TestGitIsRelayedAsTheUser(t *testing.T) {
	s, b := serveGit(t)
	resp, body, err := askGit(t, s, "GET", refsPath, "", "any", jwt)
	require.NoError(t, err)
	require.Equal(t, "one two", body)
	require.Equal(t, "application/x-git-upload-pack-advertisement", resp.Header.Get("Content-Type"))
	require.Equal(t, []string{"fetch Bearer " + jwt}, b.seen, "a token needs no sign-in")
	require.True(t, b.start.GetRefs())
	require.Equal(t, "version=2", b.start.GetProtocol())

	b.seen = nil
	long := strings.Repeat("0032want\n", 100_000)
	resp, body, err = askGit(t, s, "POST", "/git/configs.git/git-upload-pack", long, "ann", "right")
	require.NoError(t, err)
	require.Equal(t, "one two", body)
	require.Equal(t, "application/x-git-upload-pack-result", resp.Header.Get("Content-Type"))
	require.Equal(t, long, b.body.String())
	require.Equal(t, []string{"login ann", "fetch Bearer the token", "logout Bearer the token"}, b.seen, "the session ends with the request")
}

func TestGitIsRefusedInGitsWords(t *testing.T) {
	s, b := serveGit(t)
	for _, c := range []struct {
		method, path, user, password string
		status                       int
		says                         string
	}{
		{"GET", refsPath, "ann", "wrong", 401, "the user name or the password is wrong"},
		{"GET", refsPath, "ann", "too often", 429, "too many failed logins"},
		{"GET", "/git/other.git/info/refs?service=git-upload-pack", "ann", "right", 404, "no such repository"},
		{"GET", "/git/configs.git/info/refs?service=git-receive-pack", "ann", "right", 403, "not written to"},
		{"POST", "/git/configs.git/git-receive-pack", "ann", "right", 403, "not written to"},
		{"GET", "/git/configs.git/info/refs", "ann", "right", 403, "not written to"},
		{"GET", "/git/configs.git/HEAD", "ann", "right", 403, "not written to"},
	} {
		resp, body, err := askGit(t, s, c.method, c.path, "", c.user, c.password)
		require.NoError(t, err)
		require.Equal(t, c.status, resp.StatusCode, "%s %s: %s", c.method, c.path, body)
		require.Contains(t, body, c.says)
		require.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"))
		require.Equal(t, c.status == 401, resp.Header.Get("WWW-Authenticate") == `Basic realm="NetRaven"`)
		require.NotEmpty(t, resp.Header.Get("X-Trace-Id"))
	}
	require.Empty(t, b.body.String())
	resp, _, err := askGit(t, s, "POST", "/git/configs.git/git-upload-pack", strings.Repeat("x", 17<<20), "ann", "right")
	require.NoError(t, err)
	require.Equal(t, 400, resp.StatusCode)
}

func TestACloneThatBreaksIsNotTakenForWhole(t *testing.T) {
	s, b := serveGit(t)
	b.broken = true
	_, _, err := askGit(t, s, "POST", "/git/configs.git/git-upload-pack", "0000", "ann", "right")
	require.Error(t, err, "the answer must not end like a whole one")
	require.Contains(t, b.seen, "logout Bearer the token")
}
