package api

import (
	"io"
	"net/http"
	"strconv"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	inventoryv1 "github.com/netraven/netraven/gen/go/netraven/inventory/v1"
	"github.com/netraven/netraven/internal/errs"
)

const importPath = "/api/v1/devices:import"

// handleImport takes the file as the raw body; transcoding would want it as base64 in JSON.
func handleImport(mux *runtime.ServeMux, devices inventoryv1.DeviceServiceClient) error {
	return mux.HandlePath(http.MethodPost, importPath, func(w http.ResponseWriter, r *http.Request, _ map[string]string) {
		marshaler := &runtime.HTTPBodyMarshaler{Marshaler: jsonMarshaler()}
		fail := func(err error) { runtime.HTTPError(r.Context(), mux, marshaler, w, r, err) }
		ctx, err := runtime.AnnotateContext(r.Context(), mux, r, inventoryv1.DeviceService_ImportDevices_FullMethodName)
		if err != nil {
			fail(err)
			return
		}
		dryRun, err := flag(r, "dry_run")
		if err != nil {
			fail(err)
			return
		}
		data, err := io.ReadAll(r.Body)
		if err != nil {
			fail(errs.New(codes.InvalidArgument, "BODY_TOO_LARGE", "the file is too large or was cut off; split it").Wrap(err))
			return
		}
		var header runtime.ServerMetadata
		out, err := devices.ImportDevices(ctx, &inventoryv1.ImportDevicesRequest{Data: data, Format: r.URL.Query().Get("format"), DryRun: dryRun},
			grpc.Header(&header.HeaderMD))
		if err != nil {
			fail(err)
			return
		}
		runtime.ForwardResponseMessage(ctx, mux, marshaler, w, r, out)
	})
}

func flag(r *http.Request, name string) (bool, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return false, nil
	}
	v, err := strconv.ParseBool(text)
	if err != nil {
		return false, errs.Invalid(name, "NOT_A_BOOLEAN", "must be true or false")
	}
	return v, nil
}
