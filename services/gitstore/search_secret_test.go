package gitstore_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx/grpctest"
)

// knower is a client who may read secrets.
func (h *house) knower() gitstorev1.SearchServiceClient {
	return gitstorev1.NewSearchServiceClient(grpctest.Serve(h.t, "api", &authn.Principal{UserID: "1", Username: "ann", Permissions: []string{"*.read", "config.read_secret"}}, h.service))
}

func TestASecretIsFoundByItsValue(t *testing.T) {
	h := open(t)
	var logged bytes.Buffer
	h.log = slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug}))
	h.start()
	h.known("r1", withLine(" description x\nsnmp-server community public RO\nsnmp-server community private RW"))
	h.known("r2", withLine(" description public\nsnmp-server community \"public\" RW"))
	h.known("r3", withLine(" description x\nsnmp-server community publicly RO"))
	h.find = h.knower()
	for range 2 {
		for _, c := range []struct {
			in   *gitstorev1.SearchConfigsRequest
			want []string
		}{
			{&gitstorev1.SearchConfigsRequest{Secret: "public"}, []string{"r1:6", "r2:6"}},
			{&gitstorev1.SearchConfigsRequest{Secret: " 'public'\n"}, []string{"r1:6", "r2:6"}},
			{&gitstorev1.SearchConfigsRequest{Secret: "public", Q: "community"}, []string{"r1:6", "r2:6"}},
			{&gitstorev1.SearchConfigsRequest{Secret: "public", Q: "RO$", Regex: true}, []string{"r1:6"}},
			{&gitstorev1.SearchConfigsRequest{Secret: "public", Q: "description"}, nil},
			{&gitstorev1.SearchConfigsRequest{Secret: "public", Tags: []string{"r2"}}, []string{"r2:6"}},
			{&gitstorev1.SearchConfigsRequest{Secret: "publi"}, nil},
			{&gitstorev1.SearchConfigsRequest{Secret: "Public", IgnoreCase: true}, nil},
		} {
			hits, _, _ := h.search(c.in)
			require.Equal(t, c.want, hits, "%v", c.in)
		}
		h.sift()
	}
	out, err := h.find.SearchConfigs(context.Background(), &gitstorev1.SearchConfigsRequest{Secret: "public", PageSize: 1})
	require.NoError(t, err)
	tag := out.GetItems()[0].GetText()
	require.Regexp(t, `^snmp-server community "?<secret:[0-9a-f]{12}>"? R[OW]$`, tag)

	h.trust.lines = nil
	h.search(&gitstorev1.SearchConfigsRequest{Secret: "public", PageSize: 1})
	require.Len(t, h.trust.lines, 3, "one for each call")
	for _, l := range h.trust.lines {
		require.Equal(t, []string{"1", "config.search_secret", "secret", "OK"}, []string{l.GetActor(), l.GetAction(), l.GetObjectKind(), l.GetOutcome()})
		require.Contains(t, tag, l.GetObjectId(), "the mark, not the value")
		require.NotContains(t, l.String(), "public")
	}
	require.NotContains(t, out.GetNextPageToken(), "public")
	require.NotContains(t, logged.String(), "public")
}

func TestASearchForASecretNeedsTheRightToIt(t *testing.T) {
	h := open(t)
	h.known("r1", withLine(" description x\nsnmp-server community public RO"))
	_, err := h.find.SearchConfigs(context.Background(), &gitstorev1.SearchConfigsRequest{Secret: "public", Q: "community"})
	require.Equal(t, "PERMISSION_DENIED", reason(err))
	require.Len(t, h.trust.lines, 1)
	require.Equal(t, []string{"2", "config.search_secret", "PERMISSION_DENIED"}, []string{h.trust.lines[0].GetActor(), h.trust.lines[0].GetAction(), h.trust.lines[0].GetOutcome()})
	h.find = h.knower()
	for _, secret := range []string{" \n", string(make([]byte, 65_537))} {
		_, err = h.find.SearchConfigs(context.Background(), &gitstorev1.SearchConfigsRequest{Secret: secret})
		require.Equal(t, codes.InvalidArgument, status.Code(err))
		require.Equal(t, "FIELD_INVALID", reason(err))
	}
	_, err = h.find.SearchConfigs(context.Background(), &gitstorev1.SearchConfigsRequest{Secret: "x", Q: "(", Regex: true})
	require.Equal(t, "PATTERN_INVALID", reason(err))
	h.vault.away = errs.New(codes.Unavailable, "KEY_UNAVAILABLE", "the vault is locked")
	_, err = h.find.SearchConfigs(context.Background(), &gitstorev1.SearchConfigsRequest{Secret: "public"})
	require.Equal(t, "KEY_UNAVAILABLE", reason(err))
}
