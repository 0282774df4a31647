package app

import (
	"fmt"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/netraven/netraven/internal/grpcx"
)

// conns makes the connections between services: in memory to those of this process, by mutual TLS to the rest. It dials lazily.
type conns struct {
	cfg  Config
	mem  *grpcx.Mem
	tls  *mutualTLS
	open []*grpc.ClientConn
}

// to is a connection on which `from` calls `callee`.
func (c *conns) to(from, callee string) (*grpc.ClientConn, error) {
	conn, err := c.dial(from, callee)
	if err != nil {
		return nil, fmt.Errorf("connection from %s to %s: %w", from, callee, err)
	}
	c.open = append(c.open, conn)
	return conn, nil
}

func (c *conns) dial(from, callee string) (*grpc.ClientConn, error) {
	if c.cfg.local(callee) {
		return c.mem.Dial(from)
	}
	addr := c.cfg.Peers[callee]
	if addr == "" {
		return nil, fmt.Errorf("it runs elsewhere: set peers.%s in the configuration file to its --internal address", callee)
	}
	opts := append(grpcx.ClientOptions(),
		grpc.WithTransportCredentials(credentials.NewTLS(c.tls.client(from, callee))),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig":[{"round_robin":{}}]}`))
	return grpc.NewClient("dns:///"+addr, opts...)
}

func (c *conns) close() {
	for _, conn := range c.open {
		_ = conn.Close()
	}
}
