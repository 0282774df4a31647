package api

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx"
)

// Bodies are read before a service can say who may call, and cost several times their size in memory; so a caller who shows no token gets room for a sign-in
// only. A run of 50,000 chosen devices is two megabytes, an import of them a few.
const (
	maxAnonymousBody = 64 << 10
	maxBody          = 4 << 20
	maxImportBody    = 16 << 20
)

func jsonMarshaler() *strictJSON {
	return &strictJSON{&runtime.JSONPb{
		MarshalOptions:   protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true},
		UnmarshalOptions: protojson.UnmarshalOptions{DiscardUnknown: false},
	}}
}

func newMux(log *slog.Logger) *runtime.ServeMux {
	return runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.HTTPBodyMarshaler{Marshaler: jsonMarshaler()}),
		runtime.WithMarshalerOption("text/event-stream", &eventStream{JSONPb: jsonMarshaler().JSONPb}),
		runtime.SetQueryParameterParser(&strictQuery{}),
		runtime.WithErrorHandler(errorHandler(log)),
		runtime.WithStreamErrorHandler(streamFailed),
		runtime.WithRoutingErrorHandler(routingError),
		runtime.WithIncomingHeaderMatcher(func(string) (string, bool) { return "", false }), // Authorization goes along by itself, and the peer's address as x-forwarded-for
		runtime.WithOutgoingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithDisablePathLengthFallback(),
	)
}

// traced gives every request a trace id, in the context for the services' logs and in the answer's header.
func traced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := grpcx.NewTrace(r.Context())
		w.Header().Set("X-Trace-Id", grpcx.TraceID(ctx))
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		limit := bodyLimit(r)
		if r.ContentLength > limit { // mostly known beforehand; without a length the reader counts
			writeProblem(r.Context(), w, errs.New(codes.InvalidArgument, "BODY_TOO_LARGE", "the body has more than %d bytes", limit), http.StatusBadRequest)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		next.ServeHTTP(w, r)
	})
}

func bodyLimit(r *http.Request) int64 {
	switch {
	case r.Header.Get("Authorization") == "":
		return maxAnonymousBody
	case r.URL.Path == importPath:
		return maxImportBody
	case strings.HasPrefix(r.URL.Path, gitPath):
		return maxGitBody
	}
	return maxBody
}

// negotiate turns what a client says in Accept into what the RPC takes as a field: a diff is text unless JSON is asked for. The gateway knows only headers
// that are one media type, so a list that has event streams in it becomes that one.
func negotiate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/events") && strings.Contains(strings.ToLower(r.Header.Get("Accept")), "text/event-stream") {
			r.Header.Set("Accept", "text/event-stream")
		}
		if r.URL.Path == "/api/v1/diff" && !r.URL.Query().Has("format") && strings.Contains(r.Header.Get("Accept"), "application/json") {
			q := r.URL.Query()
			q.Set("format", "json")
			r.URL.RawQuery = q.Encode()
		}
		next.ServeHTTP(w, r)
	})
}
