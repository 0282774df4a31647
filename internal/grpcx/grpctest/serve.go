// Package grpctest serves services in memory with the production interceptors, for tests.
package grpctest

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/grpcx"
)

// Registrar is what a service is to its server.
type Registrar interface{ Register(grpc.ServiceRegistrar) }

// Serve starts a server in memory and answers a connection of the calling service. If principal is not nil, every call carries that user's
// token. Both end with the test.
func Serve(t testing.TB, caller string, principal *authn.Principal, services ...Registrar) *grpc.ClientConn {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	set := &authv1.Jwks{Keys: []*authv1.Jwks_Key{{Kty: "OKP", Crv: "Ed25519", Kid: "test", X: base64.RawURLEncoding.EncodeToString(public)}}}
	mem := grpcx.NewMem()
	server := grpcx.NewServer(grpcx.Options{
		Creds:    mem.Creds(),
		Verifier: authn.NewVerifier(func(context.Context) (*authv1.Jwks, error) { return set, nil }),
	})
	for _, s := range services {
		s.Register(server)
	}
	served := make(chan struct{})
	go func() { defer close(served); _ = server.Serve(mem) }()

	var opts []grpc.DialOption
	if principal != nil {
		token, err := authn.Sign(private, "test", *principal, time.Now(), time.Hour)
		require.NoError(t, err)
		opts = withToken(token)
	}
	conn, err := mem.Dial(caller, opts...)
	require.NoError(t, err)
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		<-served
	})
	return conn
}

func withToken(token string) []grpc.DialOption {
	add := func(ctx context.Context) context.Context {
		return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
	}
	return []grpc.DialOption{
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return next(add(ctx), method, req, reply, cc, opts...)
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			return next(add(ctx), desc, cc, method, opts...)
		}),
	}
}
