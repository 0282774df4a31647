package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"google.golang.org/grpc/status"

	"github.com/netraven/netraven/internal/errs"
)

// A stream that fails answers in the house's one shape, too: before its first event as any other request, after it as a last line {"error": problem}. The
// gateway would write gRPC's own status, so its two writes are taken over: the error handler notes what happened, the writer says it.

type failureKey struct{}

// streamWriter is the answer of one stream.
type streamWriter struct {
	http.ResponseWriter
	r       *http.Request
	failure *errs.Error
	begun   bool
}

func streamErrors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/events") {
			next.ServeHTTP(w, r)
			return
		}
		s := &streamWriter{ResponseWriter: w}
		s.r = r.WithContext(context.WithValue(r.Context(), failureKey{}, s))
		next.ServeHTTP(s, s.r)
		s.tell()
	})
}

// streamFailed is the gateway's hook for a stream's error; ctx descends from the request's.
func streamFailed(ctx context.Context, err error) *status.Status {
	if s, ok := ctx.Value(failureKey{}).(*streamWriter); ok {
		s.failure = fromGateway(err)
	}
	return status.Convert(err)
}

// WriteHeader passes on, unless it is the gateway's for an error.
func (s *streamWriter) WriteHeader(code int) {
	if s.failure != nil {
		return
	}
	s.begun = true
	s.ResponseWriter.WriteHeader(code)
}

// Write passes on events; what the gateway says of an error is dropped.
func (s *streamWriter) Write(b []byte) (int, error) {
	if s.failure != nil {
		return len(b), nil
	}
	s.begun = true
	return s.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController flush.
func (s *streamWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// tell ends a failed stream.
func (s *streamWriter) tell() {
	switch {
	case s.failure == nil:
	case !s.begun:
		s.Header().Del("Transfer-Encoding")
		writeProblem(s.r.Context(), s.ResponseWriter, s.failure, httpStatus(errs.Code(s.failure)))
	default:
		line, err := json.Marshal(map[string]problem{"error": problemOf(s.r.Context(), s.failure)})
		if err != nil {
			return // a struct of strings always marshals
		}
		line = append(line, '\n')
		if s.Header().Get("Content-Type") == "text/event-stream" {
			line = append(append([]byte("data: "), line...), '\n')
		}
		_, _ = s.ResponseWriter.Write(line) // the client may be gone; there is nobody else to tell
	}
}
