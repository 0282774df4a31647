// Package grpcx makes the house's gRPC servers and connections: one set of interceptors for every service, wherever it runs.
//
// A call passes: trace id, log and metrics, recovery from panics, the typed-error exit, access (the proto options of the RPC), text that can be stored. The error exit
// is the only one: a typed error goes out as it is, anything else as "internal error" with the trace id, and the chain goes to the log.
package grpcx

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/netraven/netraven/internal/authn"
	"github.com/netraven/netraven/internal/errs"
)

// MaxMessage bounds one message between services: a configuration of 32 MiB and what travels with it.
const MaxMessage = 72 << 20

// Options say what a server is for.
type Options struct {
	// Verifier checks users' tokens; nil: the server takes no users.
	Verifier *authn.Verifier
	// Log takes failed calls. Nil: slog.Default().
	Log *slog.Logger
	// Creds are the transport's; nil: plain text.
	Creds credentials.TransportCredentials
	// Metrics takes request counts and times; nil: none.
	Metrics prometheus.Registerer
	// MaxStreams bounds the calls of one connection; 0: no bound.
	MaxStreams uint32
	// MaxRecv bounds one received message; 0: MaxMessage.
	MaxRecv int
}

// NewServer makes a server with the house's interceptors.
func NewServer(o Options) *grpc.Server {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.MaxRecv == 0 {
		o.MaxRecv = MaxMessage
	}
	s := &server{verifier: o.Verifier, log: o.Log, metrics: newMetrics(o.Metrics)}
	opts := []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(s.unary),
		grpc.ChainStreamInterceptor(s.stream),
		grpc.MaxRecvMsgSize(o.MaxRecv),
		grpc.MaxSendMsgSize(MaxMessage),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: 30 * time.Second, Timeout: 15 * time.Second}),
	}
	if o.Creds != nil {
		opts = append(opts, grpc.Creds(o.Creds))
	}
	if o.MaxStreams > 0 {
		opts = append(opts, grpc.MaxConcurrentStreams(o.MaxStreams))
	}
	return grpc.NewServer(opts...)
}

type server struct {
	verifier *authn.Verifier
	log      *slog.Logger
	metrics  *metrics
}

func (s *server) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	ctx = withTrace(ctx)
	start := time.Now()
	defer func() { err = s.exit(ctx, info.FullMethod, start, recover(), err) }()
	admitted, err := admit(ctx, s.verifier, info.FullMethod)
	if err != nil {
		return nil, err
	}
	if err := checkText(authn.FromContext(admitted), info.FullMethod, req); err != nil {
		return nil, err
	}
	return next(admitted, req)
}

func (s *server) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	ctx := withTrace(ss.Context())
	start := time.Now()
	defer func() { err = s.exit(ctx, info.FullMethod, start, recover(), err) }()
	admitted, err := admit(ctx, s.verifier, info.FullMethod)
	if err != nil {
		return err
	}
	return next(srv, &serverStream{ServerStream: ss, ctx: admitted})
}

type serverStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context is the call's context with principal and trace id.
func (s *serverStream) Context() context.Context { return s.ctx }

// exit is the one way out of a call.
func (s *server) exit(ctx context.Context, method string, start time.Time, panicked any, err error) error {
	if panicked != nil {
		err = errs.Internal(fmt.Errorf("panic: %v\n%s", panicked, debug.Stack()))
	}
	if err != nil {
		err = s.answer(ctx, method, err)
	}
	s.metrics.observe(method, status.Code(err), time.Since(start))
	return err
}

func (s *server) answer(ctx context.Context, method string, err error) error {
	typed := errs.From(err)
	attrs := []any{"method", method, "trace_id", TraceID(ctx), "reason", errs.Reason(typed), "err", err.Error()}
	if errs.Code(typed) != codes.Internal {
		s.log.DebugContext(ctx, "call refused", attrs...)
		return typed.Status().Err()
	}
	if ctx.Err() != nil { // the caller left; what broke because of that is nobody's fault
		s.log.DebugContext(ctx, "call abandoned", attrs...)
	} else {
		s.log.ErrorContext(ctx, "call failed", attrs...)
	}
	return errs.New(codes.Internal, errs.ReasonInternal, "internal error; the log has it under trace id %s", TraceID(ctx)).Status().Err()
}
