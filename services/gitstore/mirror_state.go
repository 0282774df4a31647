package gitstore

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// state says how far behind a mirror is. Safe for concurrent use.
type state struct {
	now func() time.Time

	mu sync.Mutex
	// pending is when the first change came that no round has begun with; taken that of the round under way.
	pending, taken time.Time
	success        time.Time
	failing        bool

	failures prometheus.Counter
}

// pend notes a change.
func (s *state) pend() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending.IsZero() {
		s.pending = s.now()
	}
}

// begin takes all changes so far into a round.
func (s *state) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken, s.pending = s.pending, time.Time{}
}

// end says how the round ended.
func (s *state) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failing = err != nil
	switch {
	case err == nil:
		s.success = s.now()
	case !s.taken.IsZero():
		s.pending = s.taken
	}
	if err != nil && s.failures != nil {
		s.failures.Inc()
	}
	s.taken = time.Time{}
}

// lag is how old the oldest change is that is not in the mirror; 0: there is none.
func (s *state) lag() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	since := s.taken
	if since.IsZero() {
		since = s.pending
	}
	if since.IsZero() {
		return 0
	}
	return max(s.now().Sub(since), 0)
}

func (s *state) lastSuccess() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.success
}

// health is what /readyz says of the mirror: no place, no error, for it is public.
func (s *state) health() map[string]any {
	lag := s.lag()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]any{"lag_seconds": int64(lag.Seconds()), "failing": s.failing}
	if !s.success.IsZero() {
		out["last_success"] = s.success.UTC().Format(time.RFC3339)
	}
	return out
}

// register offers the metrics. Nil: to nobody.
func (s *state) register(to prometheus.Registerer) error {
	if to == nil {
		return nil
	}
	s.failures = prometheus.NewCounter(prometheus.CounterOpts{Name: "netraven_gitstore_mirror_failures_total", Help: "Rounds of the mirror that failed."})
	for _, c := range []prometheus.Collector{
		s.failures,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "netraven_gitstore_mirror_lag_seconds", Help: "Age of the oldest change that is not in the mirror; 0 when all are."},
			func() float64 { return s.lag().Seconds() }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "netraven_gitstore_mirror_last_success_timestamp_seconds", Help: "When the mirror was last found or made complete; 0: not since the start."},
			func() float64 {
				if t := s.lastSuccess(); !t.IsZero() {
					return float64(t.Unix())
				}
				return 0
			}),
	} {
		if err := to.Register(c); err != nil {
			return err
		}
	}
	return nil
}
