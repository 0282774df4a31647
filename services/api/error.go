package api

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/netraven/netraven/internal/errs"
	"github.com/netraven/netraven/internal/grpcx"
)

// problem is the one shape of every answer that is not a success.
type problem struct {
	Code    string          `json:"code"`
	Reason  string          `json:"reason"`
	Message string          `json:"message"`
	Details []problemDetail `json:"details"`
	TraceID string          `json:"trace_id"`
}

type problemDetail struct {
	Field   string `json:"field"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// codeNames are the canonical names of the gRPC codes.
var codeNames = map[codes.Code]string{
	codes.Canceled: "CANCELLED", codes.Unknown: "UNKNOWN", codes.InvalidArgument: "INVALID_ARGUMENT", codes.DeadlineExceeded: "DEADLINE_EXCEEDED",
	codes.NotFound: "NOT_FOUND", codes.AlreadyExists: "ALREADY_EXISTS", codes.PermissionDenied: "PERMISSION_DENIED",
	codes.ResourceExhausted: "RESOURCE_EXHAUSTED", codes.FailedPrecondition: "FAILED_PRECONDITION", codes.Aborted: "ABORTED", codes.OutOfRange: "OUT_OF_RANGE",
	codes.Unimplemented: "UNIMPLEMENTED", codes.Internal: "INTERNAL", codes.Unavailable: "UNAVAILABLE", codes.DataLoss: "DATA_LOSS", codes.Unauthenticated: "UNAUTHENTICATED",
}

// httpStatus differs from grpc-gateway's table in one row: a precondition that does not hold is a conflict with the state of things.
func httpStatus(c codes.Code) int {
	if c == codes.FailedPrecondition {
		return http.StatusConflict
	}
	return runtime.HTTPStatusFromCode(c)
}

func problemOf(ctx context.Context, err *errs.Error) problem {
	p := problem{Code: codeNames[errs.Code(err)], Reason: errs.Reason(err), Message: err.Message(), Details: []problemDetail{}, TraceID: grpcx.TraceID(ctx)}
	for _, d := range err.Details() {
		p.Details = append(p.Details, problemDetail(d))
	}
	return p
}

func writeProblem(ctx context.Context, w http.ResponseWriter, err *errs.Error, httpCode int) {
	w.Header().Set("Content-Type", "application/json")
	if httpCode == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="netraven"`)
	}
	w.WriteHeader(httpCode)
	_ = json.NewEncoder(w).Encode(problemOf(ctx, err))
}

func errorHandler(log *slog.Logger) runtime.ErrorHandlerFunc {
	return func(ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, err error) {
		typed := fromGateway(err)
		if errs.Code(typed) == codes.Internal || errs.Code(typed) == codes.Unavailable {
			log.WarnContext(ctx, "request failed", "method", r.Method, "path", r.URL.Path, "trace_id", grpcx.TraceID(r.Context()), "err", err)
		}
		writeProblem(r.Context(), w, typed, httpStatus(errs.Code(typed)))
	}
}

// fromGateway tells a service's typed error from the gateway's own complaint about the request, whose text is safe to show: it names only what the
// client sent.
func fromGateway(err error) *errs.Error {
	if tooLarge, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return errs.New(codes.InvalidArgument, "BODY_TOO_LARGE", "the body has more than %d bytes", tooLarge.Limit)
	}
	st := status.Convert(err)
	if st.Code() == codes.InvalidArgument && len(st.Details()) == 0 {
		return unreadable(st.Message()).Wrap(err)
	}
	return errs.From(err)
}

func routingError(ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, httpCode int) {
	switch httpCode {
	case http.StatusMethodNotAllowed:
		writeProblem(r.Context(), w, errs.New(codes.Unimplemented, "METHOD_NOT_ALLOWED", "%s is not something %s takes", r.Method, r.URL.Path), httpCode)
	case http.StatusNotFound:
		notFound(w, r)
	default:
		writeProblem(r.Context(), w, errs.New(codes.InvalidArgument, "PATH_INVALID", "the path cannot be read"), http.StatusBadRequest)
	}
}

func notFound(w http.ResponseWriter, r *http.Request) {
	writeProblem(r.Context(), w, errs.New(codes.NotFound, "PATH_NOT_FOUND", "there is nothing at %s; GET /api/openapi.json lists what there is", r.URL.Path), http.StatusNotFound)
}
