package errs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/netraven/netraven/internal/errs"
)

func TestATypedErrorSurvivesTheWireWithoutItsCause(t *testing.T) {
	cause := errors.New(`pq: syntax error at or near "SELEC"`)
	err := fmt.Errorf("store: %w", errs.Invalid("device.port", "OUT_OF_RANGE", "must be 1 to 65535").Wrap(cause))
	require.Contains(t, err.Error(), "SELEC", "logs show the cause")

	wire := errs.From(err).Status()
	require.NotContains(t, wire.String(), "SELEC")
	back := errs.From(wire.Err())
	require.Equal(t, codes.InvalidArgument, errs.Code(back))
	require.Equal(t, "FIELD_INVALID", errs.Reason(back))
	require.Equal(t, []errs.Detail{{Field: "device.port", Reason: "OUT_OF_RANGE", Message: "must be 1 to 65535"}}, back.Details())
}

func TestEverythingElseIsInternal(t *testing.T) {
	e := errs.From(errors.New("secret detail"))
	require.Equal(t, "internal error", e.Message())
	require.Equal(t, codes.Internal, errs.Code(e))
	require.NotContains(t, e.Status().String(), "secret detail")
	require.Equal(t, "SERVICE_UNAVAILABLE", errs.Reason(status.Error(codes.Unavailable, "dial tcp 10.0.0.1")))
	require.NotContains(t, errs.From(status.Error(codes.Unavailable, "dial tcp 10.0.0.1")).Message(), "10.0.0.1")
	require.Equal(t, codes.DeadlineExceeded, errs.Code(status.FromContextError(context.DeadlineExceeded).Err()))
}

func TestNil(t *testing.T) {
	require.Nil(t, errs.From(nil))
	require.Empty(t, errs.Reason(nil))
	require.Equal(t, codes.OK, errs.Code(nil))
}

func TestNotFoundNamesTheNoun(t *testing.T) {
	require.Equal(t, "HOST_KEY_NOT_FOUND", errs.Reason(errs.NotFound("host key", "x")))
}
