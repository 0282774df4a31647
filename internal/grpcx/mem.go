package grpcx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/test/bufconn"
)

const (
	memBuffer  = 1 << 20
	maxService = 64
)

// Mem is a listener inside this process. Who dials says its service name first; since nobody outside the process can dial, that name is
// the connection's authentication.
type Mem struct{ *bufconn.Listener }

// NewMem makes a listener.
func NewMem() *Mem { return &Mem{Listener: bufconn.Listen(memBuffer)} }

// Creds are the server's transport credentials for this listener.
func (*Mem) Creds() credentials.TransportCredentials { return memCreds{} }

// Dial connects a service of this process. It does not block: the connection is made with the first call.
func (m *Mem) Dial(service string, opts ...grpc.DialOption) (*grpc.ClientConn, error) {
	if service == "" || len(service) > maxService {
		return nil, fmt.Errorf("service name %q", service)
	}
	opts = append(ClientOptions(), opts...)
	opts = append(opts,
		grpc.WithTransportCredentials(memCreds{service: service}),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return m.DialContext(ctx) }))
	return grpc.NewClient("passthrough:///memory", opts...)
}

// memAuth is what a server knows of an in-memory caller.
type memAuth struct {
	credentials.CommonAuthInfo
	service string
}

// AuthType names the mechanism.
func (memAuth) AuthType() string { return "memory" }

// memCreds sends the caller's service name as the first bytes of a connection.
type memCreds struct{ service string }

func memAuthOf(service string) memAuth {
	return memAuth{service: service, CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity}}
}

func (c memCreds) ClientHandshake(_ context.Context, _ string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if _, err := conn.Write(append([]byte{byte(len(c.service))}, c.service...)); err != nil {
		return nil, nil, err
	}
	return conn, memAuthOf("server"), nil
}

func (memCreds) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return nil, nil, err
	}
	var length [1]byte
	if _, err := io.ReadFull(conn, length[:]); err != nil {
		return nil, nil, err
	}
	if length[0] == 0 || length[0] > maxService {
		return nil, nil, errors.New("in-memory caller without a name")
	}
	name := make([]byte, length[0])
	if _, err := io.ReadFull(conn, name); err != nil {
		return nil, nil, err
	}
	return conn, memAuthOf(string(name)), conn.SetReadDeadline(time.Time{})
}

func (memCreds) Info() credentials.ProtocolInfo {
	return credentials.ProtocolInfo{SecurityProtocol: "memory"}
}

func (c memCreds) Clone() credentials.TransportCredentials { return c }

func (memCreds) OverrideServerName(string) error { return nil }
