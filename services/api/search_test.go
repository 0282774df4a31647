package api_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
	"github.com/netraven/netraven/services/api"
)

// searcher fails as a search is told to.
type searcher struct {
	gitstorev1.UnimplementedSearchServiceServer
	asked []string
}

func (s *searcher) Register(r grpc.ServiceRegistrar) {
	gitstorev1.RegisterSearchServiceServer(r, s)
}

func (s *searcher) SearchConfigs(_ context.Context, in *gitstorev1.SearchConfigsRequest) (*gitstorev1.SearchConfigsResponse, error) {
	s.asked = append(s.asked, in.GetSecret())
	switch in.GetQ() {
	case "away":
		return nil, errs.New(codes.Unavailable, "KEY_UNAVAILABLE", "the vault is locked")
	case "broken":
		return nil, errors.New("something broke")
	}
	return &gitstorev1.SearchConfigsResponse{}, nil
}

// A secret comes in a body, or, where somebody insists, in a query; no log has it, whatever becomes of the request.
func TestASecretThatIsSearchedIsInNoLog(t *testing.T) {
	var logged bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
	t.Cleanup(func() { slog.SetDefault(before) })
	b := &searcher{}
	conn := grpctest.Serve(t, "api", &authn.Principal{UserID: "1", Permissions: []string{"*"}}, b)
	s, err := api.New(api.Deps{Auth: conn, Vault: conn, Inventory: conn, Job: conn, Scheduler: conn, Gitstore: conn, Hub: conn})
	require.NoError(t, err)
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	const secret = "pub&lic hunter2"
	status := map[string]int{"": 200, "away": 503, "broken": 500}
	for q, want := range status {
		for _, path := range []string{"/api/v1/configs:search", "/api/v1/search"} {
			resp, _ := call(t, server, "GET", path+"?secret="+url.QueryEscape(secret)+"&q="+q, "", "")
			require.Equal(t, want, resp.StatusCode)
		}
		resp, _ := call(t, server, "POST", "/api/v1/configs:search", `{"secret":"`+secret+`","q":"`+q+`"}`, "")
		require.Equal(t, want, resp.StatusCode)
	}
	call(t, server, "GET", "/api/v1/configs:search?context=x&secret="+url.QueryEscape(secret), "", "")
	call(t, server, "GET", "/api/v1/nothing?secret="+url.QueryEscape(secret), "", "")
	require.Len(t, b.asked, 9)
	for _, asked := range b.asked {
		require.Equal(t, secret, asked)
	}
	require.Contains(t, logged.String(), "request failed")
	require.NotContains(t, logged.String(), "hunter2")
}
