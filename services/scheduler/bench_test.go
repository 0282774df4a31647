package scheduler

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkP12 measures a tick that finds 1,000 due among 200,000 schedules, beside the limit: one bare statement that claims and advances as
// many rows. The target is at most twice the limit.
func BenchmarkP12(b *testing.B) {
	h := newHouse(b)
	_, err := h.pool.Exec(h.ctx, `INSERT INTO schedule (id, name, job_id, every, time_zone, enabled, anchor, next_fire_at, created_at, updated_at)
		SELECT gen_random_uuid(), 's' || i, gen_random_uuid(), '24h', 'UTC', true, $1, $1::timestamptz + interval '1 hour' + i * interval '1 ms', $1, $1
		FROM generate_series(1, 200000) i`, h.now())
	require.NoError(b, err)
	_, err = h.pool.Exec(h.ctx, "ANALYZE schedule")
	require.NoError(b, err)
	var ours, limit time.Duration
	for b.Loop() {
		for _, move := range []struct {
			took *time.Duration
			tick func() int64
		}{{&ours, h.fireThousand}, {&limit, h.claimBare}} {
			_, err := h.pool.Exec(h.ctx, "UPDATE schedule SET next_fire_at = $1 WHERE id IN (SELECT id FROM schedule ORDER BY next_fire_at DESC LIMIT 1000)", h.now())
			require.NoError(b, err)
			begin := time.Now()
			n := move.tick()
			*move.took += time.Since(begin)
			require.EqualValues(b, 1000, n)
			h.add(time.Second)
		}
	}
	b.ReportMetric(ours.Seconds()*1000/float64(b.N), "tick_ms")
	b.ReportMetric(limit.Seconds()*1000/float64(b.N), "limit_ms")
	b.ReportMetric(ours.Seconds()/limit.Seconds(), "ratio")
}

func (h *house) fireThousand() int64 {
	n, err := h.s.store.fireDue(h.ctx, h.now(), 2000, h.s.advance)
	require.NoError(h.t, err)
	return int64(n)
}

func (h *house) claimBare() int64 {
	tag, err := h.pool.Exec(h.ctx, `UPDATE schedule SET next_fire_at = next_fire_at + interval '1 day' WHERE id IN (
		SELECT id FROM schedule WHERE next_fire_at <= $1 ORDER BY next_fire_at LIMIT 2000 FOR UPDATE SKIP LOCKED)`, h.now())
	require.NoError(h.t, err)
	return tag.RowsAffected()
}
