package api

import (
	"log/slog"
	"net/http"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/netraven/netraven/gen"
	authv1 "github.com/netraven/netraven/gen/go/netraven/auth/v1"
	"github.com/netraven/netraven/internal/errs"
)

func serveOpenAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(gen.OpenAPI)
}

// jwksHandler publishes the keys that access tokens are signed with.
func jwksHandler(trust authv1.TrustServiceClient, log *slog.Logger) http.HandlerFunc {
	fail := errorHandler(log)
	return func(w http.ResponseWriter, r *http.Request) {
		set, err := trust.GetJwks(r.Context(), &authv1.GetJwksRequest{})
		if err != nil {
			fail(r.Context(), nil, nil, w, r, err)
			return
		}
		b, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(set)
		if err != nil {
			fail(r.Context(), nil, nil, w, r, errs.Internal(err))
			return
		}
		w.Header().Set("Content-Type", "application/jwk-set+json")
		_, _ = w.Write(b)
	}
}
