package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/reflection"

	"github.com/netraven/netraven/internal/grpcx"
	"github.com/netraven/netraven/services/api"
	"github.com/netraven/netraven/services/hub"
)

// maxUserMessage bounds what one call may send on the users' port, as REST does for an import: a message is in memory before anybody knows whose it is.
const maxUserMessage = 16 << 20

// doors are the ways into a process: in memory for its own services, mutual TLS for services elsewhere, a port for users, one for agents, and HTTP. The same
// services stand behind all of them with the same interceptors; agents reach the hub's link only.
type doors struct {
	http, users, internal, agents net.Listener
	agentsMem                     *grpcx.Mem

	memServer, userServer, internalServer, agentServer *grpc.Server
	httpServer                                         *http.Server
	cancelHTTP                                         context.CancelFunc
}

// door is a listener to be opened.
type door struct {
	to   *net.Listener
	flag string
	addr string
}

func openDoors(h *house) (*doors, error) {
	d := &doors{agentsMem: grpcx.NewMem()}
	wanted := []door{{&d.http, "--http", h.cfg.HTTP}, {&d.users, "--grpc", h.cfg.GRPC}}
	if len(h.cfg.remote()) > 0 {
		wanted = append(wanted, door{&d.internal, "--internal", h.cfg.Internal})
	}
	if h.cfg.local("hub") {
		wanted = append(wanted, door{&d.agents, "--agents", h.cfg.Agents})
	}
	for _, w := range wanted {
		if w.addr == off {
			continue
		}
		l, err := net.Listen("tcp", w.addr)
		if err != nil {
			d.closeListeners()
			return nil, fmt.Errorf("%s %s: %w; choose another address with %s", w.flag, w.addr, err, w.flag)
		}
		*w.to = l
	}
	if err := d.makeServers(h); err != nil {
		d.closeListeners()
		return nil, err
	}
	return d, nil
}

func (d *doors) makeServers(h *house) error {
	opts := grpcx.Options{Verifier: h.verifier, Log: h.log, Metrics: h.metrics}
	with := func(creds credentials.TransportCredentials) grpcx.Options {
		o := opts
		o.Creds = creds
		return o
	}
	d.memServer = grpcx.NewServer(with(h.conns.mem.Creds()))
	if d.users != nil {
		var creds credentials.TransportCredentials
		if h.cfg.TLSCert != "" {
			var err error
			if creds, err = credentials.NewServerTLSFromFile(h.cfg.TLSCert, h.cfg.TLSKey); err != nil {
				return err
			}
		}
		users := with(creds)
		users.MaxRecv = maxUserMessage
		d.userServer = grpcx.NewServer(users)
	}
	if d.internal != nil {
		d.internalServer = grpcx.NewServer(with(credentials.NewTLS(h.conns.tls.server())))
	}
	d.httpServer = &http.Server{ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10}
	return nil
}

// register puts a service behind every door it belongs to.
func (d *doors) register(h *house, s service) {
	for _, server := range []*grpc.Server{d.memServer, d.userServer, d.internalServer} {
		if server != nil {
			s.Register(server)
		}
	}
	if front, ok := s.(*hub.Service); ok {
		d.agentServer = grpcx.NewServer(grpcx.Options{Creds: credentials.NewTLS(front.TLSConfig()), MaxStreams: hub.MaxStreams, MaxRecv: hub.MaxRecv, Log: h.log, Metrics: h.metrics})
		front.RegisterLink(d.agentServer)
	}
}

// serve opens the doors.
func (d *doors) serve(h *house) {
	start := func(server *grpc.Server, l net.Listener) {
		if server == nil || l == nil {
			return
		}
		go func() {
			if err := server.Serve(l); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
				h.fail(err)
			}
		}()
	}
	if d.userServer != nil {
		reflection.Register(d.userServer)
	}
	start(d.memServer, h.conns.mem)
	start(d.userServer, d.users)
	start(d.internalServer, d.internal)
	start(d.agentServer, d.agents)
	if d.agentServer != nil {
		start(d.agentServer, d.agentsMem)
	}
	if d.http != nil {
		d.serveHTTP(h)
	}
}

func (d *doors) serveHTTP(h *house) {
	next := http.NotFoundHandler()
	for _, r := range h.services {
		if front, ok := r.service.(*api.Service); ok {
			next = front.Handler()
		}
	}
	var base context.Context
	base, d.cancelHTTP = context.WithCancel(context.Background()) // ends event streams, which Shutdown would wait for
	d.httpServer.Handler = h.health.handler(next, h.metrics)
	d.httpServer.BaseContext = func(net.Listener) context.Context { return base }
	go func() {
		var err error
		if h.cfg.TLSCert != "" {
			d.httpServer.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
			err = d.httpServer.ServeTLS(d.http, h.cfg.TLSCert, h.cfg.TLSKey)
		} else {
			err = d.httpServer.Serve(d.http)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			h.fail(err)
		}
	}()
}

func (d *doors) httpAddr() string   { return addrOf(d.http) }
func (d *doors) agentsAddr() string { return addrOf(d.agents) }

func addrOf(l net.Listener) string {
	if l == nil {
		return ""
	}
	return l.Addr().String()
}

func (d *doors) closeHTTP(deadline time.Time) {
	if d.cancelHTTP == nil {
		return
	}
	d.cancelHTTP()
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	_ = d.httpServer.Shutdown(ctx)
}

func (d *doors) closeGRPC(deadline time.Time) {
	for _, server := range []*grpc.Server{d.agentServer, d.userServer, d.internalServer, d.memServer} {
		if server == nil {
			continue
		}
		done := make(chan struct{})
		go func() { defer close(done); server.GracefulStop() }()
		waitUntil(done, deadline)
		server.Stop()
	}
	d.closeListeners()
}

func (d *doors) closeListeners() {
	for _, l := range []net.Listener{d.http, d.users, d.internal, d.agents} {
		if l != nil {
			_ = l.Close()
		}
	}
}
