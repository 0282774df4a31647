package grpcx

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
)

// TraceHeader carries the trace id between services.
const TraceHeader = "x-trace-id"

type traceKey struct{}

// TraceID is the id under which the logs have a call, or "".
func TraceID(ctx context.Context) string {
	id, _ := ctx.Value(traceKey{}).(string)
	return id
}

// NewTrace returns a context with a new trace id, for a request that enters the house.
func NewTrace(ctx context.Context) context.Context {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return context.WithValue(ctx, traceKey{}, hex.EncodeToString(b))
}

// withTrace takes the trace id of a calling service, or makes one. Only services are believed: others could write into our logs.
func withTrace(ctx context.Context) context.Context {
	if PeerService(ctx) != "" {
		md, _ := metadata.FromIncomingContext(ctx)
		if ids := md.Get(TraceHeader); len(ids) == 1 && len(ids[0]) <= 64 {
			return context.WithValue(ctx, traceKey{}, ids[0])
		}
	}
	return NewTrace(ctx)
}

func sendTrace(ctx context.Context) context.Context {
	if id := TraceID(ctx); id != "" {
		return metadata.AppendToOutgoingContext(ctx, TraceHeader, id)
	}
	return ctx
}

// ClientOptions are the options of every connection between services: trace ids go along, and messages may be large.
func ClientOptions() []grpc.DialOption {
	return []grpc.DialOption{
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessage), grpc.MaxCallSendMsgSize(MaxMessage)),
		grpc.WithChainUnaryInterceptor(func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
			return next(sendTrace(ctx), method, req, reply, cc, opts...)
		}),
		grpc.WithChainStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
			return next(sendTrace(ctx), desc, cc, method, opts...)
		}),
	}
}
