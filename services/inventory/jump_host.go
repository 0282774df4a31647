package inventory

import (
	"github.com/google/uuid"
	"google.golang.org/grpc/codes"

	"github.com/netraven/netraven/internal/errs"
)

// checkJumpHost reads the id of a jump host; none is nil. self is the device that names it, or Nil.
func checkJumpHost(id string, self uuid.UUID) (*uuid.UUID, error) {
	if id == "" {
		return nil, nil
	}
	u, err := uuid.Parse(id)
	switch {
	case err != nil:
		return nil, jumpHostUnknown()
	case u == self:
		return nil, jumpHostLoop("the device names itself as its jump host")
	}
	return &u, nil
}

func jumpHostUnknown() error { return jumpHost("JUMP_HOST_UNKNOWN", "there is no such device") }

func jumpHostLoop(what string) error { return jumpHost("JUMP_HOST_LOOP", what) }

// jumpHostChained refuses more than one jump host on the way.
func jumpHostChained(host, next string) error {
	return jumpHost("JUMP_HOST_CHAINED", "the jump host "+quote(host)+" is itself reached through "+quote(next)+"; there can be one jump host on the way to a device")
}

func jumpHost(reason, help string) error {
	return errs.New(codes.InvalidArgument, reason, "jump_host_id: %s", help).Field("jump_host_id", reason, help)
}

func deviceIsJumpHost() error {
	return errs.New(codes.FailedPrecondition, "DEVICE_IS_JUMP_HOST", "other devices or a site are reached through this device; give them another jump host first")
}
