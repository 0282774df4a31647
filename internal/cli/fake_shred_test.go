package cli_test

import (
	"context"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
)

func (*fakeRevisions) ShredOriginals(_ context.Context, r *gitstorev1.ShredOriginalsRequest) (*gitstorev1.ShreddedOriginals, error) {
	return &gitstorev1.ShreddedOriginals{DeviceId: r.DeviceId, Originals: 3, MirrorPending: true, ShreddedAt: longAgo}, nil
}
