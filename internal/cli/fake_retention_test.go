package cli_test

import (
	"cmp"
	"context"

	gitstorev1 "github.com/netraven/netraven/gen/go/netraven/gitstore/v1"
	jobv1 "github.com/netraven/netraven/gen/go/netraven/job/v1"
)

func (*fakeRuns) GetRunRetention(_ context.Context, r *jobv1.GetRunRetentionRequest) (*jobv1.RunRetention, error) {
	out := &jobv1.RunRetention{ConfiguredDays: 90, Days: cmp.Or(r.Days, 90)}
	if r.Days > 0 {
		out.Runs, out.Tasks, out.Oldest = 4, 200, longAgo
	}
	return out, nil
}

func (*fakeRevisions) GetOriginalRetention(_ context.Context, r *gitstorev1.GetOriginalRetentionRequest) (*gitstorev1.OriginalRetention, error) {
	out := &gitstorev1.OriginalRetention{Days: r.Days}
	if r.Days > 0 {
		out.Originals, out.Bytes, out.Oldest = 7, 1_500_000, longAgo
	}
	return out, nil
}
