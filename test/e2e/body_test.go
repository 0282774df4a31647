package e2e

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
)

// Ten messages of 70 MB from nobody took two gigabytes of the server.
func TestAMessageFromNobodyIsBounded(t *testing.T) {
	ports := freePorts(t, 3)
	d := &deployment{t: t}
	start(t, "netraven", "", filepath.Join(bin, "netraven"), "serve", "--data", folder(t), "--http", ports[0], "--grpc", ports[1], "--agents", ports[2])
	d.waitReady(ports[0])
	conn, err := grpc.NewClient(ports[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
	require.NoError(t, err)
	defer func() { require.NoError(t, conn.Close()) }()
	users := authv1.NewAuthServiceClient(conn)
	for size, want := range map[int]codes.Code{1 << 10: codes.Unauthenticated, 17 << 20: codes.ResourceExhausted} {
		_, err := users.Login(t.Context(), &authv1.LoginRequest{Username: strings.Repeat("a", size), Password: "x"})
		require.Equal(t, want, status.Code(err), "%d bytes: %v", size, err)
	}
}
