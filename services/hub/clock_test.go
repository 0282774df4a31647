package hub_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/types/known/timestamppb"

	hubv1 "github.com/netraven/netraven/gen/go/netraven/hub/v1"
)

// FAILURES 43: an agent whose clock is wrong dates no revision and no backup in the future, where they would stay the newest for so long, nor at what the database holds for no time.
func Test43AnAgentsClockDatesNoFuture(t *testing.T) {
	h := newHouse(t)
	p := h.join()
	p.connect(hello(1))
	past := timestamppb.New(time.Now().Add(-time.Hour))
	for i, at := range []*timestamppb.Timestamp{past, nil, timestamppb.New(time.Now().AddDate(1, 0, 0)), {Seconds: math.MinInt64}, {Seconds: math.MaxInt64, Nanos: -1}} {
		r := backup(p.task(1))
		r.FinishedAt = at
		require.Equal(t, hubv1.ResultAck_DURABLE, p.send(r).GetOutcome())
		for _, told := range []*timestamppb.Timestamp{h.store.items[i].GetCollectedAt(), h.targets.seen[i].GetObservedAt()} {
			require.NoError(t, told.CheckValid(), "%v", at)
			require.False(t, told.AsTime().After(time.Now()), "%v", at)
			require.Less(t, time.Since(told.AsTime()), 2*time.Hour, "%v", at)
		}
	}
	require.Equal(t, past.AsTime(), h.store.items[0].GetCollectedAt().AsTime(), "a time that can be is kept")
}
